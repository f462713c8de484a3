"""Links of a lab file as wholes: said, added and removed, with every comment where it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vethlab import spec
from vethlab.model.shaping import Shaping
from vethlab.model.topology import Topology
from vethlab.spec.edit import Unsaid
from vethlab.spec.link_edits import add, remove, set_keys
from vethlab.spec.membership import Gone, cable_of, node_of, place_of, with_link, with_place, without
from vethlab.spec.segment_edits import LINKS, NETWORKS, Spot

FILE = """\
name: x  # a name
nodes:   # who
  - a
  - b
links:
  # the first
  - a 10.0.0.1/24 -- b 10.0.0.2/24   # a cable
  - {ends: a 10.0.1.1/24 -- b 10.0.1.2/24, mtu: 9000}
networks:
  br0: {subnet: 10.2.0.0/24, nodes: [a, b]}  # a bridge
"""
NEW = "a:eth3 10.255.0.1/30 -- c:eth0 10.255.0.2/30"


def with_cable(number: int, **changes: object) -> Topology:
    """The lab with one link changed."""
    whole = spec.loads(FILE)
    cables = [replace(one, **changes) if at == number else one for at, one in enumerate(whole.cables)]  # type: ignore[arg-type]
    return replace(whole, cables=tuple(cables))


def added(ends: str, **keys: str) -> Topology:
    """The lab with one more."""
    left, _, right = ends.partition(" -- ")
    return with_link(spec.loads(FILE), left, right, keys)


def test_keys_of_a_link_and_of_a_network() -> None:
    """A sentence becomes a mapping, a mapping gets a key; comments stay."""
    first = set_keys(FILE, Spot(LINKS, 0, 0), {"rate": "1mbit"}, with_cable(0, shaping=Shaping(10**6)))
    assert "  - {ends: a 10.0.0.1/24 -- b 10.0.0.2/24, rate: 1mbit}   # a cable\n" in first
    second = set_keys(FILE, Spot(LINKS, 1, 1), {"mtu": "1400", "loss": "1%"}, with_cable(1, mtu=1400, shaping=Shaping(0, 0, 10_000)))
    assert "mtu: 1400, loss: 1%}" in second
    whole = spec.loads(FILE)
    network = replace(whole, networks=(replace(whole.networks[0], shaping=Shaping(0, 5000)),))
    assert "delay: 5ms" in set_keys(FILE, Spot(NETWORKS, 0, -1), {"delay": "5ms"}, network)


def test_one_more() -> None:
    """Behind the others; a node that is new is declared where nodes are declared, in a list or a mapping."""
    text = add(FILE, "", {}, added("a -- c"))
    assert ("- c\n" in text, f"- {NEW}\n" in text, "# the first" in text) == (True, True, True)
    mapped = FILE.replace("nodes:   # who\n  - a\n  - b\n", "nodes: {a: {}, b: {}}\n")
    assert "c: {}" in add(mapped, "", {"rate": "1mbit"}, added("a -- c", rate="1mbit"))
    inferred = FILE.replace("nodes:   # who\n  - a\n  - b\n", "")
    last = inferred.replace("nodes: [a, b]", "nodes: [a, b, c]")  # the new node is met before one that only the network names
    assert ["a", "b", "d", "c"] == [node.name for node in spec.loads(add(last, "", {}, with_link(spec.loads(last), "b", "d", {}))).nodes]
    assert "nodes: [" not in add(inferred, "", {}, added("a -- c")).split("networks")[0]


@pytest.mark.parametrize(
    ("nodes", "end", "line"),
    [
        ("[a, b]", "c", "nodes: [a, b, c]"), ("[a, b]", "c 9", "nodes: {a: {}, b: {}, c: 9}"),
        ("[a, b]", "c:eth5 9 10.2.0.10", "nodes: {a: {}, b: {}, c: {address: [9, 10], interface: eth5}}"),
        ("{a: 4, b: 5}", "c 9", "nodes: {a: 4, b: 5, c: 9}"), ("{a: 4, b: 5}", "c", "nodes: {a: 4, b: 5, c: 1}"),
        ("{a: 4, b: 5}", "c:x 8 9", "nodes: {a: 4, b: 5, c: {address: [8, 9], interface: x}}"),
        ("{a: 4, b: 5}", "c1..2", "nodes: {a: 4, b: 5, c1: 1, c2: 2}"),
    ],
)
def test_one_place_more(nodes: str, end: str, line: str) -> None:
    """A node joins a network, as shortly as the file can say it."""
    text = FILE.replace("nodes: [a, b]", f"nodes: {nodes}")
    assert f"br0: {{subnet: 10.2.0.0/24, {line}}}  # a bridge" in add(text, "br0", {}, with_place(spec.loads(text), end, "br0"))


def test_one_place_more_on_what_has_no_subnet_of_its_own() -> None:
    """Addresses of two families, and a network without any node or subnet yet."""
    lab = "name: x\nnodes: [a]\nnetworks:\n  br0: {subnet: [10.2.0.0/24, 'fd00::/64'], nodes: {a: 4}}\n"
    text = add(lab, "br0", {}, with_place(spec.loads(lab), "b 10.2.0.9", "br0"))
    assert "b: 10.2.0.9/24" in text
    empty = "name: x\nnodes: [a]\nnetworks: {br0: {nodes: []}}\n"
    assert "nodes: [a]}" in add(empty, "br0", {}, with_place(spec.loads(empty), "a", "br0"))


def less(text: str, gone: Gone) -> str:
    """The text without it."""
    return remove(text, gone, without(spec.loads(text), gone)[0])


def test_one_less() -> None:
    """Its line goes, and interfaces that would be numbered anew are named; what stands in one line with others has to stay."""
    wires = FILE.partition("networks")[0]
    assert "mtu: 9000" not in less(wires, cable_of(1))
    text = less(FILE, cable_of(0))
    assert "- {ends: a:eth1 10.0.1.1/24 -- b:eth1 10.0.1.2/24, mtu: 9000}" in text
    assert "nodes: {a: {interface: eth2}, b: {interface: eth2}}}  # a bridge" in text
    with pytest.raises(Unsaid, match="in one line"):
        less("name: x\nlinks: [{mesh: a1..2 -- b}]\n", cable_of(0))


def test_a_link_whose_nodes_nobody_else_names() -> None:
    """They are declared, since they stay."""
    assert "name: x\nnodes:\n  a: {}\n  b: {}\nlinks: []\n" == less("name: x\nlinks: [a -- b]\n", cable_of(0))


MORE = """\
name: x
nodes:
  a: {}
  b:   # goes
    forward: true
  c: {}
