"""Laws of pictures, for any lab: nothing lies on a text, nothing leaves the paper, nothing is forgotten, and what is written is XML."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.geometry import amiss, flat

from vethlab.model.finding import Explanation, Finding, PathHop, Where
from vethlab.model.topology import Cable, Endpoint, Network, Node, Port, Topology
from vethlab.present.drawing.draw import draw
from vethlab.present.drawing.fold import folded
from vethlab.present.drawing.gather import gather
from vethlab.present.drawing.shapes import Group, Stroke
from vethlab.present.drawing.svg import svg

NAMES = ("a", "b", "c", "router-with-a-long-name", "h1", "h1/pod1", "h1/pod2", "h2", "h2/pod3", "db1", "db2", "db3")
ODD = st.text(max_size=40)


@st.composite
def topologies(draw_from: st.DrawFn) -> Topology:
    """Up to twelve nodes, some in hosts, some cables, some networks in the lab's host or in a node."""
    nodes = draw_from(st.lists(st.sampled_from(NAMES), min_size=1, max_size=12, unique=True))
    count: Counter[str] = Counter()

    def end(node: str, subnet: int) -> Endpoint:
        count[node] += 1
        many = draw_from(st.integers(0, 2))
        first = (10 << 24) + (subnet << 8) + draw_from(st.integers(1, 99))
        return Endpoint(node, f"eth{count[node] - 1}", tuple(IPv4Interface((IPv4Address(first + 100 * one), 24)) for one in range(many)))

    some = st.sampled_from(nodes)
    cables = tuple(Cable(end(draw_from(some), n), end(draw_from(some), n), mtu=draw_from(st.sampled_from((1500, 9000)))) for n in range(
        draw_from(st.integers(0, 8)),
    ))
    networks = []
    for number in range(draw_from(st.integers(0, 3))):
        on = draw_from(st.sampled_from(("host", *nodes)))
        members = draw_from(st.lists(some, unique=True))
        ports = tuple(Port(end(name, 100 + number), f"p{number}-{name.replace('/', '.')}"[:15]) for name in members)
        networks.append(Network(f"br{number}", tuple(replace(port, on=on) for port in ports), on=on))
    declared = tuple(Node(name, forward=draw_from(st.booleans()), run=draw_from(st.none() | ODD)) for name in nodes)
    return Topology(draw_from(ODD), declared, cables, tuple(networks))


@given(topologies())
@settings(max_examples=30, deadline=None)
def test_nothing_is_in_the_way_of_a_text(topology: Topology) -> None:
    """No two texts overlap, no line runs through a text, and everything is on the paper."""
    picture = draw(topology, None, said=[("as declared", "")])
    assert {} == amiss(picture)


@st.composite
def journeys(draw_from: st.DrawFn) -> tuple[Topology, Explanation]:
    """A lab and a packet that was seen at some of its interfaces, in any order, and perhaps died."""
    topology = draw_from(topologies())
    keys = [plug.key for plug in gather(topology).plugs] + ["a:lo", "nowhere:eth0", "host:br0"]
    notes = st.sampled_from(("request", "ARP who-has 10.0.0.1", "request, for another MAC", "ICMP error from 10.0.0.9"))

    def hops() -> tuple[PathHop, ...]:
        places = draw_from(st.lists(st.sampled_from(keys), max_size=6))
        return tuple(
            PathHop(node, interface, draw_from(st.sampled_from(("out", "in"))), 1000 * n, draw_from(notes))
            for n, (node, _, interface) in enumerate(place.partition(":") for place in places)
        )

    node, _, interface = draw_from(st.sampled_from(keys)).partition(":")
    where = Where(node, interface, "input")
    finding = Finding("local-source", draw_from(st.sampled_from((where, Where(where.node)))), "", last_seen=where)
    verdict = draw_from(st.none() | st.just(finding))
    return topology, Explanation(verdict is None, verdict, request=hops(), reply=hops(), expected=tuple(keys[:3]))


@given(journeys())
@settings(max_examples=30, deadline=None)
def test_a_journey_is_in_the_way_of_no_text_either(given_: tuple[Topology, Explanation]) -> None:
    """With a journey on it all of that holds, too."""
    picture = draw(given_[0], explanation=given_[1], said=[("what came of it", "bad")])
    assert {} == amiss(picture)


@given(topologies())
@settings(max_examples=25, deadline=None)
def test_everything_is_drawn_once(topology: Topology) -> None:
    """Each box and each cable of the scene is in the picture exactly once, and the cables are those of the lab."""
    scene, picture = gather(topology), draw(topology, None)
    groups = [one for one in picture.shapes if isinstance(one, Group)]
    drawn = Counter(key for one in groups if one.role != "wire" for key in one.about)
    assert {box.key: 1 for box in scene.boxes} == {key: number for key, number in drawn.items() if not key.endswith("#")}
    wires = Counter(one.about for one in groups if one.role == "wire")
    assert Counter((cable.left, cable.right) for cable in scene.cables) == wires
    assert len(topology.cables) + sum(len(one.ports) for one in topology.networks) == len(scene.cables)
    assert len(scene.cables) == sum(isinstance(one, Stroke) and one.kind.startswith("cable") for one in flat(picture.shapes))


@given(topologies())
@settings(max_examples=25, deadline=None)
def test_what_is_written_is_xml(topology: Topology) -> None:
    """Whatever a lab's texts hold, the SVG is well-formed and has a title and a description."""
    root = ET.fromstring(svg(draw(topology, None, said=[(topology.name, "")])))  # noqa: S314 - our own text
    assert {"title", "desc"} <= {one.tag.partition("}")[2] for one in root}


@given(st.integers(17, 60), st.integers(1, 4), st.integers(0, 3), st.data())
@settings(max_examples=25, deadline=None)
def test_a_fold_forgets_nobody(size: int, hubs: int, extra: int, data: st.DataObject) -> None:
    """In a large lab every node and every cable is drawn once or counted in a fold, and texts are in nobody's way."""
    cables = [Cable(Endpoint(f"h{n}", "eth0"), Endpoint(f"hub{n % hubs}", f"eth{n}")) for n in range(size)]
    pairs = data.draw(st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), min_size=extra, max_size=extra))
    cables += [Cable(Endpoint(f"h{a}", f"x{n}"), Endpoint(f"h{b}", f"y{n}")) for n, (a, b) in enumerate(pairs)]
    names = [*(f"h{n}" for n in range(size)), *(f"hub{n}" for n in range(hubs))]
    topology = Topology("big", tuple(Node(name) for name in names), tuple(cables))
    scene = folded(gather(topology), {f"h{data.draw(st.integers(0, size - 1))}"})
    assert sorted(node.name for node in topology.nodes) == sorted(name for box in scene.boxes for name in box.members or (box.key,))
    assert (len(cables), 2 * len(cables)) == (sum(c.count for c in scene.cables), sum(len(plug.members) or 1 for plug in scene.plugs))
    picture = draw(topology)
    assert {} == amiss(picture)
