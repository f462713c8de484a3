"""Macvlans: who hears whom, and what it takes of the parent and of the mode."""

from __future__ import annotations

import pytest
from tests.unit.explain.scenes import Paper, end, entry

from vethlab.explain.rules import macvlan
from vethlab.explain.scene import Scene
from vethlab.explain.segment import members
from vethlab.model.finding import Fix

LAN = """\
name: paper
networks:
  lan0: {type: macvlan, subnet: 10.0.0.0/24, gateway: 9, nodes: {a: 1, b: 2, c: 3}}
  br0: {subnet: 10.0.1.0/24, nodes: {d: 1}}
"""


def reached(paper: Paper, start: str) -> dict[str, list[str]]:
    """Who is reached, and over which interfaces."""
    return {
        str(one): [str(step.end) for step in track.steps]
        for one, track in paper.hold(members(Scene(paper.wiring), end(start))).items()
    }


def test_macvlans_reach_each_other_and_the_hosts_side_of_their_parent() -> None:
    """Beside each other at once, the host through the parent; and the host reaches them all."""
    paper = Paper(LAN)
    there = reached(paper, "a:eth0")
    assert {"b:eth0", "c:eth0", "host:lan0"} == set(there)
    assert ["a:eth0", "b:eth0"] == there["b:eth0"]
    assert ["a:eth0", "host:m-lan0", "host:lan0"] == there["host:lan0"]
    back = reached(paper, "host:lan0")
    assert ["host:lan0", "host:m-lan0", "a:eth0"] == back["a:eth0"]


def test_the_pair_of_a_macvlan_network_is_not_meant_for_a_bridge_beside_it() -> None:
    """Neither end has a master, and the only bridge of the host is not theirs."""
    scene = Paper(LAN).scene()
    assert (None, None) == (scene.bridge_meant_for(end("host:m-lan0")), scene.bridge_meant_for(end("host:lan0")))


def test_a_healthy_segment_has_no_obstacle() -> None:
    """From node to node and to the host."""
    paper = Paper(LAN)
    assert ([], []) == (paper.obstacles("a", "10.0.0.2"), paper.obstacles("a", "10.0.0.9"))


@pytest.mark.parametrize(
    ("place", "target", "told"),
    [
        ("b:eth0", "10.0.0.2", "link-down at b:eth0"),
        ("a:eth0", "10.0.0.2", "link-down at a:eth0"),
        ("host:m-lan0", "10.0.0.2", "link-down at host:m-lan0"),
        ("host:lan0", "10.0.0.2", "link-down at host:lan0"),
        ("host:lan0", "10.0.0.9", "link-down at host:lan0"),
    ],
)
def test_what_is_down_is_blamed(place: str, target: str, told: str) -> None:
    """The macvlan itself, its parent, or the parent's far end, without which it has no carrier."""
    paper = Paper(LAN)
    paper.interface(place, up=False)
    if place == "a:eth0":
        paper.without("a")
    assert told in paper.obstacles("a", target)


def test_what_is_down_is_blamed_on_the_way_there() -> None:
    """Also where the sender knows the address already and asks nobody."""
    paper = Paper(LAN)
    paper.interface("b:eth0", up=False)
    paper.node("a", neighbours=(entry("eth0", "10.0.0.2", paper.mac("b:eth0")),))
    first = paper.walk("a", "10.0.0.2").obstacles[0].finding
    assert ("link-down", "b:eth0", "request") == (first.slug, str(first.where), first.direction)


def test_no_carrier_is_told_where_nothing_else_is_down() -> None:
    """A macvlan without carrier although its parent is up."""
    paper = Paper(LAN)
    paper.interface("a:eth0", carrier=False)
    assert "no-carrier at a:eth0" in paper.obstacles("a", "10.0.0.2")


@pytest.mark.parametrize("place", ["a:eth0", "b:eth0"])
def test_a_mode_other_than_bridge_keeps_apart(place: str) -> None:
    """Whoever of the two it is; the fix sets the mode and can be taken back. The host is still reached."""
    paper = Paper(LAN)
    paper.wire(place, mode="private")
    assert f"port-isolated at {place}" in paper.obstacles("a", "10.0.0.2")
    assert [] == paper.obstacles("a", "10.0.0.9")
    fix: Fix = next(macvlan.apart(paper.scene(), end("a:eth0"), end("b:eth0"))).fixes[0]
    assert "mode private" in " ".join(fix.commands[0].undo[0])


def test_a_macvlan_takes_what_its_parent_takes() -> None:
    """Its own MTU bounds what it sends, not what it receives."""
    paper = Paper(LAN)
    paper.interface("b:eth0", mtu=1000)
    assert [] == [one for one in paper.obstacles("a", "10.0.0.2", size=1200) if "blackhole" in one]


def test_a_narrow_parent_is_blamed_for_narrow_macvlans() -> None:
    """The fix raises the parent first, then all that stand on it; a macvlan that is narrow by itself is blamed itself."""
    paper = Paper(LAN)
    for place in ("host:m-lan0", "a:eth0", "b:eth0", "c:eth0"):
        paper.interface(place, mtu=1000)
    assert "mtu-exceeded at host:m-lan0" in paper.obstacles("a", "10.0.0.2", size=1200)
    found = paper.hold(macvlan.narrow(Scene(paper.wiring), end("a:eth0"), 1228))
    assert found is not None
    assert ["host", "a", "b", "c"] == [one.node for one in found.fixes[0].commands]
    paper.interface("host:m-lan0", mtu=1500)
    assert "mtu-exceeded at a:eth0" in paper.obstacles("a", "10.0.0.2", size=1200)
