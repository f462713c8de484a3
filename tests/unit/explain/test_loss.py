"""What took a route away: the interface, the address or the prefix that it stood on; and why a source is not believed."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

import pytest
from tests.unit.explain.scenes import BRIDGED, CABLE, ROUTED, Paper, end, route, sighting

from vethlab.explain.loss import lost_route, lost_source, strayed
from vethlab.explain.scene import Scene
from vethlab.model.finding import Finding
from vethlab.model.journey import OUT, IcmpError, Observed
from vethlab.model.snapshot import Drift, FibRule


def lost(paper: Paper, node: str, target: str, source: str | None = None) -> str | None:
    """What took a route away, as `slug at place`."""
    given = None if source is None else ip_address(source)
    found: Finding | None = paper.hold(lost_route(Scene(paper.wiring), node, ip_address(target), source=given))
    return None if found is None else f"{found.slug} at {found.where}"


def test_a_route_that_alone_is_missing_has_no_deeper_cause() -> None:
    """Interfaces, addresses and prefixes are as declared: nothing else would bring the route back."""
    assert None is lost(Paper(ROUTED), "a", "10.0.2.2")
    assert None is lost(Paper(), "a", "10.0.0.2", source="10.0.0.1")
    assert None is lost(Paper(), "a", "10.0.0.2", source="10.0.0.77")


@pytest.mark.parametrize("target", ["10.0.0.2", "fd00::2"])
def test_the_interface_that_the_route_stood_on_is_down(target: str) -> None:
    """An interface that is down takes the routes over it along."""
    paper = Paper()
    paper.interface("a:eth0", up=False)
    assert "link-down at a:eth0" == lost(paper, "a", target)


@pytest.mark.parametrize("target", ["10.0.0.2", "fd00::2"])
def test_the_address_that_the_route_stood_on_is_gone(target: str) -> None:
    """A declared address that is gone took its route along."""
    paper = Paper()
    paper.address("a:eth0")
    assert "no-address at a:eth0" == lost(paper, "a", target)


def test_a_gateway_of_the_lab_file_is_a_stepping_stone() -> None:
    """The file names the gateway of the missing route: the interface that leads there is the one to look at."""
    paper = Paper(ROUTED)
    paper.interface("a:eth0", up=False)
    assert None is lost(paper, "a", "10.0.2.2")
    paper.drift = (
        Drift("a", "route", "default", "missing", (("ip", "route", "add", "default", "via", "10.0.1.1"), ("ip", "-6", "via", "fd01::1"))),
        Drift("r", "route", "default", "missing", (("ip", "route", "add", "default", "via", "10.0.2.2"),)),
        Drift("a", "sysctl", "net.ipv4.ip_forward", "0 → 1"),
    )
    assert "link-down at a:eth0" == lost(paper, "a", "10.0.2.2")


@pytest.mark.parametrize(("given", "target"), [("10.0.0.2/32", "10.0.0.1"), ("fd00::2/128", "fd00::1")])
def test_a_prefix_narrower_than_declared_leaves_neighbours_out(given: str, target: str) -> None:
    """The address is there, its prefix is too narrow: the declared one is offered, each family in the order it can take."""
    paper = Paper()
    paper.address("b:eth0", given)
    found = paper.hold(lost_route(Scene(paper.wiring), "b", ip_address(target)))
    assert found is not None
    words = [next(word for word in one.argv if word in {"add", "del"}) for one in found.fixes[0].commands]
    assert ("wrong-prefix", ["add", "del"] if "." in given else ["del", "add"]) == (found.slug, words)


def test_a_neighbour_takes_us_for_one_and_we_do_not() -> None:
    """No file says which prefix is right; the neighbour's own, in which we lie, says it."""
    paper = Paper()
    paper.declared = {}
    paper.address("b:eth0", "10.0.0.2/32", "fe80::2/64")
    assert "wrong-prefix at b:eth0" == lost(paper, "b", "10.0.0.1")
    assert None is lost(paper, "b", "10.0.0.99")
    paper.address("a:eth0", "10.0.0.1/32")
    assert None is lost(paper, "b", "10.0.0.1")
    paper.address("a:eth0", "10.0.0.1/24")
    paper.address("b:eth0", "10.0.0.2/24")
    assert None is lost(paper, "b", "10.0.0.1")


def test_an_address_under_detection_carries_no_route_yet() -> None:
    """A declared address that failed duplicate detection is there and not used."""
    paper = Paper()
    paper.address("a:eth0", "10.0.0.1/24", "fd00::1/64", flags=("dadfailed",))
    assert "dad-failed at a:eth0" == lost(paper, "a", "fd00::2")


