"""What hangs on interfaces, as messages to be said again: addresses, routes, rules, neighbours, forwarding entries.

Enters: payloads of a dump; leaves: payloads in one form for all, None for what is not copied. Rule of the file: what the kernel learned or
counts is left out; everything else is kept, whether vethlab has a word for it or not.
"""

from __future__ import annotations

from ipaddress import ip_address
from struct import Struct

from vethlab.kernel.netlink.address import DUMP as ADDRESSES
from vethlab.kernel.netlink.address import (
    IFA_ADDRESS,
    IFA_F_MANAGETEMPADDR,
    IFA_F_NODAD,
    IFA_FLAGS,
    IFA_LOCAL,
    IFA_PROTO,
    IFAPROT_KERNEL_LO,
    RTM_DELADDR,
    RTM_GETADDR,
    RTM_NEWADDR,
)
from vethlab.kernel.netlink.address import MESSAGE as ADDRESS
from vethlab.kernel.netlink.message import attribute, u32
from vethlab.kernel.netlink.neighbour import MESSAGE as NEIGHBOUR
from vethlab.kernel.netlink.neighbour import NDA_DST, NDA_LLADDR, NUD_PERMANENT, RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH
from vethlab.kernel.netlink.route import MESSAGE as ROUTE
from vethlab.kernel.netlink.route import (
    RTA_DST,
    RTA_GATEWAY,
    RTA_MULTIPATH,
    RTA_OIF,
    RTA_PREFSRC,
    RTA_PRIORITY,
    RTA_TABLE,
    RTA_VIA,
    RTM_DELROUTE,
    RTM_F_CLONED,
    RTM_GETROUTE,
    RTM_NEWROUTE,
    RTNH_F_ONLINK,
)
from vethlab.model.address import AF_INET, AF_INET6
from vethlab.rehearse.said import joined, masked, parts, payload

__all__ = [
    "ADDRESSES", "FORWARDING", "NEIGHBOURS", "PROXIES", "ROUTES", "RTM_DELADDR", "RTM_DELNEIGH", "RTM_DELROUTE", "RTM_DELRULE",
    "RTM_GETADDR", "RTM_GETNEIGH", "RTM_GETROUTE", "RTM_GETRULE", "RTM_NEWADDR", "RTM_NEWNEIGH", "RTM_NEWROUTE", "RTM_NEWRULE", "RULES",
    "address", "detected_twice", "forwarding", "in_force", "interface_of", "made_with_loopback", "neighbour", "of_everybody", "route",
    "rule", "through_object", "tried_out", "tunnelled",
]

RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
AF_BRIDGE = 7
NTF_SELF, NTF_MASTER, NTF_PROXY, NTF_EXT_LEARNED, NTF_STICKY = 0x02, 0x04, 0x08, 0x10, 0x40
NUD_NOARP = 0x40
RTN_UNICAST = 1
ROUTES = ROUTE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0)
RULE = Struct("=BBBBBBBBI")  # family, dst len, src len, tos, table, two reserved, action, flags
RULES = RULE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0)
NEIGHBOURS = NEIGHBOUR.pack(0, 0, 0, 0, 0)
PROXIES = NEIGHBOUR.pack(0, 0, 0, NTF_PROXY, 0)
FORWARDING = NEIGHBOUR.pack(AF_BRIDGE, 0, 0, 0, 0)

