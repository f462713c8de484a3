"""Journeys to draw, as the engine explains them: one that passes, some that die, and a fault far from the death."""

from __future__ import annotations

from pathlib import Path

from tests.topologies import campus, direct, end

from vethlab.model.finding import Explanation, Finding, PathHop, Where
from vethlab.model.topology import Cable, Node, Topology
from vethlab.spec import load


def hops(note: str, start: int, *places: str) -> tuple[PathHop, ...]:
    """`a:eth0> b:eth0<`: sent from one, received at the other; 3 µs apart."""
    return tuple(
        PathHop(place[:-1].partition(":")[0], place[:-1].partition(":")[2], "out" if place.endswith(">") else "in", start + 3000 * n, note)
        for n, place in enumerate(places)
    )


THERE = ("a:eth0>", "host:p-a<", "host:p-r>", "r:eth0<", "r:wan>", "d:eth0<")
BACK = ("d:eth0>", "r:wan<", "r:eth0>", "host:p-r<", "host:p-a>", "a:eth0<")
EXPECTED = tuple(place[:-1] for place in THERE)
ASKING = (*hops("ARP who-has 10.9.1.1", 0, *THERE[:4]), *hops("ARP 10.9.1.1 is at 02:00:00:00:00:01", 12_000, *BACK[2:]))


def loopy() -> Topology:
    """Both ends of a pair in one node."""
    cable = Cable(end("box", "va", "10.0.0.1/24"), end("box", "vb", "10.0.0.2/24"))
    return Topology("loopy", (Node("box"),), (cable,))


def recorded(name: str) -> Topology:
    """A lab of the recorded pictures."""
    return load(str(Path(__file__).parent / "golden" / "picture" / name / "lab.lab.yaml"))


def died(slug: str, where: Where, last: Where, direction: str = "request") -> Finding:
    """A verdict."""
    return Finding(slug, where, f"{where} is to blame", direction=direction, grade="proven", last_seen=last)


JOURNEYS: dict[str, tuple[Topology, Explanation]] = {
    "journey-passes": (campus(), Explanation(
        ok=True, request=(*ASKING, *hops("request", 24_000, *THERE)), reply=hops("reply", 1_300_000, *BACK), expected=EXPECTED,
        rtt_us=1340.0,
    )),
    "journey-dies-asking": (loopy(), Explanation(
        ok=False, verdict=died("local-source", Where("box", "vb", "input"), Where("box", "vb", "ingress")),
        request=hops("ARP who-has 10.0.0.2", 0, "box:va>", "box:vb<"), expected=("box:va", "box:vb", "box:lo"),
    )),
    "journey-over-lo": (loopy(), Explanation(
        ok=True, request=hops("request", 0, "box:va>", "box:vb<"), reply=hops("reply", 9000, "box:lo<"), rtt_us=40.0,
    )),
    "journey-is-translated": (recorded("docker"), Explanation(
        ok=True, rtt_us=90.0,
        request=(
            *hops("request 172.17.0.3 → 203.0.113.1", 0, "worker:eth0>", "host:p-worker<", "host:docker0<"),
            *hops(
                "request 198.51.100.2 → 203.0.113.1: masquerade by inet vethlab-nat-dockerlike postrouting handle 7", 30_000,
                "host:p-world>",
            ),
            *hops("request 198.51.100.2 → 203.0.113.1", 33_000, "world:eth0<"),
        ),
        reply=(
            *hops("reply 203.0.113.1 → 198.51.100.2", 50_000, "world:eth0>", "host:p-world<"),
            *hops("reply 203.0.113.1 → 172.17.0.3: turned back", 60_000, "host:docker0>"),
            *hops("reply 203.0.113.1 → 172.17.0.3", 63_000, "host:p-worker>", "worker:eth0<"),
        ),
    )),
    "journey-has-no-way-back": (campus(), Explanation(
        ok=False, verdict=died("no-return-route", Where("d", None, "route"), Where("d", "eth0", "ingress"), "reply"),
        request=hops("request", 0, *THERE), expected=EXPECTED,
    )),
    "journey-dies-in-a-switch": (recorded("ovs"), Explanation(
        ok=False, verdict=died("openflow-drop", Where("host", "ovs-br", "bridge"), Where("host", "ovs-veth5", "ingress")),
        request=hops("request", 0, "ns5:veth5>", "host:ovs-veth5<"), expected=("host:ovs-veth6", "ns6:veth6"),
    )),
    "journey-is-lost-on-a-cable": (campus(), Explanation(
        ok=False, verdict=died("no-carrier", Where("r", "eth0", "link"), Where("host", "p-r", "egress")),
        request=hops("request", 0, *THERE[:3]), expected=EXPECTED,
    )),
    "journey-dies-far-from-its-fault": (campus(), Explanation(
        ok=False, verdict=died("link-down", Where("d", "eth0", "link"), Where("r", "eth0", "ingress")),
        request=(*hops("request", 0, *THERE[:4]), *hops("request, for another MAC", 14_000, "r:eth0<")),
        reply=hops("ICMP error from 10.9.1.1", 20_000, *BACK[2:]), expected=EXPECTED,
    )),
    "journey-runs-in-circles": (direct(), Explanation(
        ok=False, verdict=died("routing-loop", Where("ns2", "veth1", "route"), Where("ns1", "veth0", "ingress")),
        request=tuple(hop for n in range(5) for hop in hops("request", 10_000 * n, "ns1:veth0>", "ns2:veth1<", "ns2:veth1>", "ns1:veth0<")),
    )),
}
