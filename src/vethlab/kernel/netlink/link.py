"""RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK: make, set, remove and read interfaces (rtnetlink(7), include/uapi/linux/if_link.h).

Enters: Link values and indexes; leaves: requests. Back: a Seen value per interface, in the kernel's own numbers; names for
masters and peers are put in by kernel.snapshot, which knows the whole lab. What only one kind of link has is in kernel/veth.py
and kernel/bridge.py.
"""

from __future__ import annotations

import sys
from struct import Struct
from typing import NamedTuple

from vethlab.kernel.netlink.message import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_EXCL,
    Request,
    attribute,
    attributes,
    get_text,
    get_u32,
    nested,
    text,
    u8,
    u32,
)
from vethlab.model.names import MARK

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_NEWLINKPROP = 16, 17, 18, 108
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER = 1, 3, 4, 5, 10
IFLA_QDISC, IFLA_OPERSTATE, IFLA_LINKINFO, IFLA_IFALIAS, IFLA_AF_SPEC, IFLA_GROUP = 6, 16, 18, 20, 26, 27
IFLA_LINK_NETNSID = 37
IFLA_PROP_LIST, IFLA_ALT_IFNAME = 52, 53
IFLA_GSO_MAX_SIZE, IFLA_GRO_MAX_SIZE, IFLA_GSO_IPV4_MAX_SIZE, IFLA_GRO_IPV4_MAX_SIZE = 41, 58, 63, 64
IFLA_NET_NS_FD, IFLA_EXT_MASK, IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES = 28, 29, 31, 32
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_EUI64, ADDR_GEN_NONE = 8, 0, 1
IFF_UP, ARPHRD_LOOPBACK, AF_INET6 = 1, 772, 10
RTEXT_FILTER_SKIP_STATS = 8
OWNED_GROUP = 0x76657468  # "veth": every interface we make is in this link group, so that ours are told from others

INFO = Struct("=BxHiII")  # family, type, index, flags, change mask
_ADDR_GEN = tuple(nested(IFLA_AF_SPEC, nested(AF_INET6, u8(IFLA_INET6_ADDR_GEN_MODE, mode))) for mode in (ADDR_GEN_EUI64, ADDR_GEN_NONE))
_SHAPING = frozenset({b"tbf\0", b"netem\0"})
_DUMP = INFO.pack(0, 0, 0, 0, 0) + u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)


class Seen(NamedTuple):
    """An interface as the kernel told it: numbers where State has names."""

    ifindex: int
    name: str
    kind: str
    up: bool
    mtu: int
    mac: str | None
    peer_index: int
    abroad: bool  # the peer is in another namespace
    master_index: int
    group: int
    operstate: int
    alias: str | None
    mark: str | None  # the alternative name that says whose it is, in a namespace of others
    link_local: bool
    data: tuple[bytes, int, int] | None  # span of IFLA_INFO_DATA
    port: tuple[bytes, int, int] | None  # span of IFLA_INFO_SLAVE_DATA
    gso: int  # the largest segment of IPv4, 0 where the kernel does not tell (before Linux 6.3)
    shaped: bool  # its root queueing discipline is one that a lab file can ask for


def mac_bytes(mac: str) -> bytes:
    """The six bytes of a colon-separated MAC address."""
    return bytes.fromhex(mac.replace(":", ""))


def set_link(index: int, name: str, *, up: bool | None = None, parts: bytes = b"") -> Request:
    """Change an interface found by index, or by name where the index is 0. `parts` are ready attributes."""
    flags = 0 if up is None else int(up)
    mask = 0 if up is None else IFF_UP
    found_by = b"" if index else text(IFLA_IFNAME, name)
    return Request(RTM_NEWLINK, 0, INFO.pack(0, 0, index, flags, mask) + found_by + parts)


def new_link(index: int, name: str, kind: str, *, up: bool, parts: bytes, data: bytes) -> Request:
    """Create an interface of a kind; `data` is the payload of IFLA_INFO_DATA."""
    info = nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, kind.encode()), nested(IFLA_INFO_DATA, data))
    body = INFO.pack(0, 0, index, int(up), int(up)) + text(IFLA_IFNAME, name) + u32(IFLA_GROUP, OWNED_GROUP) + parts + info
    return Request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body)


def delete_link(index: int, name: str) -> Request:
    """Remove an interface; a veth takes its peer along."""
    return Request(RTM_DELLINK, 0, INFO.pack(0, 0, index, 0, 0) + (b"" if index else text(IFLA_IFNAME, name)))


def set_mark(index: int, mark: str) -> Request:
    """Give an interface a further name (net/core/rtnetlink.c rtnl_linkprop), by which its maker finds it again."""
    body = INFO.pack(0, 0, index, 0, 0) + nested(IFLA_PROP_LIST, text(IFLA_ALT_IFNAME, mark))
    return Request(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, body)


