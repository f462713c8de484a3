"""What nodes do with a packet: keep it, send it on, refuse it; there, and back."""

from __future__ import annotations

import errno
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from tests.unit.explain.scenes import BRIDGED, CABLE, ROUTED, Paper, entry, route

from vethlab.explain import walk as walking
from vethlab.explain.questions import Route, Routed
from vethlab.explain.rules.hops import not_a_router
from vethlab.explain.scene import Scene
from vethlab.explain.travel import Travel
from vethlab.explain.walk import walk
from vethlab.model.finding import Finding, Where
from vethlab.model.flow import Flow, Side
from vethlab.model.snapshot import Drift, FibRule, Listener

MIRROR = "name: paper\nlinks: [box:left 10.0.0.1/24 -- box:right 10.0.0.2/24]\n"


@pytest.mark.parametrize(
    ("text", "target"),
    [(CABLE, "10.0.0.2"), (CABLE, "fd00::2"), (ROUTED, "10.0.2.2"), (ROUTED, "fd02::2"), (BRIDGED, "10.0.0.3"), (BRIDGED, "fd00::3")],
)
def test_a_healthy_way_has_no_obstacle(text: str, target: str) -> None:
    """There and back, with nothing in between: the way ends where it began, and both ends were reached."""
    way = Paper(text).walk("a", target)
    assert ([], {"request", "reply"}) == (way.obstacles, way.delivered)
    assert ("a", "eth0", "in", "reply") == (way.points[-1].node, way.points[-1].interface, way.points[-1].direction, way.points[-1].what)


def test_a_question_without_ends_has_no_way() -> None:
    """A flow from no node of the lab is not walked."""
    flow = Flow("ping", Side(None, None, ip_address("10.0.0.9")), Side("b", None, ip_address("10.0.0.2")))
    walked = Paper().hold(walk(Scene(Paper().wiring), flow))
    assert ([], ip_address("10.0.0.9"), None) == (walked.way.points, walked.source, walked.interface)


def test_arp_asks_once_and_ends() -> None:
    """With --arp only the neighbour is asked for: no request, no reply."""
    way = Paper().walk("a", "10.0.0.2", kind="arp")
    assert ["solicit", "solicit", "answer", "answer"] == [point.what for point in way.points]


def test_a_node_reaches_itself_over_lo() -> None:
    """One's own address is answered over lo, there and back; if that is down nothing is."""
    paper = Paper()
    assert [] == paper.obstacles("a", "10.0.0.1")
    paper.interface("a:lo", up=False)
    assert ["lo-down at a:lo", "lo-down at a:lo"] == paper.obstacles("a", "10.0.0.1")


def test_the_senders_own_address_has_to_be_there() -> None:
    """A socket cannot be bound to an address that the node does not have; where the file gives it, it is missed."""
    paper = Paper()
    foreign = paper.walk("a:eth0", "10.0.0.2", bound="10.0.0.77").obstacles[0].finding
    assert ("no-address", "a does not have 10.0.0.77, from which it should send") == (foreign.slug, foreign.summary)
    paper.address("a:eth0", "10.0.0.77/24")
    gone = paper.walk("a", "10.0.0.2", bound="10.0.0.1").obstacles[0].finding
    assert ("no-address", "a:eth0 does not have 10.0.0.1") == (gone.slug, gone.summary)


def test_a_socket_bound_to_an_interface_that_is_down() -> None:
    """The interface that the question names is down, whatever its routes say."""
    paper = Paper()
    paper.interface("a:eth0", up=False)
    assert "link-down at a:eth0" == paper.obstacles("a:eth0", "10.0.0.2")[0]


