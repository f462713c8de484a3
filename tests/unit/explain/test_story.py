"""The whole conversation: what is asked in which order, what is warned of, and how it is told."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from tests.unit.explain.scenes import BRIDGED, CABLE, ROUTED, Paper, entry, route, sighting

from vethlab.explain.questions import Drifted, Observe
from vethlab.explain.story import explain
from vethlab.model.finding import REPLY, Explanation
from vethlab.model.flow import Flow, Side
from vethlab.model.journey import ANSWER, ERROR, IN, OUT, SOLICIT, FirewallDrop, Observed
from vethlab.model.snapshot import Drift


def said(explanation: Explanation) -> str:
    """The verdict in one line."""
    found = explanation.verdict
    return "ok" if found is None else f"{found.slug} at {found.where}"


def test_an_end_without_an_address_needs_no_packet() -> None:
    """Neither kernel nor file give the destination an address: nothing is asked, and it is certain."""
    flow = Flow("ping", Side("a"), Side("b", "eth0"))
    paper = Paper()
    explanation = paper.hold(explain(flow, paper.wiring))
    assert ("no-address at b:eth0", [], "b:eth0 has no address") == (
        said(explanation), paper.asked, explanation.verdict.summary if explanation.verdict else "",
    )
    nobody = paper.hold(explain(Flow("ping", Side("a"), Side()), paper.wiring))
    assert "no-address at " == said(nobody)


def test_a_hasty_question_sends_nothing_where_the_walk_meets_an_obstacle() -> None:
    """On a copy the walk is enough to refuse a fix; without an obstacle the probe is sent all the same."""
    paper = Paper()
    paper.interface("b:eth0", up=False)
    assert "link-down at b:eth0" == said(paper.explain("a", "10.0.0.2", hasty=True))
    assert [] == [one for one in paper.asked if isinstance(one, Observe)]
    healthy = Paper()
    healthy.seen = Observed(ok=True)
    assert "ok" == said(healthy.explain("a", "10.0.0.2", hasty=True))


def test_a_packet_that_passes_asks_for_no_drift() -> None:
    """What is not as the file says is read only where something is wrong."""
    paper = Paper()
    paper.seen = Observed(ok=True, rtt_us=90.0)
    assert ("ok", 90.0) == (said(paper.explain("a", "10.0.0.2")), paper.explain("a", "10.0.0.2").rtt_us)
    assert [] == [one for one in paper.asked if isinstance(one, Drifted)]


def observe(paper: Paper) -> Observe:
    """The one request to look on."""
    return next(one for one in paper.asked if isinstance(one, Observe))


def test_the_probe_is_told_where_to_look_and_what_will_be_asked_for() -> None:
    """The ends first, then the way; whoever is asked for; and whether a question is under way already."""
    paper = Paper(ROUTED)
    paper.explain("a", "10.0.2.2")
    asked = observe(paper)
    assert (("a", "b", "r"), "eth0", False) == (asked.netns, asked.interface, asked.waits)
    assert ("a", ip_address("10.0.1.1")) == asked.solicits[0]
    paper = Paper(ROUTED)
    paper.add("a", neighbours=(entry("eth0", "10.0.1.1", None, "incomplete"),))
    paper.explain("a", "10.0.2.2")
    assert observe(paper).waits


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Observed(ok=True), "ok"),
        (Observed(ok=True, rtt_us=3.0, sightings=(sighting("b:eth0", OUT, REPLY),)), "ok"),
        (Observed(ok=True, sightings=(sighting("b:eth0", OUT, REPLY),)), "unknown at b:eth0"),
        (Observed(ok=True, firewall=(FirewallDrop("b", "ip", "t", "out", "output", REPLY),)), "nft-drop at b"),
    ],
)
def test_a_datagram_that_was_answered_in_vain_is_lost(seen: Observed, expected: str) -> None:
    """UDP that was delivered has passed; not if the answer was seen to be sent, and did not come back."""
    paper = Paper(CABLE)
    paper.seen = seen
    assert expected == said(paper.explain("a", "10.0.0.2", kind="udp", port=53))


def test_a_datagram_proves_nothing_of_the_way_back() -> None:
    """It arrived, nobody answered: an obstacle on the way back is warned of, unless the reply was seen."""
    paper = Paper(ROUTED)
    paper.without("b", "0.0.0.0/0")
    paper.seen = Observed(ok=True, sightings=(sighting("b:eth0", IN),))
    assert ["no-return-route"] == [one.slug for one in paper.explain("a", "10.0.2.2", kind="udp", port=53).warnings]
    paper = Paper(ROUTED)
    paper.interface("r:left", up=False)
    paper.seen = Observed(ok=True, rtt_us=1.0, sightings=(sighting("b:eth0", OUT, REPLY),))
    assert [] == list(paper.explain("a", "10.0.2.2").warnings)


def test_progress_is_counted_in_nodes() -> None:
    """How far it came grows with the nodes in front of the obstacle, and a reply lies behind all of the request."""
    reached = []
    for node, destination in (("a", "0.0.0.0/0"), ("r", "10.0.2.0/24"), ("b", "0.0.0.0/0"), ("r", "10.0.1.0/24")):
        paper = Paper(ROUTED)
        paper.without(node, destination)
        reached.append(paper.explain("a", "10.0.2.2").reached)
    assert reached == sorted(set(reached))


def test_two_owners_of_the_address_are_warned_of() -> None:
    """Who has it against the file should give it up, and entries that have met the wrong one go with it."""
    paper = Paper(BRIDGED)
    paper.address("c:eth0", "10.0.0.3/24", "10.0.0.2/24")
    paper.add("a", neighbours=(
        entry("eth0", "10.0.0.2", paper.mac("c:eth0"), "stale"), entry("eth0", "10.0.0.3", paper.mac("c:eth0"), "permanent"),
    ))
    paper.seen = Observed(ok=True)
    found = paper.explain("a", "10.0.0.2").warnings
    assert [("duplicate-address", "c:eth0")] == [(one.slug, str(one.where)) for one in found]
    assert ["address", "neighbour"] == [one.argv[1] for one in found[0].fixes[0].commands]


def test_two_owners_of_a_mac_are_warned_of() -> None:
    """Of two interfaces with one MAC the one that drifted is wrong, or the bridge, or the later by name; seen from both, told once."""
    named = []
    for drift, place in (((), "b:eth0"), ((Drift("a", "interface", "a:eth0", "address"),), "b:eth0"), ((), "host:br0")):
        paper = Paper(BRIDGED)
        paper.drift = drift
        paper.interface(place, mac=paper.mac("a:eth0"))
        paper.seen = Observed(ok=True)
        named += [str(one.where) for one in paper.explain("a", "10.0.0.2").warnings]
    assert ["b:eth0", "a:eth0", "host:br0"] == named


def test_a_mac_that_is_not_known_is_nobodys() -> None:
    """Interfaces without a MAC, and those out of sight, share none."""
    paper = Paper(BRIDGED)
    for place in ("a:eth0", "b:eth0"):
        paper.interface(place, mac="")
    paper.seen = Observed(ok=True)
    assert () == paper.explain("a", "10.0.0.2").warnings


def test_a_reply_by_another_way_is_warned_of() -> None:
    """Request and reply pass different routers: it works, until something in between wants to see both."""
    lines = ROUTED.replace("links:", "links:\n  - a:x 10.0.3.2/24 -- q:left 10.0.3.1/24\n  - q:right 10.0.4.1/24 -- b:x 10.0.4.2/24")
    paper = Paper(lines.replace("r: {forward: true}", "r: {forward: true}\n  q: {forward: true, routes: [10.0.1.0/24 via 10.0.3.2]}"))
    paper.add("b", routes=(route("10.0.1.0/24", "x", "10.0.4.1"),))
    paper.interface("a:x", ipv4={"forwarding": 0})
    paper.seen = Observed(ok=True)
    found = paper.explain("a", "10.0.2.2").warnings
    assert ["request and reply go different ways: a → r → b, and back b → q → a"] == [one.summary for one in found]


def test_a_frame_with_a_vlan_header_says_so_and_has_not_arrived() -> None:
    """At an interface of one's own nobody takes it."""
    paper = Paper(BRIDGED)
    paper.seen = Observed(ok=False, sightings=(
        sighting("a:eth0", OUT, ns=1), sighting("host:p-a", IN, ns=2), sighting("b:eth0", IN, ns=3, foreign=True, vlan=7),
    ))
    explanation = paper.explain("a", "10.0.0.2")
    assert ["request", "request", "request in VLAN 7"] == [hop.note for hop in explanation.request]
    assert explanation.verdict is not None
    assert "host:p-a" == str(explanation.verdict.last_seen)