_FAMILIES = frozenset({AF_INET, AF_INET6})
_IFA_LABEL, _IFA_BROADCAST, _IFA_CACHEINFO, _IFA_RT_PRIORITY = 3, 4, 6, 9
_IFA_F_DADFAILED, _IFA_F_HOMEADDRESS, _IFA_F_TENTATIVE, _IFA_F_NOPREFIXROUTE, _IFA_F_MCAUTOJOIN = 0x08, 0x10, 0x40, 0x200, 0x400
_ADDRESS_FLAGS = IFA_F_MANAGETEMPADDR | _IFA_F_HOMEADDRESS | _IFA_F_NOPREFIXROUTE | _IFA_F_MCAUTOJOIN
_ADDRESS_PARTS = frozenset({IFA_ADDRESS, IFA_LOCAL, _IFA_LABEL, _IFA_BROADCAST, IFA_FLAGS, _IFA_RT_PRIORITY, IFA_PROTO})
_FOREVER, _LONG = 0xFFFFFFFF, 0x7FFFFFFF  # seconds
_LIFETIMES = Struct("=II")  # preferred, valid: the head of struct ifa_cacheinfo
_RTA_SRC, _RTA_METRICS, _RTA_FLOW, _RTA_MARK, _RTA_PREF, _RTA_ENCAP_TYPE, _RTA_ENCAP, _RTA_NH_ID = 2, 8, 11, 16, 20, 21, 22, 30
_ROUTE_PARTS = frozenset({
    RTA_DST, _RTA_SRC, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, _RTA_METRICS, RTA_MULTIPATH, _RTA_FLOW, RTA_TABLE, _RTA_MARK,
    RTA_VIA, _RTA_PREF, _RTA_ENCAP_TYPE, _RTA_ENCAP, _RTA_NH_ID,
})
_HOP_FLAGS_AT = 2  # struct rtnexthop: length, flags, ...
_FIB_RULE_INVERT = 2
_NDA_PORT, _NDA_VNI, _NDA_IFINDEX, _NDA_SRC_VNI = 6, 7, 8, 11
_NDA_VLAN, _NDA_MASTER, _NDA_PROTOCOL, _NDA_FLAGS_EXT = 5, 9, 12, 15


def address(body: bytes) -> bytes | None:
    """An address. Its lifetimes are kept only if they end: `deprecated` is a preferred lifetime of 0."""
    family, prefix, _, scope, index = ADDRESS.unpack_from(body)
    found = parts(body, 8)
    if family not in _FAMILIES:
        return None
    kept = masked({kind: part for kind, part in found.items() if kind in _ADDRESS_PARTS}, IFA_FLAGS, _ADDRESS_FLAGS)
    preferred, valid = _LIFETIMES.unpack_from(found[_IFA_CACHEINFO], 4) if _IFA_CACHEINFO in found else (_FOREVER, _FOREVER)
    if (preferred, valid) != (_FOREVER, _FOREVER):
        # Seconds run on while we look: what counts is whether the kernel still likes to use it, and whether it ends at all.
        times = _LIFETIMES.pack(min(preferred, _LONG), _FOREVER if valid == _FOREVER else _LONG)
        kept[_IFA_CACHEINFO] = attribute(_IFA_CACHEINFO, (times if preferred == 0 else _LIFETIMES.pack(_LONG, _LONG)) + bytes(8))
    return ADDRESS.pack(family, prefix, 0, scope, index) + joined(kept)


def in_force(body: bytes) -> bytes:
    """An address to be added without duplicate address detection, which would delay its use by over a second (RFC 4862, 5.4)."""
    if body[0] != AF_INET6:
        return body
    found = parts(body, 8)
    flags = _flags(found, 0) | IFA_F_NODAD
    return body[:8] + joined({**found, IFA_FLAGS: u32(IFA_FLAGS, flags)})


def made_with_loopback(body: bytes) -> bool:
    """Whether the kernel made it when lo came up."""
    found = parts(body, 8)
    return IFA_PROTO in found and payload(found[IFA_PROTO])[0] == IFAPROT_KERNEL_LO


def detected_twice(body: bytes) -> bool:
    """Whether duplicate address detection failed for it, so that the kernel holds it and does not use it."""
    return bool(_flags(parts(body, 8), body[2]) & _IFA_F_DADFAILED)


def interface_of(body: bytes) -> int:
    """The interface of an address."""
    return int(ADDRESS.unpack_from(body)[4])


def tried_out(body: bytes) -> int:
    """The interface on which duplicate address detection runs for it now, so that it is not in use yet; 0 if none does."""
    state = _flags(parts(body, 8), body[2]) & (_IFA_F_TENTATIVE | _IFA_F_DADFAILED)
    return interface_of(body) if state == _IFA_F_TENTATIVE else 0


def _flags(found: dict[int, bytes], short: int) -> int:
    return int.from_bytes(payload(found[IFA_FLAGS]), "little") if IFA_FLAGS in found else short


