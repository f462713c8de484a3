"""Which router would carry a packet further, where the lab file forgot to say."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from tests.unit.explain.scenes import CABLE, Paper, route

from vethlab.explain.routers import ways
from vethlab.explain.scene import Scene
from vethlab.model.finding import Fix
from vethlab.model.snapshot import Drift

BARE = """\
name: paper
nodes:
  a: {}
  b: {}
  r: {forward: true}
  two: {}
links:
  - a 10.0.1.2/24 fd01::2/64 -- r:left 10.0.1.1/24 fd01::1/64
  - r:right 10.0.2.1/24 fd02::1/64 -- b 10.0.2.2/24 fd02::2/64
  - a:other 10.0.3.1/24 -- two 10.0.3.2/24
  - two:far 10.0.4.1/24 -- b:far 10.0.4.2/24
"""


def offered(paper: Paper, node: str, target: str) -> list[str]:
    """The routes that would be tried."""
    found: tuple[Fix, ...] = paper.hold(ways(Scene(paper.wiring), node, ip_address(target)))
    return [" ".join(command.argv) for fix in found for command in fix.commands]


@pytest.mark.parametrize(
    ("target", "expected"), [("10.0.2.2", "ip route add default via 10.0.1.1"), ("fd02::2", "ip -6 route add default via fd01::1")],
)
def test_a_host_gets_a_default_route(target: str, expected: str) -> None:
    """Who forwards nothing and has no default route is given one, by the neighbour that forwards and knows the way."""
    assert [expected] == offered(Paper(BARE), "a", target)


def test_the_way_back_of_the_command() -> None:
    """Each route can be taken back."""
    (fix,) = Paper(BARE).hold(ways(Scene(Paper(BARE).wiring), "a", ip_address("10.0.2.2")))
    assert (("ip", "route", "del", "default", "via", "10.0.1.1"),) == fix.commands[0].undo


def test_a_default_route_that_is_there_stays() -> None:
    """Beside it the route of the target's segment is enough; of an address that nobody has, its own."""
    paper = Paper(BARE)
    paper.add("a", routes=(route("0.0.0.0/0", "other", "10.0.3.2"),))
    assert ["ip route add 10.0.2.0/24 via 10.0.1.1"] == offered(paper, "a", "10.0.2.2")
    assert ["ip route add 10.9.9.9 via 10.0.1.1"] == offered(paper, "a", "10.9.9.9")


def test_a_router_gets_the_route_of_one_segment() -> None:
    """Routers are not given default routes by the way."""
    text = BARE.replace("two: {}", "two: {forward: true}").replace("a: {}", "a: {forward: true}")
    assert ["ip route add 10.0.4.0/24 via 10.0.3.2", "ip route add 10.0.4.0/24 via 10.0.1.1"] == offered(Paper(text), "a", "10.0.4.2")


def test_who_does_not_forward_is_the_last_resort() -> None:
    """A node on both segments that forwards nothing is tried after one that would have to be told the way."""
    assert ["ip route add default via 10.0.1.1", "ip route add default via 10.0.3.2"] == offered(Paper(BARE), "a", "10.0.4.2")


def test_ipv6_forwards_as_a_whole() -> None:
    """A router made by hand, which the file does not call one."""
    paper = Paper(BARE)
    paper.forwards = frozenset()
    paper.node("r", all6={"forwarding": 1})
    assert ["ip -6 route add default via fd01::1"] == offered(paper, "a", "fd02::2")


def test_a_router_that_would_send_it_back_is_none() -> None:
    """Its own way to the target leads through the node that asks."""
    paper = Paper(BARE)
    paper.add("r", routes=(route("10.0.4.0/24", "left", "10.0.1.2"),))
    assert ["ip route add default via 10.0.3.2"] == offered(paper, "a", "10.0.4.2")


def test_nobody_near_leads_on() -> None:
    """A neighbour with one interface leads nowhere, nor does one whose wiring is not known any more."""
    assert [] == offered(Paper(CABLE), "a", "10.9.0.1")
    paper = Paper(BARE)
    paper.interface("r:left", ipv4={"forwarding": 0})
    paper.forwards = frozenset()
    assert [] == offered(paper, "a", "10.9.0.1")


def test_a_route_of_the_lab_file_that_is_gone_comes_back_itself() -> None:
    """Where a declared route is missing, that one is the mend and no other is thought of."""
    paper = Paper(BARE)
    paper.drift = (Drift("a", "route", "default", "missing"),)
    assert [] == offered(paper, "a", "10.0.2.2")


def test_the_verdict_bears_the_route() -> None:
    """The finding of the walk offers it: at the sender, at a router, and on the way back."""
    paper = Paper(BARE)
    assert ["ip route add default via 10.0.1.1"] == [
        " ".join(one.commands[0].argv) for one in paper.walk("a", "10.0.2.2").obstacles[0].finding.fixes
    ]


def verdict(paper: Paper) -> tuple[str, list[str]]:
    """What is wrong with the way from a to b, and the commands of each fix."""
    found = paper.walk("a", "10.0.2.2").obstacles[0].finding
    return found.slug, ["; ".join(" ".join(one.argv[1:]) for one in fix.commands) for fix in found.fixes]


@pytest.mark.parametrize(("metric", "words"), [(0, ""), (7, " metric 7")])
def test_a_gateway_that_is_none_is_replaced(metric: int, words: str) -> None:
    """The route leads to an address that nobody has: to the router instead, with the metric it had; or away with it."""
    paper = Paper(BARE)
    paper.add("a", routes=(route("0.0.0.0/0", "eth0", "10.0.1.77", metric=metric),))
    gone = f"route del default via 10.0.1.77 dev eth0{words}"
    assert ("wrong-gateway", [f"{gone}; route add default via 10.0.1.1{words}", gone]) == verdict(paper)


def test_a_gateway_that_does_not_forward_is_replaced() -> None:
    """The node that was asked is no router: the other neighbour is."""
    paper = Paper(BARE)
    paper.add("a", routes=(route("10.0.2.0/24", "other", "10.0.3.2"),))
    paper.without("two", "10.0.4.0/24")
    gone = "route del 10.0.2.0/24 via 10.0.3.2 dev other"
    assert ("wrong-gateway", [f"{gone}; route add 10.0.2.0/24 via 10.0.1.1", gone]) == verdict(paper)


def test_a_prefix_that_is_too_wide() -> None:
    """The others on the segment have a longer one, with which the target is elsewhere: then a route has to lead there."""
    paper = Paper(BARE)
    paper.address("a:eth0", "10.0.1.2/16")
    right = "address add 10.0.1.2/24 dev eth0; address del 10.0.1.2/16 dev eth0"
    assert ("wrong-prefix", [right, f"{right}; route add default via 10.0.1.1"]) == verdict(paper)
