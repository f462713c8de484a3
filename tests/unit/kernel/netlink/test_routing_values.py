"""Routes, rules and forwarding entries from messages that an independent encoder (pyroute2) wrote, odd ones among them."""

from __future__ import annotations

import socket
import struct
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from vethlab.kernel.netlink import fdb, fib, rules
from vethlab.kernel.netlink import route as kernel_route
from vethlab.kernel.netlink.message import attribute, u32
from vethlab.kernel.netlink.route import MESSAGE
from vethlab.model.route import Made, NextHop, Route
from vethlab.model.snapshot import FdbEntry, FibRoute, FibRule, Hop

NAMES = {1: "lo", 2: "eth0", 3: "eth1", 9: "br0"}


def payload(message: Any) -> tuple[bytes, int, int]:
    """A message as (data, start, end) of its payload."""
    message.encode()
    return bytes(message.data), 16, len(message.data)


def route(*attrs: tuple[str, Any], **fields: int) -> FibRoute | None:
    """The value of a route message."""
    message = rtmsg()
    for name, value in {"family": socket.AF_INET, "type": 1, "table": 254, "proto": 4, **fields}.items():
        message[name] = value
    message["attrs"] = list(attrs)
    return fib.decode(*payload(message), NAMES)


def test_a_plain_route() -> None:
    """Destination, gateway, interface, metric, source, table and protocol arrive."""
    found = route(
        ("RTA_DST", "10.2.0.0"), ("RTA_GATEWAY", "10.0.0.2"), ("RTA_OIF", 2), ("RTA_PRIORITY", 7), ("RTA_PREFSRC", "10.0.0.1"),
        ("RTA_TABLE", 4000000000), dst_len=16, table=252, flags=4 | 16,
    )
    hop = Hop("eth0", ip_address("10.0.0.2"), ("onlink", "linkdown"))
    assert FibRoute(ip_network("10.2.0.0/16"), "unicast", 4000000000, (hop,), 7, "static", ip_address("10.0.0.1")) == found


def test_what_a_route_says_of_its_packets() -> None:
    """Its own MTU, whether that is locked, and its own hop limit (RTA_METRICS)."""
    metrics = b"".join(attribute(kind, struct.pack("=I", value)) for kind, value in ((1, 1 << 2), (2, 700), (10, 3)))
    body = MESSAGE.pack(socket.AF_INET, 0, 0, 0, 254, 4, 0, 1, 0) + attribute(8, metrics)
    found = fib.decode(body, 0, len(body), NAMES)
    assert found is not None
    assert (700, True, 3) == (found.mtu, found.locked, found.hop_limit)


def test_defaults_and_unknown_numbers() -> None:
    """No destination is the default route, IPv6 too; a protocol and a type without a name are told by number."""
    assert FibRoute(ip_network("0.0.0.0/0"), "unicast", 254, (Hop("eth0"),), 0, "201") == route(("RTA_OIF", 2), proto=201)
    assert FibRoute(ip_network("::/0"), "77", 254, (), 0, "ra") == route(family=socket.AF_INET6, type=77, proto=9)


@pytest.mark.parametrize(("number", "name"), [(6, "blackhole"), (7, "unreachable"), (8, "prohibit"), (9, "throw")])
def test_lines_that_refuse_lead_nowhere(number: int, name: str) -> None:
    """IPv6 tells them with `dev lo`, which is no way out."""
    found = route(("RTA_DST", "2001:db8::"), ("RTA_OIF", 1), family=socket.AF_INET6, dst_len=32, type=number)
    assert found is not None
    assert (name, ()) == (found.type, found.hops)


def test_what_is_not_looked_up_is_left_out() -> None:
    """A cloned entry (a learned MTU), multicast routing and MPLS are no routes of the tables."""
    assert [None, None, None] == [route(("RTA_OIF", 2), flags=0x200), route(family=128), route(family=28)]


def multipath(*hops: bytes) -> tuple[Hop, ...]:
    """The hops of a route with this RTA_MULTIPATH."""
    body = MESSAGE.pack(socket.AF_INET, 0, 0, 0, 254, 4, 0, 1, 0) + attribute(9, b"".join(hops))
    found = fib.decode(body, 0, len(body), NAMES)
    assert found is not None
    return found.hops


def test_several_hops() -> None:
    """Each has its own interface, gateway and flags; a gateway of the other IP version is in RTA_VIA."""
    first = attribute(5, bytes([10, 0, 0, 2]))
    second = attribute(18, struct.pack("=H", socket.AF_INET6) + ip_address("fe80::2").packed)
    hops = multipath(struct.pack("=HBBi", 8 + len(first), 1, 0, 2) + first, struct.pack("=HBBi", 8 + len(second), 16, 2, 3) + second)
    assert (Hop("eth0", ip_address("10.0.0.2"), ("dead",)), Hop("eth1", ip_address("fe80::2"), ("linkdown",))) == hops


def test_a_hop_without_length_ends_the_list() -> None:
    """Bytes that make no sense do not make the reader run in circles."""
    assert (Hop("eth0"),) == multipath(struct.pack("=HBBi", 8, 0, 0, 2), bytes(16))


def rule(*attrs: tuple[str, Any], **fields: int) -> FibRule | None:
    """The value of a rule message."""
    message = fibmsg()
    for name, value in {"family": socket.AF_INET, "action": 1, **fields}.items():
        message[name] = value
    message["attrs"] = [("FRA_SUPPRESS_PREFIXLEN", 0xFFFFFFFF), *attrs]
    return rules.decode(*payload(message))


