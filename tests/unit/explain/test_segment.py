"""The segment around an interface: who is on it, on which track, and who only should be."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.unit.explain.scenes import BRIDGED, Paper, end

from vethlab.explain.scene import Scene
from vethlab.explain.segment import Track, members, owners
from vethlab.model.link import End
from vethlab.model.snapshot import Drift

# Two switches that are nodes, each with a host, joined by two cables.
RING = """\
name: paper
links:
  - a 10.0.0.1/24 -- s1:p1
  - b 10.0.0.2/24 -- s2:p1
  - s1:t1 -- s2:t1
  - s1:t2 -- s2:t2
"""


def ring() -> Paper:
    """A ring, its bridges made by hand."""
    paper = Paper(RING)
    for node in ("s1", "s2"):
        interfaces = paper.nodes[node].interfaces
        paper.node(node, interfaces={**interfaces, "br0": replace(interfaces["p1"], name="br0", kind="bridge", mac="")})
        paper.wires[End(node, "br0")] = replace(paper.wires[End(node, "lo")], end=End(node, "br0"), kind="bridge")
        for port in ("p1", "t1", "t2"):
            paper.port(f"{node}:{port}")
            paper.interface(f"{node}:{port}", master="br0")
    return paper


def tracks(paper: Paper, start: str) -> dict[str, list[str]]:
    """Who is reached, and over which interfaces."""
    found: dict[End, Track] = paper.hold(members(Scene(paper.wiring), end(start)))
    return {str(one): [str(step.end) for step in track.steps] for one, track in found.items()}


def test_a_cable_has_two_ends() -> None:
    """The one who is reached is the peer, in one step out and one step in."""
    assert {"b:eth0": ["a:eth0", "b:eth0"]} == tracks(Paper(), "a:eth0")


def test_a_bridge_reaches_every_port_and_itself() -> None:
    """Those on the bridge, and the bridge as an interface of its own; from the bridge itself all who are on it."""
    paper = Paper(BRIDGED)
    assert {"b:eth0", "c:eth0", "host:br0"} == set(tracks(paper, "a:eth0"))
    assert {"a:eth0", "b:eth0", "c:eth0"} == set(tracks(paper, "host:br0"))


def test_a_ring_is_walked_once() -> None:
    """Two switches joined twice: nobody is reached twice, the sender never reaches itself."""
    paper = ring()
    found = tracks(paper, "a:eth0")
    assert {"b:eth0", "s1:br0", "s2:br0"} == set(found)
    assert 6 == len(found["b:eth0"])


@pytest.mark.parametrize("changes", [{"up": False}, {"state": 4}, {"master": None}])
def test_of_two_tracks_the_one_without_an_obstacle_is_taken(changes: dict[str, object]) -> None:
    """A trunk that is down, blocked or detached is passed by over the other, as a spanning tree would."""
    paper = ring()
    if "state" in changes:
        paper.port("s1:t1", **changes)
    else:
        paper.interface("s1:t1", **changes)
    assert "s1:t2" in tracks(paper, "a:eth0")["b:eth0"]


def test_an_interface_that_nobody_knows_reaches_nobody() -> None:
    """One that was made since the wiring was read, one without a cable, one whose peer is out of sight."""
    paper = Paper()
    assert {} == tracks(paper, "a:new0")
    paper.wire("a:eth0", peer=None)
    assert {} == tracks(paper, "a:eth0")
    paper.wire("a:eth0", peer=End("elsewhere", "eth9"))
    assert {"elsewhere:eth9": ["a:eth0", "elsewhere:eth9"]} == tracks(paper, "a:eth0")


def test_a_port_without_a_master_is_a_member_all_the_same() -> None:
    """The file means it to be a port: whoever is behind it should be reached, and is told to be cut off."""
    paper = Paper(BRIDGED)
    paper.interface("host:p-a", master=None, port=None)
    assert "b:eth0" in tracks(paper, "a:eth0")
    assert "a:eth0" in tracks(paper, "b:eth0")


def test_the_only_bridge_is_meant_where_no_file_says_which() -> None:
    """An interface without master and address beside one bridge is meant for it; with an address, or two bridges, it is not."""
    paper = ring()
    paper.interface("s1:p1", master=None)
    paper.declared = {}
    assert end("s1:br0") == paper.scene().bridge_meant_for(end("s1:p1"))
    paper.address("s1:p1", "10.0.0.9/24")
    assert None is paper.scene().bridge_meant_for(end("s1:p1"))
    assert [None, None, None] == [paper.scene().bridge_meant_for(end(place)) for place in ("s1:br0", "s1:lo", "s1:gone")]


def test_a_bridge_that_the_file_names_may_be_gone() -> None:
    """What is meant for a bridge that is not there, or is its port already, is meant for none now."""
    paper = Paper(BRIDGED)
    assert None is paper.scene().bridge_meant_for(end("host:p-a"))
    paper.wire("host:br0", kind="dummy")
    paper.wire("host:p-b", master=None)
    assert None is paper.scene().bridge_meant_for(end("host:p-b"))
    assert None is paper.scene().bridge_of(end("host:p-a"))


def test_ipv4_answers_on_any_interface_and_ipv6_on_the_very_one() -> None:
    """The weak host model of IPv4: an address of another interface of the node is answered for; exact owners come first."""
    paper = Paper()
    paper.wire("b:lo", addresses=(*paper.wires[end("b:lo")].addresses, *Paper(BRIDGED).wires[end("c:eth0")].addresses))
    segment = paper.hold(members(Scene(paper.wiring), end("a:eth0")))
    found = [owners(paper.scene(), segment, ip_address(text)) for text in ("10.0.0.2", "10.0.0.3", "fd00::3", "fd00::2", "10.0.0.9")]
    assert [[end("b:eth0")], [end("b:eth0")], [], [end("b:eth0")], []] == found


def test_a_scene_asks_each_thing_once() -> None:
    """A namespace that was looked into, and what drifted, are not asked for again; what was not looked into has no interface."""
    paper, scene = Paper(), Scene(Paper().wiring)
    paper.drift = (Drift("a", "sysctl", "net.ipv4.ip_forward", "0 → 1"),)
    assert None is scene.interface(end("a:eth0"))
    for _ in range(2):
        paper.hold(scene.look("a"))
        assert paper.drift == paper.hold(scene.drift("a"))
    assert ["Look", "Drifted"] == [type(one).__name__ for one in paper.asked]
    assert (True, None) == (scene.interface(end("a:eth0")) is not None, scene.interface(end("a:eth7")))