def test_the_source_that_was_lost_is_looked_for_where_the_packet_leaves() -> None:
    """A link-local source tells that the interface has no better address; without an interface nothing is known."""
    paper = Paper()
    paper.address("a:eth0", "10.0.0.1/24")
    found = paper.hold(lost_source(Scene(paper.wiring), "a", "eth0", 6))
    assert "no-address" == (found.slug if found is not None else None)
    assert None is paper.hold(lost_source(Scene(paper.wiring), "a", None, 6))
    assert None is paper.hold(lost_source(Scene(paper.wiring), "a", "eth0", 4))


def test_a_link_local_source_is_of_no_use_beyond_a_router() -> None:
    """The router drops what comes from a link-local address (RFC 4291, 2.5.6); the address that is missing is at fault."""
    paper = Paper(ROUTED)
    paper.node("a", addresses=tuple(one for one in paper.nodes["a"].addresses if one.address != ip_interface("fd01::2/64")))
    request = [one.finding for one in paper.walk("a", "fd02::2").obstacles if one.finding.direction == "request"]
    assert ["no-address at a:eth0"] == [f"{one.slug} at {one.where}" for one in request]


def test_what_took_the_way_back_comes_before_the_filter_that_misses_it() -> None:
    """A strict filter misses a route back that is gone: first the route, then the filter; the question for it is the kernel's."""
    paper = Paper(ROUTED)
    paper.interface("b:eth0", ipv4={"rp_filter": 1})
    paper.without("b", "0.0.0.0/0")
    found = paper.obstacles("a", "10.0.2.2")
    assert ["no-return-route at b", "rp-filter at b:eth0"] == found[:2]


def test_a_destination_that_is_too_narrow_comes_before_its_filter() -> None:
    """The filter misses the route of a segment that a narrow prefix took away."""
    paper = Paper(BRIDGED)
    paper.interface("b:eth0", ipv4={"rp_filter": 1})
    paper.address("b:eth0", "10.0.0.2/32")
    assert ["wrong-prefix at b:eth0", "rp-filter at b:eth0"] == paper.obstacles("a", "10.0.0.2")[:2]


def test_a_filter_that_misses_a_route_elsewhere_stands_alone() -> None:
    """There is a way back, by another interface: only the filter refuses."""
    paper = Paper(CABLE)
    paper.interface("b:eth0", ipv4={"rp_filter": 1})
    paper.add("b", routes=(route("10.0.0.1/32", "lo"),), rules=(FibRule(0, 4, table=255), FibRule(32766, 4, "goto"), FibRule(32767, 4)))
    found = [one for one in paper.obstacles("a", "10.0.0.2") if "rp-filter" in one or "route" in one]
    assert ("rp-filter at b:eth0", end("b:eth0").interface) == (found[0], "eth0")


def stray(paper: Paper, node: str, target: str, leaves: str) -> str | None:
    """What led a packet astray, as `slug at place`."""
    found: Finding | None = paper.hold(strayed(Scene(paper.wiring), node, ip_address(target), leaves))
    return None if found is None else f"{found.slug} at {found.where}"


def test_a_wider_route_takes_what_the_lost_one_led() -> None:
    """The interface or the address that the lab file means is gone, and the default route leads elsewhere."""
    paper = Paper("name: paper\nlinks: [r:in 10.0.1.1/24 -- a 10.0.1.2/24, r:out 10.0.2.1/24 -- b 10.0.2.2/24]\n")
    paper.add("r", routes=[route("0.0.0.0/0", "out", "10.0.2.2")])
    assert None is stray(paper, "r", "10.0.1.2", "out")
    paper.without("r", "10.0.1.0/24")
    assert None is stray(paper, "r", "10.0.1.2", "out")
    paper.address("r:in")
    assert "no-address at r:in" == stray(paper, "r", "10.0.1.2", "out")
    paper.interface("r:in", up=False)
    assert ["link-down at r:in", None, None] == [
        stray(paper, "r", "10.0.1.2", "out"), stray(paper, "r", "10.0.1.2", "in"), stray(paper, "r", "10.0.9.9", "out"),
    ]
    assert ["link-down at r:in"] == paper.obstacles("r", "10.0.1.2")[:1]


def test_a_router_leads_astray_what_it_should_deliver() -> None:
    """The same for a packet that comes from outside."""
    paper = Paper(ROUTED)
    paper.add("r", routes=[route("0.0.0.0/0", "left", "10.0.1.9")])
    paper.interface("r:right", up=False)
    paper.without("r", "10.0.2.0/24")
    assert "link-down at r:right" in paper.obstacles("a", "10.0.2.2")