def test_an_answer_without_an_interface_ends_the_way() -> None:
    """Where the kernel names no interface nothing can be followed, at the sender and at a router."""
    paper = Paper(ROUTED)
    paper.says[Route("r", ip_address("10.0.2.2"), ip_address("10.0.1.2"), "left")] = Routed(interface=None)
    assert [("r", "left")] == [(point.node, point.interface) for point in paper.walk("a", "10.0.2.2").points if point.leg == "request"][-1:]
    paper.says[Route("a", ip_address("10.0.2.2"))] = Routed(source=ip_address("169.254.0.1"))
    assert [] == [point for point in paper.walk("a", "10.0.2.2").points if point.leg == "request"]
    paper.says[Route("a", ip_address("10.0.2.2"))] = Routed(interface="gone0", source=ip_address("10.0.1.2"))
    assert [] == [point for point in paper.walk("a", "10.0.2.2").points if point.leg == "request"]


def test_a_router_without_a_route() -> None:
    """It forwards and has no way: the route is missing there, for the request; for the reply it is the way back."""
    paper = Paper(ROUTED)
    paper.without("r", "10.0.2.0/24")
    assert "no-route at r" == paper.obstacles("a", "10.0.2.2")[0]
    paper = Paper(ROUTED)
    paper.without("r", "10.0.1.0/24")
    assert ["no-return-route at r"] == paper.obstacles("a", "10.0.2.2")


def test_a_router_that_refuses_the_sender_tells_what_is_behind() -> None:
    """Behind a source that is not believed the way goes on, with the kernel's word of what would happen there."""
    paper = Paper(ROUTED)
    paper.interface("r:left", ipv4={"forwarding": 1, "rp_filter": 1})
    paper.without("r", "10.0.1.0/24")
    paper.add("r", routes=(route("10.0.1.0/24", "right"),))
    paper.node("b", sysctls={"net.ipv4.icmp_echo_ignore_all": "1"})
    entries = (entry("eth0", "10.0.1.1", paper.mac("r:left")),)
    paper.add("a", neighbours=entries)
    assert ["rp-filter at r:left", "echo-ignored at b:eth0"] == paper.obstacles("a", "10.0.2.2")[:2]


def test_a_refusal_without_a_reason_is_said_to_be_one() -> None:
    """The kernel refuses, and neither its tables nor its settings say why: unknown, and not invented."""
    paper = Paper(ROUTED)
    asked = Route("r", ip_address("10.0.2.2"), ip_address("10.0.1.2"), "left")
    paper.says[asked] = Routed(errno.EINVAL, "RTNETLINK answers: Invalid argument")
    paper.says[Route("r", ip_address("10.0.2.2"))] = Routed(errno.EINVAL)
    assert ["unknown at r:left"] == [one for one in paper.obstacles("a", "10.0.2.2") if "unknown" in one]
    six = Route("r", ip_address("fd02::2"), ip_address("fd01::2"), "left")
    paper.says[six] = Routed(errno.EACCES)
    assert [] == paper.obstacles("a", "fd02::2")


@pytest.mark.parametrize(("target", "default"), [("10.0.0.2", "0.0.0.0/0"), ("fd00::2", "::/0")])
def test_a_packet_comes_to_who_should_have_the_address(target: str, default: str) -> None:
    """A neighbour entry still leads to the node that lost its address: the address is missing there, whatever it does with the packet."""
    for forwards in (0, 1):
        paper = Paper(CABLE)
        paper.address("b:eth0")
        paper.add("b", routes=(route(default, "eth0"),))
        paper.node("b", all6={"forwarding": forwards})
        paper.interface("b:eth0", ipv4={"forwarding": forwards})
        paper.add("a", neighbours=(entry("eth0", target, paper.mac("b:eth0")),))
        assert "no-address at b:eth0" == paper.obstacles("a", target)[0]


def test_an_interface_too_narrow_for_ipv6() -> None:
    """Below 1280 bytes the kernel takes IPv6 away: both the MTU and the address have to come back; IPv4 does not mind."""
    paper = Paper(CABLE)
    paper.address("b:eth0")
    paper.interface("b:eth0", mtu=1000)
    found = paper.walk("a", "fd00::2").obstacles[0].finding
    assert ("ipv6-disabled", "b:eth0", 2) == (found.slug, str(found.where), len(found.fixes[0].commands))
    assert "no-address at b:eth0" == paper.obstacles("a", "10.0.0.2")[0]


