"""The bridge link kind (net/bridge): the bridge itself, and what a port of it may be told.

Rule of the file: multicast snooping is off unless asked for, because without a querier it starves IPv6 neighbour discovery, and
group queries flood large bridges. Numbers from include/uapi/linux/if_link.h.
"""

from __future__ import annotations

from vethlab.kernel.netlink.link import (
    IFLA_ADDRESS,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_INFO_SLAVE_DATA,
    IFLA_INFO_SLAVE_KIND,
    IFLA_LINKINFO,
    IFLA_MTU,
    mac_bytes,
    new_link,
)
from vethlab.kernel.netlink.message import Request, attribute, attributes, get_u32, nested, u8, u32
from vethlab.model.link import Bridge, BridgePort, Link

IFLA_BR_STP_STATE, IFLA_BR_MCAST_SNOOPING = 5, 23
IFLA_BRPORT_STATE, IFLA_BRPORT_HAIRPIN, IFLA_BRPORT_ISOLATED = 1, 4, 33
MAX_PORTS = 1023  # BR_MAX_PORTS is 1 << 10, port number 0 is unused (net/bridge/br_private.h)


def encode(link: Link) -> Request:
    """Create a bridge, down."""
    parts = u32(IFLA_MTU, link.mtu) + (attribute(IFLA_ADDRESS, mac_bytes(link.mac)) if link.mac else b"")
    return new_link(link.index or 0, link.name, "bridge", up=False, parts=parts, data=_options(link.bridge or Bridge()))


def settings(options: Bridge) -> bytes:
    """The attribute that changes an existing bridge."""
    return nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, b"bridge"), nested(IFLA_INFO_DATA, _options(options)))


def port_settings(port: BridgePort) -> bytes:
    """The attribute that changes an existing port; its master has to be a bridge."""
    parts = u8(IFLA_BRPORT_ISOLATED, int(port.isolated)) + u8(IFLA_BRPORT_HAIRPIN, int(port.hairpin))
    if port.state is not None:
        parts += u8(IFLA_BRPORT_STATE, port.state)
    return nested(IFLA_LINKINFO, attribute(IFLA_INFO_SLAVE_KIND, b"bridge"), nested(IFLA_INFO_SLAVE_DATA, parts))


def decode(data: bytes, start: int, end: int) -> Bridge:
    """The settings of a bridge from IFLA_INFO_DATA."""
    found = attributes(data, start, end)
    return Bridge(
        stp=IFLA_BR_STP_STATE in found and get_u32(data, found[IFLA_BR_STP_STATE]) != 0,
        multicast_snooping=IFLA_BR_MCAST_SNOOPING in found and data[found[IFLA_BR_MCAST_SNOOPING][0]] != 0,
    )


def decode_port(data: bytes, start: int, end: int) -> BridgePort:
    """The settings of a port from IFLA_INFO_SLAVE_DATA."""
    found = attributes(data, start, end)
    return BridgePort(
        isolated=IFLA_BRPORT_ISOLATED in found and data[found[IFLA_BRPORT_ISOLATED][0]] != 0,
        state=data[found[IFLA_BRPORT_STATE][0]] if IFLA_BRPORT_STATE in found else None,
        hairpin=IFLA_BRPORT_HAIRPIN in found and data[found[IFLA_BRPORT_HAIRPIN][0]] != 0,
    )


def _options(options: Bridge) -> bytes:
    return u32(IFLA_BR_STP_STATE, int(options.stp)) + u8(IFLA_BR_MCAST_SNOOPING, int(options.multicast_snooping))
