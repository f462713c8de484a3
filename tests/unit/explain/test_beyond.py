"""A packet that leaves the lab: told as far as it is seen, and no further."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest
from tests.unit.explain.rules import chain, rule
from tests.unit.explain.scenes import Paper, entry, route, sighting

from vethlab.model.flow import ARP
from vethlab.model.journey import IN, OUT, REPLY, REQUEST, FirewallDrop, Observed, Unanswered
from vethlab.model.link import End
from vethlab.model.snapshot import Drift, HeldAddress, Interface, Wire
from vethlab.model.translation import Hidden
from vethlab.plan.uplink import transfer
from vethlab.spec import loads

TEXT = "name: paper\nuplink: machine\nnetworks: {br0: {subnet: 10.0.0.0/24, gateway: 1, nat: masquerade, nodes: {a: 2}}}\n"
FAR = "192.0.2.9"
NEAR = transfer(loads(TEXT), "paper").near[0].ip
HIDE = chain("postrouting", rule("masquerade", "saddr=10.0.0.0/24", "oif!=lo,br0"))
AGAIN = chain("postrouting", rule("masquerade", f"saddr={NEAR}", "oif!=vl-paper"))
SEEN = (sighting("a:eth0", OUT), sighting("host:br0", IN), sighting("host:p-world", OUT), sighting("world:vl-paper", IN))


def lab(*, hides: bool = True, knows: bool = True) -> Paper:
    """A lab on a machine with a card, behind which somebody has FAR."""
    paper = Paper(TEXT)
    paper.wire("host:p-world", outlet=True)
    world = paper.nodes["world"]
    card = Interface("eth0", 9, "", mac="02:00:00:00:00:99", ipv4={"forwarding": 1})
    interfaces = {name: replace(one, ipv4={"forwarding": 1}) for name, one in world.interfaces.items()}
    paper.node("world", interfaces={**interfaces, "eth0": card}, nat=(AGAIN,), all6={"forwarding": 1})
    paper.wires[End("world", "eth0")] = Wire(
        End("world", "eth0"), "", card.mac, addresses=(ip_interface("198.51.100.7/24"),), beyond=True,
    )
    paper.add("world", addresses=[HeldAddress("eth0", ip_interface("198.51.100.7/24"))],
              routes=[route("198.51.100.7/32", "eth0", type="local", table=255), route("0.0.0.0/0", "eth0", "198.51.100.1")])
    paper.node("host", nat=(HIDE,) if hides else ())
    if knows:
        paper.add("world", neighbours=[entry("eth0", "198.51.100.1", "02:00:00:00:00:98")])
    return paper


def said(paper: Paper, seen: Observed) -> str:
    """The verdict, with its place and grade."""
    paper.seen = seen
    found = paper.explain("a", FAR).verdict
    assert found is not None
    return f"{found.slug} at {found.where} {found.where.stage} ({found.grade}): {found.summary}"


def test_the_way_there_and_back() -> None:
    """It leaves by the machine's card under the machine's address; the answer is looked for there, and turned back twice."""
    way = lab().walk("a", FAR)
    assert [] == [one.finding.slug for one in way.obstacles if not one.suspect]
    assert ["10.0.0.2", str(NEAR)] == [str(one.source) for one in way.bindings]
    back = [f"{one.node}:{one.interface}" for one in way.points if one.leg == one.what == REPLY and one.direction == IN]
    assert ["world:eth0", "host:p-world", "a:eth0"] == [one for one in back if one not in {"host:br0", "host:p-a"}]
    assert End("world", "eth0") == way.left


def test_nothing_comes_back() -> None:
    """What was seen leaving and not coming back is beyond: unknown, at the last place that is the machine's."""
    gone = (*SEEN, sighting("world:eth0", OUT))
    what = f"the packet left the lab by world:eth0 for {FAR}, and nothing came back: what is beyond is not the lab's"
    assert f"unknown at world:eth0 egress (unknown): {what}" == said(lab(), Observed(ok=False, sightings=gone))


def test_somebody_out_there_refuses() -> None:
    """A refusal that came from beyond is told as that, wherever it was seen last."""
    back = [sighting("world:eth0", IN, REPLY), sighting("world:vl-paper", OUT, REPLY)]
    refused = Observed(ok=False, refused=True, sightings=(*SEEN, sighting("world:eth0", OUT), *back))
    assert "and from there it was refused" in said(lab(), refused)


