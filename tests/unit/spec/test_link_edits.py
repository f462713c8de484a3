"""Links of a lab file as wholes: said, added and removed, with every comment where it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vethlab import spec
from vethlab.model.shaping import Shaping
from vethlab.model.topology import Topology
from vethlab.spec.edit import Unsaid
from vethlab.spec.link_edits import add_link, remove_link, set_keys
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
    draft = spec.Draft.of(spec.loads(FILE))
    draft.link(*ends.split(" -- "), **keys)
    return draft.topology()


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
    text = add_link(FILE, NEW, {}, added("a -- c"))
    assert ("- c\n" in text, f"- {NEW}\n" in text, "# the first" in text) == (True, True, True)
    mapped = FILE.replace("nodes:   # who\n  - a\n  - b\n", "nodes: {a: {}, b: {}}\n")
    assert "c: {}" in add_link(mapped, NEW, {"rate": "1mbit"}, added("a -- c", rate="1mbit"))
    inferred = FILE.replace("nodes:   # who\n  - a\n  - b\n", "")
    middle = "b:eth3 10.255.0.1/30 -- d:eth0 10.255.0.2/30"  # the new node is met before one that only the network names
    last = inferred.replace("nodes: [a, b]", "nodes: [a, b, c]")
    draft = spec.Draft.of(spec.loads(last))
    draft.link(*middle.split(" -- "))
    assert ["a", "b", "d", "c"] == [node.name for node in spec.loads(add_link(last, middle, {}, draft.topology())).nodes]
    assert "nodes: [" not in add_link(inferred, NEW, {}, added("a -- c")).split("networks")[0]


def test_one_less() -> None:
    """Its line goes; what stands in one line with others has to stay."""
    wires = FILE.partition("networks")[0]
    whole = spec.loads(wires)
    assert "mtu: 9000" not in remove_link(wires, 1, replace(whole, cables=whole.cables[:1]))
    with pytest.raises(Unsaid):  # the network's interfaces would be numbered anew
        remove_link(FILE, 1, replace(spec.loads(FILE), cables=spec.loads(FILE).cables[:1]))
    ranged = "name: x\nlinks: [{mesh: a1..2 -- b}]\n"
    lab = spec.loads(ranged)
    with pytest.raises(Unsaid):
        remove_link(ranged, 0, replace(lab, cables=lab.cables[1:]))
