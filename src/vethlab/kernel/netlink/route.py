"""RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE: routes of the main table (rtnetlink(7), include/uapi/linux/rtnetlink.h).

Rule of the file: ours carry RTPROT_STATIC, those that come back what they carried. Read back are those that people make (`boot`, by
ip-route(8), and `static`); the kernel's own and those of routing daemons are not state.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from struct import Struct
from typing import NamedTuple

from vethlab.kernel.netlink.message import NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, Request, attribute, attributes, get_u32, u32
from vethlab.model.address import AF_INET, AF_INET6, IP, IPNetwork
from vethlab.model.route import Made, NextHop, Route, RouteType, natural_scope

RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_MULTIPATH, RTA_TABLE, RTA_VIA = 1, 4, 5, 6, 7, 9, 15, 18
RTA_METRICS, RTA_FLOW, RTA_PREF = 8, 11, 20
RT_TABLE_MAIN, RTPROT_BOOT, RTPROT_STATIC = 254, 3, 4
RT_SCOPE_NOWHERE = 255  # of what is deleted: any
RTNH_F_ONLINK, RTM_F_CLONED = 4, 0x200
IPV6_DEFAULT_METRIC = 1024
MESSAGE = Struct("=BBBBBBBBI")  # family, dst len, src len, tos, table, protocol, scope, type, flags
_HOP = Struct("=HBBi")  # length, flags, hops (weight - 1), interface index
_TYPES = {RouteType.UNICAST: 1, RouteType.BLACKHOLE: 6, RouteType.UNREACHABLE: 7, RouteType.PROHIBIT: 8}
_PROTOCOLS = {"boot": RTPROT_BOOT, "static": RTPROT_STATIC}
_NAMES = {number: name for name, number in _TYPES.items()}


def add(route: Route, indexes: Mapping[str, int]) -> Request:
    """Add a route; `indexes` gives the interface index of each name."""
    flags = NLM_F_CREATE | (NLM_F_APPEND if route.destination.version == 6 and len(route.next_hops) > 1 else NLM_F_EXCL)
    made = route.made or Made(scope=natural_scope(route))
    parts = [_body(route, indexes, _PROTOCOLS[made.protocol], made.scope, made.tos)]
    if made.metrics:
        parts.append(attribute(RTA_METRICS , b"".join([u32(number, value) for number, value in made.metrics])))
    if made.realms:
        parts.append(u32(RTA_FLOW, made.realms))
    if made.preference:
        parts.append(attribute(RTA_PREF, bytes([made.preference])))
    return Request(RTM_NEWROUTE, flags, b"".join(parts))


def delete(route: Route, indexes: Mapping[str, int]) -> Request:
    """Remove a route, whoever of `boot` and `static` made it (protocol 0 matches any)."""
    scope = RT_SCOPE_NOWHERE if route.destination.version == 4 else 0
    return Request(RTM_DELROUTE, 0, _body(route, indexes, 0, scope, route.made.tos if route.made is not None else 0))


def dump_body() -> bytes:
    """A dump of the main tables of all families (strict checking makes the kernel filter)."""
    return MESSAGE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0) + u32(RTA_TABLE, RT_TABLE_MAIN)


def _body(route: Route, indexes: Mapping[str, int], protocol: int, scope: int, tos: int) -> bytes:
    destination = route.destination
    family = AF_INET if destination.version == 4 else AF_INET6
    onlink = RTNH_F_ONLINK if len(route.next_hops) == 1 and route.next_hops[0].onlink else 0
    parts = [MESSAGE.pack(family, destination.prefixlen, 0, tos, RT_TABLE_MAIN, protocol, scope, _TYPES[route.type], onlink)]
    if destination.prefixlen:
        parts.append(attribute(RTA_DST, destination.network_address.packed))
    if route.metric:
        parts.append(u32(RTA_PRIORITY, route.metric))
    if route.source is not None:
        parts.append(attribute(RTA_PREFSRC, route.source.packed))
    if len(route.next_hops) == 1:
        hop = route.next_hops[0]
        parts.append(_gateway(destination, hop))
        if hop.interface is not None:
            parts.append(u32(RTA_OIF, indexes[hop.interface]))
    elif route.next_hops:
        parts.append(attribute(RTA_MULTIPATH, b"".join([_multipath(destination, hop, indexes) for hop in route.next_hops])))
    return b"".join(parts)


def _multipath(destination: IPNetwork, hop: NextHop, indexes: Mapping[str, int]) -> bytes:
    inner = _gateway(destination, hop)
    index = indexes[hop.interface] if hop.interface is not None else 0
    return _HOP.pack(8 + len(inner), RTNH_F_ONLINK if hop.onlink else 0, (hop.weight or 1) - 1, index) + inner


def _gateway(destination: IPNetwork, hop: NextHop) -> bytes:
    if hop.via is None:
        return b""
    if hop.via.version != destination.version:  # IPv4 over an IPv6 next hop (RFC 8950)
        return attribute(RTA_VIA, (AF_INET6 if hop.via.version == 6 else AF_INET).to_bytes(2, "little") + hop.via.packed)
    return attribute(RTA_GATEWAY, hop.via.packed)


class Whole(NamedTuple):
    """Any route of the main table: where it leads, the interface's index (0: several, or none), its type in the kernel's numbers."""

    destination: IPNetwork
    leads_to: int
    kind: int


def whole(data: bytes, start: int, end: int) -> Whole | None:
    """One RTM_NEWROUTE payload, whoever made the route; None if it is not of the main table."""
    family, length, _source, _tos, table, _protocol, _scope, kind, flags = MESSAGE.unpack_from(data, start)
    found = attributes(data, start + 12, end)
    if family not in {AF_INET, AF_INET6} or flags & RTM_F_CLONED:
        return None
    if (get_u32(data, found[RTA_TABLE]) if RTA_TABLE in found else table) != RT_TABLE_MAIN:
        return None
    destination = _packed(data, found[RTA_DST]) if RTA_DST in found else bytes(4 if family == AF_INET else 16)
    return Whole(_network(destination, length), get_u32(data, found[RTA_OIF]) if RTA_OIF in found else 0, kind)


def decode(data: bytes, start: int, end: int, names: Mapping[int, str]) -> Route | None:
    """One RTM_NEWROUTE payload, or None if it is not a person's route of the main table."""
    family, length, _source, tos, table, protocol, scope, kind, flags = MESSAGE.unpack_from(data, start)
    if protocol not in {RTPROT_BOOT, RTPROT_STATIC} or family not in {AF_INET, AF_INET6} or flags & RTM_F_CLONED or kind not in _NAMES:
        return None
    found = attributes(data, start + 12, end)
    if (get_u32(data, found[RTA_TABLE]) if RTA_TABLE in found else table) != RT_TABLE_MAIN:
        return None
    destination = _packed(data, found[RTA_DST]) if RTA_DST in found else bytes(4 if family == AF_INET else 16)
    metric = get_u32(data, found[RTA_PRIORITY]) if RTA_PRIORITY in found else 0
    name = _NAMES[kind]
    return Route(
        destination=_network(destination, length),
        next_hops=_hops(data, found, flags, names) if name is RouteType.UNICAST else (),
        type=name, metric=0 if family == AF_INET6 and metric == IPV6_DEFAULT_METRIC else metric,
        source=_address(_packed(data, found[RTA_PREFSRC])) if RTA_PREFSRC in found else None,
        made=_made(
            protocol, scope, tos, _packed(data, found[RTA_METRICS]) if RTA_METRICS in found else b"",
            get_u32(data, found[RTA_FLOW]) if RTA_FLOW in found else 0, data[found[RTA_PREF][0]] if RTA_PREF in found else 0,
        ),
    )