def route(body: bytes) -> bytes | None:
    """A route of any table, without what the kernel says of its next hops' fate (dead, linkdown)."""
    family, length, source, tos, table, protocol, scope, kind, flags = ROUTE.unpack_from(body)
    if family not in _FAMILIES or flags & RTM_F_CLONED:
        return None
    found = {number: part for number, part in parts(body, 12).items() if number in _ROUTE_PARTS}
    if RTA_MULTIPATH in found:
        found[RTA_MULTIPATH] = _hops(found[RTA_MULTIPATH])
    return ROUTE.pack(family, length, source, tos, table, protocol, scope, kind, flags & RTNH_F_ONLINK) + joined(found)


def through_object(body: bytes) -> bool:
    """Whether it leads through a next-hop object (ip-nexthop(8)), which other routes share."""
    return _RTA_NH_ID in parts(body, 12)


def _hops(part: bytes) -> bytes:
    data = bytearray(part)
    at = 4
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 2], "little")
        if length < 8:
            break
        data[at + _HOP_FLAGS_AT] &= RTNH_F_ONLINK
        at += (length + 3) & ~3
    return bytes(data)


def rule(body: bytes) -> bytes | None:
    """A policy rule, without what the kernel says of its interfaces (detached, unresolved)."""
    family, destination, source, tos, table, _, _, action, flags = RULE.unpack_from(body)
    if family not in _FAMILIES:
        return None
    return RULE.pack(family, destination, source, tos, table, 0, 0, action, flags & _FIB_RULE_INVERT) + joined(parts(body, 12))


def neighbour(body: bytes) -> bytes | None:
    """A neighbour entry that somebody pinned, or an address answered for others (NTF_PROXY)."""
    family, index, state, flags, kind = NEIGHBOUR.unpack_from(body)
    pinned = state == NUD_PERMANENT or (state == NUD_NOARP and kind == RTN_UNICAST)  # the kernel's own of that state are for groups
    if family not in _FAMILIES or not (pinned or flags & NTF_PROXY):
        return None
    state = 0 if flags & NTF_PROXY else state
    kept = joined(parts(body, 12), {NDA_DST, NDA_LLADDR, _NDA_PROTOCOL, _NDA_FLAGS_EXT})
    return NEIGHBOUR.pack(family, index, state, flags & NTF_PROXY, 0) + kept


def forwarding(body: bytes) -> bytes | None:
    """A bridge's forwarding entry that somebody pinned, or the bridge's own (local); what it learned comes again."""
    family, index, state, flags, _ = NEIGHBOUR.unpack_from(body)
    found = parts(body, 12)
    if family != AF_BRIDGE or _NDA_MASTER not in found or not state & (NUD_PERMANENT | NUD_NOARP):
        return None
    own = int.from_bytes(payload(found[_NDA_MASTER]), "little") == index  # an entry of the bridge device itself
    place = NTF_SELF if own else NTF_MASTER
    head = NEIGHBOUR.pack(AF_BRIDGE, index, state, flags & (NTF_STICKY | NTF_EXT_LEARNED) | place, 0)
    return head + joined(found, {NDA_LLADDR, _NDA_VLAN})


def tunnelled(body: bytes) -> bytes | None:
    """An entry of a VXLAN device that somebody put there; the one of its multicast group comes with the device."""
    family, index, state, flags, _ = NEIGHBOUR.unpack_from(body)
    found = parts(body, 12)
    own = family == AF_BRIDGE and flags & NTF_SELF and _NDA_MASTER not in found and NDA_DST in found
    if not own or not state & (NUD_PERMANENT | NUD_NOARP):
        return None
    if ip_address(payload(found[NDA_DST])).is_multicast:
        return None
    head = NEIGHBOUR.pack(AF_BRIDGE, index, state, NTF_SELF, 0)
    return head + joined(found, {NDA_LLADDR, NDA_DST, _NDA_PORT, _NDA_VNI, _NDA_IFINDEX, _NDA_SRC_VNI})


def of_everybody(body: bytes) -> bool:
    """Whether an entry is one of several: those of group MACs, and of the all-zero one, stand side by side (vxlan_fdb_update)."""
    mac = payload(parts(body, 12)[NDA_LLADDR])
    return bool(mac[0] & 1) or not any(mac)
