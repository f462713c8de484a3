"""RTM_GETROUTE as a dump: every route of every table, of every type, IPv4 and IPv6 (include/uapi/linux/rtnetlink.h).

Enters: RTM_NEWROUTE payloads and interface names by index; leaves: FibRoute values. Rule of the file: what the kernel looks up, not what
it remembers of earlier packets: exceptions (learned MTUs, redirects) are cloned entries, which a strict dump leaves out, and so does this.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from struct import Struct

from vethlab.kernel.netlink.message import attributes, get_u32
from vethlab.kernel.netlink.route import (
    MESSAGE,
    RTA_DST,
    RTA_GATEWAY,
    RTA_MULTIPATH,
    RTA_OIF,
    RTA_PREFSRC,
    RTA_PRIORITY,
    RTA_TABLE,
    RTA_VIA,
    RTM_F_CLONED,
)
from vethlab.model.address import AF_INET, AF_INET6, IP, IPNetwork
from vethlab.model.snapshot import FibRoute, Hop

RTA_METRICS = 8
RTAX_LOCK, RTAX_MTU, RTAX_HOPLIMIT = 1, 2, 10
ALL = MESSAGE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0)
TYPES = ("unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "nat")  # RTN_*
_ENDS = frozenset({"blackhole", "unreachable", "prohibit", "throw"})  # IPv6 says `dev lo` of them, which nothing passes
_PROTOCOLS = {
    0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 8: "gated", 9: "ra", 10: "mrt", 11: "zebra", 12: "bird",
    13: "dnrouted", 14: "xorp", 15: "ntk", 16: "dhcp", 18: "keepalived", 42: "babel",
    186: "bgp", 187: "isis", 188: "ospf", 189: "rip", 192: "eigrp",
}
_FLAGS = ((1, "dead"), (4, "onlink"), (16, "linkdown"))  # RTNH_F_*
_HOP = Struct("=HBBi")  # length, flags, hops (weight - 1), interface index


def decode(data: bytes, start: int, end: int, names: Mapping[int, str]) -> FibRoute | None:
    """One RTM_NEWROUTE payload; None for a cloned entry and for what is not IP unicast routing (multicast routing, MPLS)."""
    family, length, _source, _tos, table, protocol, _scope, kind, flags = MESSAGE.unpack_from(data, start)
    if family not in {AF_INET, AF_INET6} or flags & RTM_F_CLONED:
        return None
    found = attributes(data, start + 12, end)
    destination = data[found[RTA_DST][0] : found[RTA_DST][1]] if RTA_DST in found else bytes(4 if family == AF_INET else 16)
    name = TYPES[kind] if kind < len(TYPES) else str(kind)
    metrics = attributes(data, *found[RTA_METRICS]) if RTA_METRICS in found else {}
    lock, mtu, hop_limit = (get_u32(data, metrics[one]) if one in metrics else 0 for one in (RTAX_LOCK, RTAX_MTU, RTAX_HOPLIMIT))
    return FibRoute(
        network(destination, length), name, get_u32(data, found[RTA_TABLE]) if RTA_TABLE in found else table,
        () if name in _ENDS else _hops(data, found, flags, names), get_u32(data, found[RTA_PRIORITY]) if RTA_PRIORITY in found else 0,
        _PROTOCOLS.get(protocol, str(protocol)), ip(data[found[RTA_PREFSRC][0] : found[RTA_PREFSRC][1]]) if RTA_PREFSRC in found else None,
        mtu, bool(lock & (1 << RTAX_MTU)), hop_limit,
    )


def via(data: bytes, found: Mapping[int, tuple[int, int]]) -> IP | None:
    """The next hop's address; of the other IP version in RTA_VIA (RFC 8950)."""
    if RTA_GATEWAY in found:
        return ip(data[found[RTA_GATEWAY][0] : found[RTA_GATEWAY][1]])
    if RTA_VIA in found:
        return ip(data[found[RTA_VIA][0] + 2 : found[RTA_VIA][1]])
    return None


@lru_cache(maxsize=8192)
def ip(packed: bytes) -> IP:
    """An address; cached, because a lab's namespaces tell the same ones."""
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)


@lru_cache(maxsize=8192)
def network(packed: bytes, length: int) -> IPNetwork:
    """A destination."""
    return IPv4Network((packed, length)) if len(packed) == 4 else IPv6Network((packed, length))


def _hops(data: bytes, found: Mapping[int, tuple[int, int]], flags: int, names: Mapping[int, str]) -> tuple[Hop, ...]:
    if RTA_MULTIPATH not in found:
        index = get_u32(data, found[RTA_OIF]) if RTA_OIF in found else 0
        gateway = via(data, found)
        return (Hop(names.get(index), gateway, _words(flags)),) if index or gateway is not None else ()
    offset, end = found[RTA_MULTIPATH]
    hops = []
    while offset + 8 <= end:
        length, hop_flags, _weight, index = _HOP.unpack_from(data, offset)
        if length < 8:
            break
        hops.append(Hop(names.get(index), via(data, attributes(data, offset + 8, offset + length)), _words(hop_flags)))
        offset += (length + 3) & ~3
    return tuple(hops)


def _words(flags: int) -> tuple[str, ...]:
    return tuple(word for bit, word in _FLAGS if flags & bit) if flags else ()
