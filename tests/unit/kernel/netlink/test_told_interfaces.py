"""What RTM_GETLINK tells of an interface, on messages that this machine's kernel would not send."""

from __future__ import annotations

from struct import pack

import pytest

from vethlab.kernel.netlink import devconf, interface
from vethlab.kernel.netlink.interface import IFLA_CARRIER, IFLA_STATS64, IFLA_XDP, Told
from vethlab.kernel.netlink.link import (
    IFLA_ADDRESS,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_INFO_SLAVE_DATA,
    IFLA_INFO_SLAVE_KIND,
    IFLA_LINK,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    INFO,
)
from vethlab.kernel.netlink.message import attribute, nested, text, u8, u32
from vethlab.model.snapshot import PortFlags

ETHERNET, LOOPBACK = 1, 772


def told(*parts: bytes, flags: int = 1, hardware: int = ETHERNET) -> Told:
    """A decoded message about eth0 with these attributes."""
    data = b"head" + INFO.pack(0, hardware, 7, flags, 0) + text(IFLA_IFNAME, "eth0") + u32(IFLA_MTU, 1500) + b"".join(parts)
    return interface.decode(data, 4, len(data))


def kind(name: str, *parts: bytes) -> bytes:
    """IFLA_LINKINFO of a kind."""
    return nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, name.encode()), *parts)


def test_an_interface_of_a_driver_without_words() -> None:
    """No kind, no MAC, no carrier attribute (a tun): what is not told has its plain value."""
    one = told()
    assert (7, "eth0", "", True, True, True, 1500, "", 0, 0) == one[:10]
    assert (None, False, 0, {}) == (interface.port(one), interface.runs_stp(one), interface.xdp(one), interface.counters(one))


def test_flags_and_neighbours() -> None:
    """IFF_NOARP, a carrier that is off, master and peer arrive; a loopback has no MAC worth telling."""
    mac = attribute(IFLA_ADDRESS, bytes(range(6)))
    one = told(u8(IFLA_CARRIER, 0), u32(IFLA_MASTER, 3), u32(IFLA_LINK, 8), mac, kind("veth"), flags=0x80)
    assert (False, False, False) == (one.up, one.arp, one.carrier)
    assert ("veth", "00:01:02:03:04:05", 3, 8) == (one.kind, one.mac, one.master, one.peer)
    lo = told(attribute(IFLA_ADDRESS, bytes(6)), hardware=LOOPBACK)
    assert ("loopback", "") == (lo.kind, lo.mac)


def test_a_port_of_something_else_is_no_bridge_port() -> None:
    """A slave of a bond has a master and data of its own, which are not read as those of a bridge port."""
    bond = kind("veth", attribute(IFLA_INFO_SLAVE_KIND, b"bond"), nested(IFLA_INFO_SLAVE_DATA, u8(1, 0)))
    assert interface.port(told(u32(IFLA_MASTER, 3), bond)) is None


def test_a_port_of_an_old_bridge() -> None:
    """Flags that a kernel does not know yet have the value that it acts by."""
    old = kind("veth", attribute(IFLA_INFO_SLAVE_KIND, b"bridge"), nested(IFLA_INFO_SLAVE_DATA, u8(1, 4), u8(8, 0)))
    assert PortFlags(state=4, learning=False) == interface.port(told(old))


@pytest.mark.parametrize(("parts", "program", "modes"), [
    ((u8(2, 0),), 0, ()), ((u8(2, 2), u32(4, 17), u32(6, 17)), 17, ("xdpgeneric",)), ((), 0, ()),
    ((u8(2, 4), u32(5, 18), u32(6, 19)), 18, ("xdpdrv", "xdpgeneric")),
])
def test_the_program_of_xdp(parts: tuple[bytes, ...], program: int, modes: tuple[str, ...]) -> None:
    """The id of the program in the one mode that is used, or of the first of several (IFLA_XDP_ATTACHED 4: XDP_ATTACHED_MULTI)."""
    one = told(nested(IFLA_XDP, *parts))
    assert (program, modes, ()) == (interface.xdp(one), interface.xdp_modes(one), interface.xdp_modes(told()))


def test_stp_is_that_of_a_bridge() -> None:
    """The number that means STP in a bridge's data means something else in another kind's."""
    data = nested(IFLA_INFO_DATA, u32(5, 1))
    assert [True, False] == [interface.runs_stp(told(kind(name, data))) for name in ("bridge", "vxlan")]


def test_counters_by_name() -> None:
    """The head of struct rtnl_link_stats64 is read, however much follows it."""
    one = told(attribute(IFLA_STATS64, pack("=25Q", *range(25))))
    assert {
        "rx_packets": 0, "tx_packets": 1, "rx_bytes": 2, "tx_bytes": 3, "rx_errors": 4, "tx_errors": 5, "rx_dropped": 6, "tx_dropped": 7,
    } == interface.counters(one)


def conf(ipv4: list[int], ipv6: list[int]) -> tuple[dict[str, int], dict[str, int]]:
    """The settings decoded from these arrays."""
    data = b"".join([
        nested(2, attribute(devconf.IFLA_INET_CONF, pack(f"={len(ipv4)}i", *ipv4))),
        nested(10, u32(1, 0), attribute(devconf.IFLA_INET6_CONF, pack(f"={len(ipv6)}i", *ipv6))),
    ])
    return devconf.decode(data, 0, len(data))


def test_settings_by_name() -> None:
    """IPv4 settings are numbered from 1 and IPv6 ones from 0; a negative number stays one."""
    ipv4, ipv6 = conf(list(range(1, 34)), [*range(7), -1])
    assert (1, 8, 18, 19, 23, 26, 32) == tuple(
        ipv4[leaf] for leaf in ("forwarding", "rp_filter", "arp_announce", "arp_ignore", "accept_local", "route_localnet", "bc_forwarding")
    )
    assert {
        "forwarding": 0, "hop_limit": 1, "mtu": 2, "accept_ra": 3, "accept_redirects": 4, "autoconf": 5, "dad_transmits": 6,
        "router_solicitations": -1,
    } == ipv6


def test_a_kernel_that_knows_more_or_fewer_settings() -> None:
    """What this list does not name is left out, what the kernel does not tell is not there."""
    ipv4, ipv6 = conf(list(range(99)), list(range(99)))
    assert (len(devconf.IPV4), {name for name in devconf.IPV6 if name}) == (len(ipv4), set(ipv6))
    assert ({"forwarding": 7}, {}) == conf([7], [])


def test_an_interface_without_ip() -> None:
    """A kernel without IPv6, or an interface too small for it, tells no settings of it."""
    data = nested(2)
    assert ({}, {}) == devconf.decode(data, 0, len(data))
    assert ({}, {}) == devconf.decode(b"", 0, 0)