@pytest.mark.parametrize("changes", [{"mtu": 1279}, {"ipv6": {"disable_ipv6": 1}}])
def test_a_router_hears_nothing_on_an_interface_without_ipv6(changes: dict[str, Any]) -> None:
    """Who knows its MAC sends on, and the request dies as it comes in, whether anything of the lab file is to come back or not."""
    for declared, commands in ((ROUTED, 2), (ROUTED.replace("r:left 10.0.1.1/24 fd01::1/64", "r:left 10.0.1.1/24"), 1)):
        paper = Paper(declared.replace('"default via fd01::1"', '"default via fd01::1 dev eth0 onlink"'))
        paper.interface("r:left", **changes)
        paper.add("a", neighbours=(entry("eth0", "fd01::1", paper.mac("r:left")),))
        found = paper.walk("a", "fd02::2").obstacles[0].finding
        assert ("ipv6-disabled", "r:left", "request", commands) == (
            found.slug, str(found.where), found.direction, len(found.fixes[0].commands),
        )


def test_an_address_that_the_local_table_does_not_know() -> None:
    """It is on the interface and not in the local table: the node takes no packet for it, router or not."""
    for text, target in ((CABLE, "10.0.0.2"), (CABLE, "fd00::2")):
        paper = Paper(text)
        local = ip_network(target)
        paper.node("b", routes=tuple(one for one in paper.nodes["b"].routes if one.destination != local), all6={"forwarding": 1})
        paper.interface("b:eth0", ipv4={"forwarding": 1})
        assert "not-for-us at b:eth0" in paper.obstacles("a", target)


@pytest.mark.parametrize(("version", "expected"), [(4, "ttl-expired at a:eth0"), (6, "ttl-expired at a:eth0")])
def test_hops_are_counted_once(version: int, expected: str) -> None:
    """One hop is too few for one router; behind it nobody counts any more."""
    paper = Paper(ROUTED.replace("r: {forward: true}", "r: {forward: true, routes: [10.0.3.0/24 via 10.0.2.2]}"))
    paper.node("a", sysctls={"net.ipv4.ip_default_ttl": "1"})
    paper.interface("a:eth0", ipv6={"hop_limit": 1})
    assert [expected] == paper.obstacles("a", "10.0.2.2" if version == 4 else "fd02::2")


@pytest.mark.parametrize(("destination", "target", "via"), [("0.0.0.0/0", "10.0.2.2", "10.0.1.1"), ("::/0", "fd02::2", "fd01::1")])
def test_a_route_with_hops_or_an_mtu_of_its_own(destination: str, target: str, via: str) -> None:
    """They count before the node's and the interface's, and the same route without them is the remedy."""
    paper, family = Paper(ROUTED), [] if ":" not in target else ["-6"]

    def first(**keys: Any) -> tuple[str, list[str], list[str]]:
        paper.without("a", destination)
        paper.add("a", routes=[route(destination, "eth0", via, **keys)])
        there, router = ip_address(target), ip_address(via)
        paper.says = {Route("a", there): Routed(interface="eth0", via=router, source=source[there.version], mtu=keys.get("mtu", 0))}
        found = paper.walk("a", target, size=1400).obstacles[0].finding
        (command,) = found.fixes[0].commands
        return found.slug, list(command.argv), list(command.undo[0])

    source = {4: ip_address("10.0.1.2"), 6: ip_address("fd01::2")}
    line = ["ip", *family, "route", "replace", "default", "via", via, "dev", "eth0", "protocol", "static"]
    assert ("ttl-expired", line, [*line, "hoplimit", "1"]) == first(hop_limit=1)
    assert ("mtu-exceeded", line, [*line, "mtu", "lock", "1300"]) == first(mtu=1300, locked=True)
    assert ("mtu-exceeded", line, [*line, "mtu", "1300", "hoplimit", "9"]) == first(mtu=1300, hop_limit=9)