def test_a_rule_with_everything_that_is_read() -> None:
    """Priority, selectors, mark and table arrive."""
    found = rule(
        ("FRA_PRIORITY", 10), ("FRA_SRC", "10.0.0.0"), ("FRA_DST", "10.9.0.0"), ("FRA_IIFNAME", "eth0"), ("FRA_OIFNAME", "eth1"),
        ("FRA_FWMARK", 5), ("FRA_FWMASK", 0xFFFFFFFF), ("FRA_TABLE", 1000), src_len=8, dst_len=16, table=252,
    )
    assert FibRule(10, 4, "lookup", 1000, ip_network("10.0.0.0/8"), ip_network("10.9.0.0/16"), "eth0", "eth1", 5) == found


def test_a_rule_that_says_nothing() -> None:
    """The first rule of a namespace has priority 0, which the kernel does not spell out."""
    assert FibRule(0, 6, "lookup", 255) == rule(family=socket.AF_INET6, table=255)


@pytest.mark.parametrize(("number", "action"), [(2, "goto"), (3, "nop"), (6, "blackhole"), (7, "unreachable"), (8, "prohibit"), (77, "77")])
def test_actions(number: int, action: str) -> None:
    """Every action has the name that ip-rule(8) gives it."""
    found = rule(("FRA_PRIORITY", 1), action=number)
    assert FibRule(1, 4, action, 0) == found


@pytest.mark.parametrize(("attrs", "fields"), [
    ((), {"flags": 2}), ((), {"tos": 16}), ((("FRA_FWMARK", 1), ("FRA_FWMASK", 3)), {}), ((("FRA_IP_PROTO", 6),), {}),
    ((("FRA_SPORT_RANGE", "1:2"),), {}), ((("FRA_DPORT_RANGE", "1:2"),), {}),
    ((("FRA_UID_RANGE", "0:5"),), {}), ((("FRA_TUN_ID", 1),), {}), ((("FRA_L3MDEV", 1),), {}),
    ((("FRA_SUPPRESS_IFGROUP", 3),), {}), ((("FRA_SUPPRESS_PREFIXLEN", 0),), {}),
])
def test_rules_that_look_at_more(attrs: tuple[tuple[str, Any], ...], fields: dict[str, int]) -> None:
    """Whatever narrows a rule and is not read, marks it."""
    found = rule(*attrs, **fields)
    assert found is not None
    assert found.other


def test_rules_of_multicast_routing_are_left_out() -> None:
    """The dump of all families has those of RTNL_FAMILY_IPMR too."""
    assert rule(family=128) is None


def entry(state: int, flags: int = 0, index: int = 2, *parts: bytes) -> FdbEntry | None:
    """The value of a forwarding entry's message."""
    message = ndmsg()
    message["family"], message["ifindex"], message["state"], message["flags"] = 7, index, state, flags
    message["attrs"] = [("NDA_LLADDR", "02:00:00:00:00:01")]
    data, start, end = payload(message)
    return fdb.decode(data + b"".join(parts), start, end + sum(map(len, parts)), NAMES)


MASTER = u32(9, 9)


@pytest.mark.parametrize(("state", "flags", "expected"), [
    (2, 0, FdbEntry("br0", "eth0", "02:00:00:00:00:01")), (4, 0x10, FdbEntry("br0", "eth0", "02:00:00:00:00:01")),
    (0x40, 0, FdbEntry("br0", "eth0", "02:00:00:00:00:01", static=True)),
    (0x80, 0, FdbEntry("br0", "eth0", "02:00:00:00:00:01", local=True)),
    (0x40, 0x40, FdbEntry("br0", "eth0", "02:00:00:00:00:01", static=True, sticky=True)),
])
def test_forwarding_entries(state: int, flags: int, expected: FdbEntry) -> None:
    """Learned, static, local and sticky entries are told apart by state and flags."""
    assert expected == entry(state, flags, 2, MASTER)


def test_entries_of_no_bridge_are_left_out() -> None:
    """A card's own filter and a vxlan's entry name no master; one of an interface that is gone already has no name."""
    assert [None, None, None] == [entry(0x80, 2), entry(0x80, 0, 77, MASTER), entry(0x80, 0, 2, u32(9, 77))]


@pytest.mark.parametrize(
    "said",
    [
        Route(ip_network("10.9.0.0/16"), (NextHop(None, "eth0"),), made=Made("boot", 253)),
        Route(ip_network("10.9.0.0/16"), (NextHop(ip_address("10.0.0.1"), "eth0"),), made=Made("boot", 10, 16, ((1, 4), (2, 1400)), 7)),
        Route(ip_network("fd01::/64"), (NextHop(ip_address("fd00::1"), "eth0"),), made=Made("static", preference=3)),
        Route(ip_network("10.9.0.0/16"), tuple(NextHop(ip_address(f"10.0.0.{n}"), "eth0", weight=n) for n in (1, 3)), made=Made("boot")),
    ],
    ids=str,
)
def test_a_route_comes_back_as_it_was_made(said: Route) -> None:
    """What is sent to the kernel says all that was read, whatever of it counts."""
    body = kernel_route.add(said, {"eth0": 2}).body
    found = kernel_route.decode(body, 0, len(body), NAMES)
    assert found is not None
    assert (said, said.made) == (found, found.made)
    assert [hop.weight for hop in said.next_hops] == [hop.weight for hop in found.next_hops]
