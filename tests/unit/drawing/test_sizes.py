"""Labs of 3 to 100 nodes of every shape: nothing lies on anything, with a journey on them too."""

from __future__ import annotations

import functools

import pytest
from tests.geometry import amiss
from tests.journeys import died, hops

from vethlab.model.finding import Explanation, Where
from vethlab.model.topology import Topology
from vethlab.present.drawing.draw import draw
from vethlab.spec import loads

SIZES = (3, 10, 30, 100)
SAID = [("as declared", "")]


def mesh(size: int) -> str:
    """Each with each."""
    return "links:\n" + "".join(f"- n{a} -- n{b}\n" for a in range(1, size + 1) for b in range(a + 1, size + 1))


def row(size: int) -> str:
    """Each with the next, each link another."""
    return "links:\n" + "".join(f"- {{ends: n{a} -- n{a + 1}, rate: {a}mbit, delay: 5ms}}\n" for a in range(1, size))


def hub(size: int) -> str:
    """One with all others."""
    return f"links: [{{mesh: hub -- n1..{size - 1}, mtu: 9000, rate: 10mbit, loss: 1%, tuned: true}}]\n"


def star(size: int) -> str:
    """All on one bridge with all that can be said of one."""
    return f"networks: {{br0: {{subnet: 10.0.0.0/16, gateway: 1, nodes: [n1..{size}], mtu: 1400, rate: 1gbit, delay: 5ms, tuned: true}}}}\n"


def switch(size: int) -> str:
    """All on Open vSwitch."""
    return f"networks: {{sw0: {{type: ovs, subnet: 10.0.0.0/16, nodes: [n1..{size}], tags: {{n1: 10, n2: 20}}, rate: 1gbit}}}}\n"


def docker(size: int) -> str:
    """Behind NAT, one published."""
    published = "nodes: {n1: {publish: [8080:80], run: python3 -m http.server 80}" + "".join(f", n{n}: {{}}" for n in range(2, size + 1))
    return f"networks: {{docker0: {{subnet: 10.0.0.0/16, gateway: 1, nat: masquerade, nodes: [n1..{size}]}}}}\n{published}}}\n"


def overlay(size: int) -> str:
    """Pods on hosts, ten a host and two hosts at least."""
    hosts = max(2, size // 10)
    pods = ", ".join(f"h{1 + n % hosts}/n{n + 1}" for n in range(size))
    nodes = ", ".join(f"h{n}: {{role: host}}" for n in range(1, hosts + 1))
    under = f"under: {{subnet: 192.168.0.0/24, nodes: [h1..{hosts}]}}"
    return f"nodes: {{{nodes}}}\nnetworks: {{{under}, pods: {{type: vxlan, vni: 7, subnet: 10.42.0.0/16, nodes: [{pods}]}}}}\n"


SHAPES = {one.__name__: one for one in (mesh, row, hub, star, switch, docker, overlay)}


@functools.cache
def lab(shape: str, size: int) -> Topology:
    """The lab of a shape and size."""
    return loads(f"name: {shape}\n{SHAPES[shape](size)}")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_lab_of_any_size_can_be_read(shape: str, size: int) -> None:
    """No text lies on a text, a line or a mark, no line runs through a box, and the paper is no strip."""
    picture = draw(lab(shape, size), said=SAID)
    assert {} == amiss(picture)
    assert 0.25 < picture.width / picture.height < 6


@pytest.mark.parametrize("size", SIZES)
def test_a_way_through_all_of_them_can_be_read(size: int) -> None:
    """A packet that passes every node of a row, and dies half-way: the row is wound, none is folded."""
    way = ["n1:eth0>", *(f"n{n}:eth{side}{'<' if side == 0 else '>'}" for n in range(2, size) for side in (0, 1)), f"n{size}:eth0<"]
    where = Where(way[size][:-1].partition(":")[0], "eth0", "forward")
    explanation = Explanation(
        ok=False, verdict=died("forwarding-off", where, where), request=hops("request", 0, *way[: size + 1]),
        expected=tuple(place[:-1] for place in way),
    )
    picture = draw(lab("row", size), explanation=explanation, said=[("n1 cannot ping the last one", "bad")])
    assert {} == amiss(picture)
    assert 1 < picture.width / picture.height < 6


@pytest.mark.parametrize("size", [30, 100])
def test_who_talks_in_a_mesh_is_unfolded(size: int) -> None:
    """Two of many with a cable of their own, the rest one stack."""
    there, back = (f"n1:eth{size - 2}>", f"n{size}:eth0<"), (f"n{size}:eth0>", f"n1:eth{size - 2}<")
    explanation = Explanation(ok=True, request=hops("request", 0, *there), reply=hops("reply", 9000, *back), rtt_us=12.0)
    picture = draw(lab("mesh", size), explanation=explanation, said=SAID)
    assert {} == amiss(picture)
    assert picture.width < 1200