def test_a_path_is_told_once_and_in_time() -> None:
    """Each place once, in the order of time; flooded copies elsewhere are left out, one for another MAC on the way says so."""
    paper = Paper(BRIDGED)
    paper.seen = Observed(ok=False, sightings=(
        sighting("b:eth0", IN, ns=5, foreign=True), sighting("c:eth0", IN, ns=4, foreign=True),
        sighting("c:eth0", IN, SOLICIT, about="10.0.0.2", ns=2), sighting("a:eth0", OUT, SOLICIT, about="10.0.0.2", ns=1),
        sighting("a:eth0", OUT, ns=3), sighting("a:eth0", OUT, ns=9), sighting("b:eth0", OUT, ERROR, ns=6, sender=ip_address("10.0.0.2")),
        sighting("b:eth0", OUT, ANSWER, about="fd00::1", ns=7, source_mac="02:00"), sighting("b:eth0", OUT, ANSWER, about="10.0.0.1", ns=8),
    ), lost=2)
    explanation = paper.explain("a", "10.0.0.2")
    assert ["ARP who-has 10.0.0.2", "request", "request, for another MAC"] == [hop.note for hop in explanation.request]
    back = ["ICMP error from 10.0.0.2", "advertisement: fd00::1 is at 02:00", "ARP 10.0.0.1 is at "]
    assert back == [hop.note for hop in explanation.reply]
    assert ("2 frames found no room in a ring: what was not seen may have passed all the same",) == explanation.notes