def test_a_source_that_a_route_chose_and_that_the_receiver_has_too() -> None:
    """The sender may send from another one; a source that nobody chose by a route is not the route's fault."""
    paper = Paper()
    paper.address("a:eth0", "10.0.0.1/24", "10.9.9.9/32")
    paper.address("b:eth0", "10.0.0.2/24", "10.9.9.9/32")
    offered = []
    for chosen in (None, ip_address("10.9.9.9")):
        paper.without("a", "10.0.0.0/24")
        paper.add("a", routes=[route("10.0.0.0/24", "eth0", source=chosen)])
        paper.says = {Route("a", ip_address("10.0.0.2")): Routed(interface="eth0", source=ip_address("10.9.9.9"))}
        found = next(one.finding for one in paper.walk("a", "10.0.0.2").obstacles if one.finding.slug == "local-source")
        offered.append([" ".join(one.commands[0].argv) for one in found.fixes if one.commands[0].node == "a"])
    assert [[], ["ip route replace 10.0.0.0/24 dev eth0 protocol static"]] == offered


LINE = """\
name: paper
nodes:
  a: {routes: [default via 10.0.1.1]}
  r1: {forward: true, routes: [10.0.3.0/24 via 10.0.2.2]}
  r2: {forward: true, routes: [10.0.1.0/24 via 10.0.2.1]}
  b: {routes: [default via 10.0.3.1]}
links:
  - a 10.0.1.2/24 -- r1:w 10.0.1.1/24
  - r1:e 10.0.2.1/24 -- r2:w 10.0.2.2/24
  - r2:e 10.0.3.1/24 -- b 10.0.3.2/24
"""


def test_hops_that_are_used_up_are_told_once() -> None:
    """At the first router that would make it zero; the second says nothing more."""
    paper = Paper(LINE)
    assert [] == paper.obstacles("a", "10.0.3.2")
    paper.node("a", sysctls={"net.ipv4.ip_default_ttl": "1"})
    assert ["ttl-expired at a:eth0"] == paper.obstacles("a", "10.0.3.2")


def test_a_circle_is_found_and_who_drifted_is_blamed() -> None:
    """Two routers send it to each other: the one that differs from the file, else the one that turns it round."""
    paper = Paper(LINE)
    paper.without("r2", "10.0.3.0/24")
    paper.add("r2", routes=(route("10.0.3.0/24", "w", "10.0.2.1"),))
    assert "routing-loop at r2:w" == paper.obstacles("a", "10.0.3.2")[0]
    paper.drift = (Drift("r1", "route", "10.0.3.0/24", "missing"), Drift("a", "address", "eth0", "missing"))
    assert "routing-loop at r1:e" == paper.obstacles("a", "10.0.3.2")[0]


@pytest.mark.parametrize(
    ("target", "place", "expected"),
    [
        ("10.0.2.2", "r:right", ["mtu-exceeded at r:right", "mtu-blackhole at r:right"]),
        ("10.0.2.2", "b:eth0", ["mtu-blackhole at b:eth0"]), ("10.0.2.2", "r:left", ["mtu-blackhole at r:left"]),
        ("fd02::2", "b:eth0", ["mtu-blackhole at b:eth0"]), ("fd02::2", "r:left", ["mtu-blackhole at r:left", "mtu-exceeded at r:left"]),
    ],
)
def test_a_reply_may_be_cut_where_the_request_may_not(target: str, place: str, expected: list[str]) -> None:
    """Only the request says don't-fragment: the reply is cut where it is sent, IPv4 at a router too; no cable cuts."""
    paper = Paper(ROUTED)
    paper.interface(place, mtu=1300)
    assert expected == paper.obstacles("a", target, size=1400)