links:
  - a -- b
  - c -- a
  - a:up -- c
networks:
  inner: {on: b, nodes: [a]}
  br0:
    nodes: [a, b, c]
    isolated: [b]
  br1:
    subnet: 10.5.0.0/24
    nodes: {b: 1, a: {port: pa}, c: [7, 8]}
  ovs:
    type: ovs
    tags:
      b: 10
    nodes: [b, c]
"""


def test_a_node_goes_with_all_its_links() -> None:
    """What was counted stays what it was: interfaces, addresses handed out, a subnet, a place in a list."""
    text = less(MORE, node_of(spec.loads(MORE), "b"))
    assert """\
name: x
nodes:
  a: {}
  c: {}
links:
  - c 10.255.0.5/30 -- a:eth1 10.255.0.6/30
  - a:up 10.255.0.9/30 -- c 10.255.0.10/30
networks:
  br0:
    nodes: {a: {interface: eth3}, c: 3}
    isolated: []
    subnet: [10.255.2.0/24]
  br1:
    subnet: 10.5.0.0/24
    nodes: {a: {port: pa, address: 2, interface: eth4}, c: [7, 8]}
  ovs:
    type: ovs
    tags: {}
    nodes: {c: 2}
    subnet: [10.255.3.0/24]
""" == text


def test_a_port_that_would_be_numbered_anew_is_named() -> None:
    """A node's second port on one host."""
    text = "name: x\nnetworks: {br0: {nodes: [a, b]}, br1: {subnet: 10.6.0.0/24, nodes: {a: 1, b: {mac: '02:00:00:00:00:01'}}}}\n"
    assert "a: {address: 1, interface: eth1, port: p-a-2}" in less(text, place_of(spec.loads(text), "br0", "a"))
    assert "b: {mac: '02:00:00:00:00:01', interface: eth1, port: p-b-2}" in less(text, place_of(spec.loads(text), "br0", "b"))


@pytest.mark.parametrize(
    ("nodes", "gone", "left"),
    [
        ("[a1..3]", "a3", "[a1, a2]"), ("{a1..4: {forward: true}, b: {}}", "a4", "{a1..3: {forward: true}, b: {}}"),
        ("[a01..07]", "a04", "[a01..03, a05..07]"), ("[a1..3, b]", "a1", "[a2, a3, b]"), ("{a1..2: {}}", "a1", "{a2: {}}"),
        ("{a1..3: {}}", "a3", "{a1..2: {}}"),
    ],
)
def test_one_of_a_range(nodes: str, gone: str, left: str) -> None:
    """The range is cut shorter, or in two."""
    text = f"name: x\nnodes: {nodes}  # who\n"
    assert f"name: x\nnodes: {left}  # who\n" == less(text, node_of(spec.loads(text), gone))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name: x\nnodes:\n  - a0..3\n", "`a1` stands within `a0..3` in nodes"),
        ("name: x\nlinks: [a1 -- a2]\nnetworks: {br0: {nodes: [a1..4]}}\n", "`a2` is one of `a2..4` on network `br0`"),
        ("name: x\nlinks: [a1 -- b]\nnetworks: {br0: {nodes: [a1, c1..3]}}\n", "`c1` is one of `c1..3` on network `br0`"),
        ("name: x\nlinks: [a1 -- b, {mesh: b -- c1..2}]\n", "would"),
        ('name: x\nlinks: [a1 -- b, "b \\x2d- c"]\n', "cannot be edited"),
    ],
)
def test_what_cannot_be_taken_out_alone(text: str, why: str) -> None:
    """What only one of a range would say, and what stands in the middle of one that is no list in brackets."""
    with pytest.raises(Unsaid, match=why):
        less(text, node_of(spec.loads(text), "a1"))