def index_of(request: Request) -> int:
    """The interface index that a request names, 0 for none."""
    index: int = INFO.unpack_from(request.body)[2]
    return index


def delete_marked(mark: str) -> Request:
    """Remove the interface that has this further name: the kernel finds and removes it in one step."""
    return Request(RTM_DELLINK, 0, INFO.pack(0, 0, 0, 0, 0) + text(IFLA_ALT_IFNAME, mark))


def alternative_names(data: bytes, start: int, end: int) -> list[str]:
    """The further names of an interface, from an RTM_NEWLINK payload."""
    span = attributes(data, start + 16, end).get(IFLA_PROP_LIST)
    return [] if span is None else _further(data, *span)


def _further(data: bytes, offset: int, end: int) -> list[str]:
    found = []
    while offset + 4 <= end:
        length = int.from_bytes(data[offset : offset + 2], sys.byteorder)
        if length < 4:
            break
        found.append(get_text(data, (offset + 4, offset + length)))
        offset += (length + 3) & ~3
    return found


def read_mark(data: bytes, span: tuple[int, int]) -> str | None:
    """The further name that begins as ours do, among all that an interface has."""
    return next((name for name in _further(data, *span) if name.startswith(MARK)), None)


def address_generation(*, link_local: bool) -> bytes:
    """The attribute that lets the kernel make an IPv6 link-local address, or not."""
    return _ADDR_GEN[0 if link_local else 1]


def segment_sizes(size: int) -> bytes:
    """The attributes for the largest segment sent and received whole, IPv6 and IPv4 (BIG TCP, Documentation/networking)."""
    kinds = (IFLA_GSO_MAX_SIZE, IFLA_GRO_MAX_SIZE, IFLA_GSO_IPV4_MAX_SIZE, IFLA_GRO_IPV4_MAX_SIZE)
    return b"".join(u32(kind, size) for kind in kinds)


def dump_body() -> bytes:
    """The body of a dump of all interfaces, without statistics."""
    return _DUMP


def decode(data: bytes, start: int, end: int) -> Seen:
    """One RTM_NEWLINK payload."""
    _family, hardware, index, flags, _change = INFO.unpack_from(data, start)
    found = attributes(data, start + 16, end)
    kind, info_data, port = "loopback" if hardware == ARPHRD_LOOPBACK else "", None, None
    if IFLA_LINKINFO in found:
        info = attributes(data, *found[IFLA_LINKINFO])
        if IFLA_INFO_KIND in info:
            kind = get_text(data, info[IFLA_INFO_KIND])
        if IFLA_INFO_DATA in info:
            info_data = (data, *info[IFLA_INFO_DATA])
        if IFLA_INFO_SLAVE_DATA in info and get_text(data, info[IFLA_INFO_SLAVE_KIND]) == "bridge":
            port = (data, *info[IFLA_INFO_SLAVE_DATA])
    hardware_address = found.get(IFLA_ADDRESS)
    operstate = found.get(IFLA_OPERSTATE)
    alias = found.get(IFLA_IFALIAS)
    return Seen(
        ifindex=index, name=get_text(data, found[IFLA_IFNAME]), kind=kind, up=bool(flags & IFF_UP),
        mtu=get_u32(data, found[IFLA_MTU]),
        mac=data[hardware_address[0] : hardware_address[1]].hex(":") if hardware_address and kind != "loopback" else None,
        peer_index=get_u32(data, found[IFLA_LINK]) if IFLA_LINK in found else 0, abroad=IFLA_LINK_NETNSID in found,
        master_index=get_u32(data, found[IFLA_MASTER]) if IFLA_MASTER in found else 0,
        group=get_u32(data, found[IFLA_GROUP]) if IFLA_GROUP in found else 0,
        operstate=data[operstate[0]] if operstate else 0,
        alias=get_text(data, alias) if alias else None,
        mark=read_mark(data, found[IFLA_PROP_LIST]) if IFLA_PROP_LIST in found else None,
        link_local=_makes_link_local(data, found.get(IFLA_AF_SPEC)), data=info_data, port=port,
        gso=get_u32(data, found[IFLA_GSO_IPV4_MAX_SIZE]) if IFLA_GSO_IPV4_MAX_SIZE in found else 0,
        shaped=IFLA_QDISC in found and data[slice(*found[IFLA_QDISC])] in _SHAPING,
    )


def _makes_link_local(data: bytes, span: tuple[int, int] | None) -> bool:
    if span is None:
        return False
    inet6 = attributes(data, *span).get(AF_INET6)
    if inet6 is None:
        return False
    mode = attributes(data, *inet6).get(IFLA_INET6_ADDR_GEN_MODE)
    return mode is not None and data[mode[0]] != ADDR_GEN_NONE