FAILOVER = """\
name: paper
links:
  - a 10.0.1.2/24 -- r:left 10.0.1.1/24
  - r:right 10.0.2.1/24 -- b:eth0 10.0.2.2/24
  - r:spare 10.0.3.1/24 -- s:left 10.0.3.2/24
  - s:right 10.0.4.1/24 -- b:eth1 10.0.4.2/24
nodes:
  a: {routes: [default via 10.0.1.1]}
  r: {forward: true, routes: ["10.0.0.0/16 via 10.0.3.2"]}
  s: {forward: true, routes: ["10.0.2.0/24 via 10.0.4.2", "10.0.1.0/24 via 10.0.3.1"]}
  b: {routes: ["10.0.1.0/24 via 10.0.4.1"]}
"""


def failover() -> Paper:
    """The first of two ways is down, the second one was laid for that."""
    paper = Paper(FAILOVER)
    paper.interface("r:right", up=False)
    paper.without("r", "10.0.2.0/24")
    return paper


def blamed(paper: Paper, *seen: str, back: bool = False) -> tuple[str, list[str]]:
    """The verdict on a ping from `a`, and what else stands in the way. `seen`: where the request left; `back`: an error came."""
    errors = (IcmpError(3, 0, ip_address("10.0.3.2")),) if back else ()
    paper.seen = Observed(ok=False, refused=back, errors=errors, sightings=tuple(sighting(one, OUT) for one in seen))
    found = paper.explain("a", "10.0.2.2")
    assert found.verdict is not None
    return f"{found.verdict.slug} at {found.verdict.where} ({found.verdict.grade})", [one.slug for one in found.also]


def test_a_second_way_that_arrives_is_no_fault() -> None:
    """What is wrong further on is told, not the way that the packet can do without."""
    paper = failover()
    assert [] == paper.obstacles("a", "10.0.2.2")
    paper.interface("s:left", ipv4={"forwarding": 0})
    assert ("forwarding-off at s:left (proven)", []) == blamed(paper, "a:eth0", "r:spare", back=True)


def test_a_way_that_does_not_arrive_was_not_meant() -> None:
    """Nobody on the wider route knows the target: what took the narrow one away is the fault, though a router refused the packet."""
    paper = failover()
    paper.without("s", "10.0.2.0/24")
    assert ("link-down at r:right (proven)", []) == blamed(paper, "a:eth0", "r:spare", back=True)
    assert ("link-down at r:right (proven)", []) == blamed(paper, "a:eth0")


def test_who_sent_it_on_knew_a_way() -> None:
    """The packet was seen leaving the next router, so that the way it took is one; it ended further on."""
    paper = failover()
    paper.node("b", addresses=tuple(one for one in paper.nodes["b"].addresses if one.interface != "eth0"))
    paper.node("b", routes=tuple(one for one in paper.nodes["b"].routes if "10.0.2." not in str(one.destination)))
    assert "link-down" not in blamed(paper, "a:eth0", "r:spare", "s:right")[0]


UPSTREAM = """\
name: paper
links:
  - a 10.0.1.2/24 -- r:left 10.0.1.1/24
  - r:right 10.0.2.1/24 -- b:eth0 10.0.2.2/24
  - r:up 10.0.3.1/24 -- s:left 10.0.3.2/24
  - s:up 10.0.4.1/24 -- t:left 10.0.4.2/24
  - t:out 10.0.5.1/24 -- w 10.0.5.2/24
nodes:
  a: {routes: [default via 10.0.1.1]}
  r: {forward: true, routes: [default via 10.0.3.2]}
  s: {forward: true, routes: [default via 10.0.4.2, "10.0.1.0/24 via 10.0.3.1"]}
  t: {forward: true, routes: ["10.0.1.0/24 via 10.0.4.1"]}
  b: {routes: [default via 10.0.2.1]}
  w: {}
"""


def test_a_router_further_on_that_never_knew_is_not_to_blame() -> None:
    """The default route leads over a router that sends it on to one that knows no way, unless that one has lost what it should have."""
    paper = Paper(UPSTREAM)
    paper.interface("r:right", up=False)
    paper.without("r", "10.0.2.0/24")
    seen = ("a:eth0", "r:up", "s:up")
    assert ("link-down at r:right (proven)", []) == blamed(paper, *seen)
    paper.drift = (Drift("t", "route", "10.0.2.0/24 via 10.0.5.2", "missing"),)
    assert "no-route at t (proven)" == blamed(paper, *seen)[0]


def test_what_goes_round_was_led_astray() -> None:
    """The wider route leads to a router that sends the packet back: it was seen leaving there, and is on no way at all."""
    paper = failover()
    paper.without("s", "10.0.2.0/24")
    paper.add("s", routes=[route("10.0.2.0/24", "left", "10.0.3.1")])
    assert ("link-down at r:right (proven)", []) == blamed(paper, "a:eth0", "r:spare", "s:left")