def test_an_answer_that_dies_in_the_lab_is_the_labs() -> None:
    """Seen coming back, it is not beyond any more."""
    back = (sighting("world:eth0", IN, REPLY), sighting("world:vl-paper", OUT, REPLY))
    text = said(lab(), Observed(ok=False, sightings=(*SEEN, sighting("world:eth0", OUT), *back)))
    assert ("unknown at world:vl-paper", False) == (text.split(" egress")[0], "left the lab" in text)


def test_it_never_left() -> None:
    """A neighbour out there that does not answer is told by what the kernel found out, and not guessed without."""
    asked = (*SEEN, sighting("world:eth0", OUT, "solicit", about="198.51.100.1"))
    silent = Unanswered("world", "eth0", ip_address("198.51.100.1"), "failed")
    assert "neighbour-unresolved at world:eth0" in said(lab(knows=False), Observed(ok=False, sightings=asked, unanswered=(silent,)))
    assert "unknown at world:vl-paper" in said(lab(knows=False), Observed(ok=False, sightings=SEEN))
    assert "unknown at world:vl-paper" in said(lab(), Observed(ok=False, sightings=SEEN))


def test_what_is_not_hidden_does_not_leave() -> None:
    """The host's own rule stops it; the cause is that nobody translated it, and the rule that was seen is the proof."""
    seen = SEEN[:2]
    drop = FirewallDrop("host", "inet", "vethlab-nat-paper", "leaving", "postrouting", REQUEST, "p-world", 7)
    text = said(lab(hides=False), Observed(ok=False, sightings=seen, firewall=(drop,)))
    assert "nat-missing at host:p-world postrouting (proven): host lets 10.0.0.2 out by p-world as it is, and nothing leaves" in text
    other = replace(drop, table="guard")
    assert "nft-drop at host:p-world" in said(lab(hides=False), Observed(ok=False, sightings=seen, firewall=(other,)))
    assert "nft-drop" in said(lab(), Observed(ok=False, sightings=seen, firewall=(drop,)))


def test_a_table_of_the_machine_that_is_gone() -> None:
    """What left as it was, under an address that the machine should have hidden, finds no way back; putting the table back comes first."""
    paper = lab()
    paper.node("world", nat=())
    paper.hidden += (Hidden("world", ip_network(NEAR), "vl-paper"),)
    paper.drift = (Drift("world", "table", "inet vethlab-nat-paper", "declared, but missing", (("nft", "--file", "-"),)),)
    gone = (*SEEN, sighting("world:eth0", OUT, sender=NEAR))
    what = f"world lets {NEAR} out by eth0 as it is, and nobody beyond the lab has a way back to it"
    assert f"nat-missing at world:eth0 postrouting (proven): {what}" == said(paper, Observed(ok=False, sightings=gone))
    found = paper.explain("a", FAR).verdict
    assert found is not None
    assert (REPLY, ("nft", "--file", "-"), True) == (found.direction, found.fixes[0].commands[0].argv, found.fixes[1].policy)


def test_what_is_hidden_by_rules_that_were_not_understood() -> None:
    """Seen leaving under another address, refused out there, or answered with an error from there, it is not for want of hiding."""
    paper = lab()
    paper.node("world", nat=())
    paper.hidden += (Hidden("world", ip_network(NEAR), "vl-paper"),)
    hidden = (*SEEN, sighting("world:eth0", OUT, sender=ip_address("198.51.100.7")))
    assert "unknown at world:eth0" in said(paper, Observed(ok=False, sightings=hidden))
    assert "unknown at world:eth0" in said(paper, Observed(ok=False, refused=True, sightings=(*SEEN, sighting("world:eth0", OUT))))


@pytest.mark.parametrize("source", ["host", "a"])
def test_arp_alone_is_asked_in_the_lab(source: str) -> None:
    """The host's own packets need no hiding; a question for a neighbour stays on its segment."""
    paper = lab(hides=source == "a")
    assert [] == [one.finding.slug for one in paper.walk(source, FAR).obstacles if not one.suspect]
    assert paper.walk("a", "10.0.0.1", kind=ARP).left is None


def test_a_link_without_arp_asks_nobody() -> None:
    """A tunnel of the machine (VPN) is no segment on which anybody is asked for."""
    paper = lab(knows=False)
    paper.interface("world:eth0", arp=False)
    assert [] == [one for one in paper.walk("a", FAR).points if one.what == "solicit" and one.node == "world" and one.direction == OUT
                  and one.interface == "eth0"]
