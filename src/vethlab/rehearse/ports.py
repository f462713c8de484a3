"""An interface as the kernel told it, with all that a copy of it needs.

Enters: the payload of an RTM_NEWLINK message; leaves: a RawLink. Rule of the file: numbers and bytes of the kernel, as named in
include/uapi/linux/if.h and if_link.h.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from vethlab.kernel.netlink.link import (
    IFLA_AF_SPEC,
    IFLA_GROUP,
    IFLA_IFALIAS,
    IFLA_INET6_ADDR_GEN_MODE,
    IFLA_INFO_DATA,
    IFLA_INFO_SLAVE_DATA,
    IFLA_INFO_SLAVE_KIND,
    IFLA_LINK,
    IFLA_LINKINFO,
    INFO,
    Seen,
    decode,
)
from vethlab.model.address import AF_INET, AF_INET6
from vethlab.rehearse.said import Parts, number, parts, payload, string

IFF_UP, IFF_RUNNING, IFF_NOARP, IFF_PROMISC, IFF_ALLMULTI, IFF_MULTICAST, IFF_LOWER_UP = 0x1, 0x40, 0x80, 0x100, 0x200, 0x1000, 0x10000
SETTABLE_FLAGS = IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST
IFLA_TXQLEN, IFLA_LINK_NETNSID, IFLA_XDP = 13, 37, 43
IFLA_XDP_ATTACHED = 2
IFLA_BRPORT_STATE = 1
_IFLA_INET_CONF, _IFLA_INET6_CONF = 1, 2


@dataclass(frozen=True, slots=True)
class RawLink:
    """One interface. `far` is the index of a veth's other end; `away`: that is in another namespace.

    `ipv4` and `ipv6` are its devconf arrays (IPV4_DEVCONF_* counts from 1, DEVCONF_* from 0), empty where the family is off it.
    """

    seen: Seen
    flags: int
    away: bool
    txqlen: int
    group: int
    alias: bytes | None
    xdp: bool
    address_mode: int | None
    data: Parts
    port: Parts
    ipv4: tuple[int, ...]
    ipv6: tuple[int, ...]

    @property
    def index(self) -> int:
        """Its number."""
        return self.seen.ifindex

    @property
    def name(self) -> str:
        """Its name."""
        return self.seen.name

    @property
    def port_state(self) -> int | None:
        """As a bridge port (include/uapi/linux/if_bridge.h); None if it is none."""
        return payload(self.port[IFLA_BRPORT_STATE])[0] if IFLA_BRPORT_STATE in self.port else None


def link(body: bytes) -> RawLink:
    """Take one message apart."""
    seen = decode(body, 0, len(body))
    found = parts(body, INFO.size)
    info = parts(payload(found[IFLA_LINKINFO])) if IFLA_LINKINFO in found else {}
    families = parts(payload(found[IFLA_AF_SPEC])) if IFLA_AF_SPEC in found else {}
    inet = parts(payload(families[AF_INET])) if AF_INET in families else {}
    inet6 = parts(payload(families[AF_INET6])) if AF_INET6 in families else {}
    xdp = parts(payload(found[IFLA_XDP])) if IFLA_XDP in found else {}
    bridged = string(info, IFLA_INFO_SLAVE_KIND) == "bridge" and IFLA_INFO_SLAVE_DATA in info
    return RawLink(
        seen=seen, flags=INFO.unpack_from(body)[3], away=IFLA_LINK in found and IFLA_LINK_NETNSID in found,
        txqlen=number(found, IFLA_TXQLEN), group=number(found, IFLA_GROUP),
        alias=payload(found[IFLA_IFALIAS]) if IFLA_IFALIAS in found else None,
        xdp=IFLA_XDP_ATTACHED in xdp and payload(xdp[IFLA_XDP_ATTACHED])[0] != 0,
        address_mode=payload(inet6[IFLA_INET6_ADDR_GEN_MODE])[0] if IFLA_INET6_ADDR_GEN_MODE in inet6 else None,
        data=parts(payload(info[IFLA_INFO_DATA])) if IFLA_INFO_DATA in info else {},
        port=parts(payload(info[IFLA_INFO_SLAVE_DATA])) if bridged else {},
        ipv4=_numbers(inet, _IFLA_INET_CONF), ipv6=_numbers(inet6, _IFLA_INET6_CONF),
    )


def _numbers(found: Parts, kind: int) -> tuple[int, ...]:
    return tuple(array("i", payload(found[kind]))) if kind in found else ()