def test_no_way_is_followed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A packet has 255 hops at most: so has the walk, whatever the kernel answers."""
    monkeypatch.setattr(walking, "MOST_HOPS", 1)
    assert {"request"} == {point.leg for point in Paper(LINE).walk("a", "10.0.3.2").points if point.node == "a"}


@pytest.mark.parametrize(
    ("line", "expected", "fixes"),
    [
        ({"via": "10.0.0.2"}, "wrong-gateway at a:eth0", ["remove `10.9.0.0/24 via 10.0.0.2 dev eth0` from a"]),
        ({"via": "10.0.0.2", "protocol": "kernel"}, "wrong-gateway at a:eth0", []),
        ({}, "not-for-us at b:eth0", []),
    ],
)
def test_a_node_that_is_no_router_gets_a_packet(line: dict[str, Any], expected: str, fixes: list[str]) -> None:
    """Who sent it there by a gateway is at fault; without one, it is only not for this node. The kernel's own routes are no mistake."""
    paper = Paper(BRIDGED)
    paper.address("c:eth0", "10.9.0.9/24")
    paper.add("a", routes=(route("10.9.0.0/24", "eth0", **line),), neighbours=(entry("eth0", "10.9.0.9", paper.mac("b:eth0")),))
    paper.wire("host:p-c", peer=None)
    found = paper.walk("a", "10.9.0.9").obstacles[0].finding
    assert (expected, fixes) == (f"{found.slug} at {found.where}", [one.title for one in found.fixes])


def test_a_packet_for_an_address_that_nobody_has() -> None:
    """A node gets a packet for an address of which neither kernel nor file know: not for us, says it."""
    paper = Paper(CABLE)
    paper.add("a", routes=(route("10.9.0.0/24", "eth0", "10.0.0.2"),))
    assert "not-for-us at b:eth0" in paper.obstacles("a", "10.9.0.9")


def test_without_a_sender_the_switched_off_router_stays_one() -> None:
    """Where nobody is known to have sent it, no table can be at fault."""
    off = Finding("forwarding-off", Where("b", "eth0"), "off")
    travel = Travel("request", ip_address("10.9.0.9"), None)
    assert off == not_a_router(Paper().scene(), travel, "b", "eth0", Routed(errno.ENETUNREACH), off)


def test_a_rule_that_is_not_read_decides_nothing() -> None:
    """Rules that look at more than addresses are passed over; the kernel's own answer still counts."""
    paper = Paper(ROUTED)
    paper.node("r", rules=(FibRule(1, 4, "prohibit", other=True), FibRule(0, 4, table=255), FibRule(32766, 4)))
    assert [] == paper.obstacles("a", "10.0.2.2")


@pytest.mark.parametrize(
    ("kind", "listener", "expected"),
    [
        ("tcp", Listener("tcp", 81, ip_address("10.0.0.2")), []),
        ("tcp", Listener("tcp", 81, ip_address("::")), ["port-closed at b:eth0"]),
        ("udp", Listener("tcp", 81, ip_address("10.0.0.2")), ["port-closed at b:eth0"]),
        ("tcp", Listener("tcp", 82, ip_address("10.0.0.2")), ["port-closed at b:eth0"]),
    ],
)
def test_a_port_is_open_to_whom_its_socket_listens(kind: str, listener: Listener, expected: list[str]) -> None:
    """Protocol, port and address of the socket decide; [::] alone takes no IPv4."""
    paper = Paper()
    paper.add("b", listeners=(listener,))
    assert expected == paper.obstacles("a", "10.0.0.2", kind=kind, port=81)


def test_both_ends_in_one_node_return_over_lo() -> None:
    """The request goes over the cable and is refused as coming from oneself; the reply would take lo."""
    paper = Paper(MIRROR)
    assert ["local-source at box:right", "local-source at box:right"] == paper.obstacles("box:left", "10.0.0.2", bound="10.0.0.1")
    paper.interface("box:right", ipv4={"accept_local": 1})
    way = paper.walk("box:left", "10.0.0.2", bound="10.0.0.1")
    assert ([], "lo") == (way.obstacles, way.points[-1].interface)
