"""RTM_GETLINK in full: everything of an interface that decides about packets, its statistics included (include/uapi/linux/if_link.h).

Enters: RTM_NEWLINK payloads; leaves: Told values in the kernel's numbers, and from them the parts of a model Interface. Rule of the file:
what is costly to decode is decoded when asked for: wiring reads thousands of interfaces and wants six fields of each.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from vethlab.kernel.netlink.link import (
    ARPHRD_LOOPBACK,
    IFF_UP,
    IFLA_ADDRESS,
    IFLA_GROUP,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_INFO_SLAVE_DATA,
    IFLA_INFO_SLAVE_KIND,
    IFLA_LINK,
    IFLA_LINK_NETNSID,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    IFLA_PROP_LIST,
    INFO,
    OWNED_GROUP,
    read_mark,
)
from vethlab.kernel.netlink.message import attributes, get_text, get_u32
from vethlab.model.names import owner_of
from vethlab.model.snapshot import PortFlags

IFLA_STATS64, IFLA_CARRIER, IFLA_XDP = 23, 33, 43
IFF_NOARP = 0x80
IFLA_BR_STP_STATE = 5
_XDP_PROGRAM = 4  # IFLA_XDP_PROG_ID: where one mode is in use
_XDP_MODES = {5: "xdpdrv", 6: "xdpgeneric", 7: "xdpoffload"}  # IFLA_XDP_DRV_PROG_ID, _SKB_, _HW_: ip-link(8) calls the modes so
_COUNTERS = ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped", "tx_dropped")
_STATS = Struct("=8Q")  # the head of struct rtnl_link_stats64
_STATE, _HAIRPIN, _LEARNING, _FLOOD, _MULTICAST, _BROADCAST, _SUPPRESS, _ISOLATED = 1, 4, 8, 9, 27, 30, 32, 33  # IFLA_BRPORT_*

WITH_STATISTICS = INFO.pack(0, 0, 0, 0, 0)

Spans = dict[int, tuple[int, int]]


class Told(NamedTuple):
    """An interface in the kernel's numbers. `carrier` is the device's own (IFLA_CARRIER); a veth has it while both its ends are up."""

    number: int
    name: str
    kind: str
    up: bool
    arp: bool
    carrier: bool
    mtu: int
    mac: str
    master: int
    peer: int
    abroad: bool  # the peer is in another namespace
    owned: bool  # made by us, says its group
    data: bytes
    found: Spans
    info: Spans


def decode(data: bytes, start: int, end: int, owner: str | None = None) -> Told:
    """One RTM_NEWLINK payload. `owner`: whose mark says that we made it, in a namespace where the group alone does not tell."""
    _family, hardware, index, flags, _change = INFO.unpack_from(data, start)
    found = attributes(data, start + 16, end)
    info = attributes(data, *found[IFLA_LINKINFO]) if IFLA_LINKINFO in found else {}
    loopback = hardware == ARPHRD_LOOPBACK
    mac = found.get(IFLA_ADDRESS)
    return Told(
        number=index, name=get_text(data, found[IFLA_IFNAME]),
        kind="loopback" if loopback else get_text(data, info[IFLA_INFO_KIND]) if IFLA_INFO_KIND in info else "",
        up=bool(flags & IFF_UP), arp=not flags & IFF_NOARP, carrier=IFLA_CARRIER not in found or data[found[IFLA_CARRIER][0]] != 0,
        mtu=get_u32(data, found[IFLA_MTU]), mac=data[mac[0] : mac[1]].hex(":") if mac and not loopback else "",
        abroad=IFLA_LINK_NETNSID in found,
        owned=(IFLA_GROUP in found and get_u32(data, found[IFLA_GROUP]) == OWNED_GROUP) if owner is None else _bears(data, found, owner),
        master=get_u32(data, found[IFLA_MASTER]) if IFLA_MASTER in found else 0,
        peer=get_u32(data, found[IFLA_LINK]) if IFLA_LINK in found else 0, data=data, found=found, info=info,
    )


def _bears(data: bytes, found: Spans, owner: str) -> bool:
    mark = read_mark(data, found[IFLA_PROP_LIST]) if IFLA_PROP_LIST in found else None
    return mark is not None and owner_of(mark) == owner


def port(told: Told) -> PortFlags | None:
    """What a bridge says of it as its port; None if its master is no bridge."""
    if IFLA_INFO_SLAVE_DATA not in told.info or get_text(told.data, told.info[IFLA_INFO_SLAVE_KIND]) != "bridge":
        return None
    seen = attributes(told.data, *told.info[IFLA_INFO_SLAVE_DATA])

    def number(kind: int, default: int) -> int:
        return told.data[seen[kind][0]] if kind in seen else default

    return PortFlags(
        state=number(_STATE, 3), isolated=bool(number(_ISOLATED, 0)), learning=bool(number(_LEARNING, 1)), flood=bool(number(_FLOOD, 1)),
        multicast_flood=bool(number(_MULTICAST, 1)), broadcast_flood=bool(number(_BROADCAST, 1)),
        suppresses_neighbours=bool(number(_SUPPRESS, 0)), hairpin=bool(number(_HAIRPIN, 0)),
    )


def runs_stp(told: Told) -> bool:
    """Whether it is a bridge that speaks the spanning tree protocol."""
    if told.kind != "bridge" or IFLA_INFO_DATA not in told.info:
        return False
    span = attributes(told.data, *told.info[IFLA_INFO_DATA]).get(IFLA_BR_STP_STATE)
    return span is not None and get_u32(told.data, span) != 0


def xdp(told: Told) -> int:
    """The id of an XDP program, 0 without one."""
    if IFLA_XDP not in told.found:
        return 0
    seen = attributes(told.data, *told.found[IFLA_XDP])
    return next((get_u32(told.data, seen[kind]) for kind in (_XDP_PROGRAM, *_XDP_MODES) if kind in seen), 0)


def xdp_modes(told: Told) -> tuple[str, ...]:
    """The modes in which there is one: who takes it off has to name the mode (net/core/dev.c dev_xdp_attach)."""
    seen = attributes(told.data, *told.found[IFLA_XDP]) if IFLA_XDP in told.found else {}
    return tuple(word for kind, word in _XDP_MODES.items() if kind in seen)


def counters(told: Told) -> dict[str, int]:
    """The first counters of struct rtnl_link_stats64, by name."""
    span = told.found.get(IFLA_STATS64)
    return {} if span is None else dict(zip(_COUNTERS, _STATS.unpack_from(told.data, span[0]), strict=True))