@lru_cache(maxsize=256)
def _made(protocol: int, scope: int, tos: int, metrics: bytes, realms: int, preference: int) -> Made:
    """Cached, because most routes are made alike."""
    found = attributes(metrics, 0, len(metrics))
    values = tuple((number, get_u32(metrics, span)) for number, span in sorted(found.items()) if span[1] - span[0] == 4)
    return Made("boot" if protocol == RTPROT_BOOT else "static", scope, tos, values, realms, preference)


def _hops(data: bytes, found: dict[int, tuple[int, int]], flags: int, names: Mapping[int, str]) -> tuple[NextHop, ...]:
    if RTA_MULTIPATH not in found:
        index = get_u32(data, found[RTA_OIF]) if RTA_OIF in found else 0
        return (NextHop(_via(data, found), names.get(index), onlink=bool(flags & RTNH_F_ONLINK)),)
    offset, end = found[RTA_MULTIPATH]
    hops = []
    while offset + 8 <= end:
        length, hop_flags, weight, index = _HOP.unpack_from(data, offset)
        if length < 8:
            break
        inner = attributes(data, offset + 8, offset + length)
        hops.append(NextHop(_via(data, inner), names.get(index), onlink=bool(hop_flags & RTNH_F_ONLINK), weight=weight + 1))
        offset += (length + 3) & ~3
    return tuple(hops)


def _via(data: bytes, found: dict[int, tuple[int, int]]) -> IP | None:
    if RTA_GATEWAY in found:
        return _address(_packed(data, found[RTA_GATEWAY]))
    if RTA_VIA in found:
        return _address(data[found[RTA_VIA][0] + 2 : found[RTA_VIA][1]])
    return None


def _packed(data: bytes, span: tuple[int, int]) -> bytes:
    return data[span[0] : span[1]]


@lru_cache(maxsize=8192)
def _address(packed: bytes) -> IP:
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)


@lru_cache(maxsize=8192)
def _network(packed: bytes, length: int) -> IPNetwork:
    return IPv4Network((packed, length)) if len(packed) == 4 else IPv6Network((packed, length))
