"""Large labs: what is alike becomes one, and is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from tests.topologies import campus, end, star

from vethlab.model.shaping import Shaping
from vethlab.model.topology import Cable, Endpoint, Node, Topology
from vethlab.present.drawing.fold import folded
from vethlab.present.drawing.gather import gather
from vethlab.present.drawing.scene import Cable as Drawn
from vethlab.present.drawing.scene import Scene


def fabric(hosts: int) -> Topology:
    """Hosts spread over three leaves, under two spines."""
    cables = [
        Cable(end(f"leaf{a}", f"eth{b}", f"10.9.{a}.{2 * b}/31"), end(f"spine{b}", f"eth{a}", f"10.9.{a}.{2 * b + 1}/31"))
        for a in range(3) for b in range(2)
    ]
    cables += [
        Cable(end(f"leaf{n % 3}", f"eth{n // 3 + 2}", f"10.0.0.{2 * n}/31"), end(f"host{n}", "eth0", f"10.0.0.{2 * n + 1}/31"))
        for n in range(hosts)
    ]
    names = [*(f"leaf{n}" for n in range(3)), "spine0", "spine1", *(f"host{n}" for n in range(hosts))]
    return Topology("fabric", tuple(Node(name) for name in names), tuple(cables))


def counted(scene: Scene) -> tuple[int, int]:
    """Nodes and cables, those that stand for many with all they stand for."""
    nodes = sum(len(box.members) or 1 for box in scene.boxes if box.kind == "node")
    return nodes, sum(cable.count for cable in scene.cables)


def test_a_small_lab_stays_as_it_is() -> None:
    """Up to sixteen nodes are drawn one by one."""
    assert gather(campus()) == folded(gather(campus()))
    assert gather(star(16)) == folded(gather(star(16)))


def test_hosts_of_a_star_become_a_stack() -> None:
    """One stack with a count and the range of its addresses, one bundle, one port that stands for all."""
    scene = folded(gather(star(40)))
    stack = scene.boxes[0]
    assert ("h0..39", ("40 nodes",)) == (stack.name, stack.words)
    near, far = scene.plugs
    assert ("eth0", ("10.20.0.1 … 10.20.0.40/16",), ("40 interfaces",)) == (near.name, near.addresses, near.words)
    assert ("p-h0..39", "host:br0") == (far.name, far.box)
    assert (Drawn("h0:eth0", "host:p-h0", count=40),) == scene.cables


def test_leaves_and_spines_stay_and_hosts_are_one_stack() -> None:
    """Hosts at different leaves are alike; each leaf has its own bundle to them."""
    scene = folded(gather(fabric(30)))
    assert ["leaf0", "leaf1", "leaf2", "spine0", "spine1", "host0..29"] == [box.name for box in scene.boxes]
    assert [10, 10, 10] == [cable.count for cable in scene.cables if cable.count > 1]
    assert (35, 36) == counted(scene)


def test_two_ranges_that_lead_to_each_other_are_two_stacks() -> None:
    """Between two stacks there is one bundle."""
    cables = tuple(Cable(end(f"a{n}", "eth0", f"10.0.{n}.1/24"), end(f"b{n}", "eth0", f"10.0.{n}.2/24")) for n in range(20))
    scene = folded(gather(Topology("pairs", tuple(Node(f"{x}{n}") for x in "ab" for n in range(20)), cables)))
    assert (["a0..19", "b0..19"], [20]) == ([box.name for box in scene.boxes], [cable.count for cable in scene.cables])


def test_what_a_journey_passes_is_unfolded() -> None:
    """Kept boxes stand for themselves, with ports of their own; the rest stays one stack."""
    scene = folded(gather(fabric(30)), {"host3", "host29"})
    assert {"host3", "host29", "host0..2, 4..28"} <= {box.name for box in scene.boxes}
    assert ("host3:eth0", 1) in {(cable.right, cable.count) for cable in scene.cables}
    assert (35, 36) == counted(scene)


def test_what_differs_is_not_put_together() -> None:
    """A node with words of its own is drawn by itself, and what is down in a stack is counted."""
    topology = star(40)
    nodes = tuple(replace(node, forward=node.name == "h7") for node in topology.nodes)
    scene = gather(replace(topology, nodes=nodes))
    plugs = tuple(replace(plug, words=("down",), bad=True) if plug.key in {"h1:eth0", "h2:eth0"} else plug for plug in scene.plugs)
    found = folded(replace(scene, plugs=plugs))
    assert {"h7", "h0..6, 8..39"} <= {box.name for box in found.boxes}
    stack = next(plug for plug in found.plugs if plug.members and plug.name == "eth0")
    assert (("39 interfaces", "2 down"), True) == (stack.words, stack.bad)


def joined(pairs: Iterable[tuple[int, int]], *, differing: bool = False) -> Scene:
    """Nodes n0, n1, ... on cables between these pairs, folded."""
    count: Counter[int] = Counter()

    def one(node: int) -> Endpoint:
        count[node] += 1
        return end(f"n{node}", f"eth{count[node] - 1}")

    cables = tuple(Cable(one(a), one(b), shaping=Shaping(rate=1_000_000 * n * differing)) for n, (a, b) in enumerate(pairs, 1))
    return folded(gather(Topology("joined", tuple(Node(f"n{n}") for n in sorted(count)), cables)))


@pytest.mark.parametrize(("pairs", "said"), [
    ([(a, b) for a in range(17) for b in range(a)], "17 nodes, each with each"),
    ([(n, n + 1) for n in range(16)], "17 nodes, in a row"),
    ([(n, (n + 1) % 17) for n in range(17)], "17 nodes, in a ring"),
    ([(n, (n + step) % 17) for n in range(17) for step in (1, 5)], "17 nodes, 34 cables among them"),
])
def test_a_stack_says_how_its_nodes_are_joined(pairs: list[tuple[int, int]], said: str) -> None:
    """A bundle from a stack to itself would not show it."""
    assert [(said,)] == [box.words for box in joined(pairs).boxes]


def test_many_cables_are_folded_too() -> None:
    """A mesh of ten is drawn, one of eleven is more than anybody follows."""
    assert [10, 1] == [len(joined((a, b) for a in range(size) for b in range(a)).boxes) for size in (10, 11)]


def test_words_of_many_kinds_are_counted() -> None:
    """A stack whose links all differ tells of three and counts the rest."""
    (near,) = joined([(n, n + 1) for n in range(20)], differing=True).plugs
    assert ("40 interfaces", "2 rate 1mbit", "2 rate 2mbit", "2 rate 3mbit", "and 17 more such words") == near.words
