"""What should have been seen against what was: which obstacle is the verdict, on whose word, and how certain."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from tests.unit.explain.scenes import BRIDGED, CABLE, ROUTED, Paper, sighting

from vethlab.explain.compare import also, last_seen, verdict
from vethlab.explain.way import Way
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.journey import ANSWER, IN, OUT, SOLICIT, Count, FirewallDrop, IcmpError, KernelDrop, Observed, Unanswered

SIGHTINGS = (
    sighting("a:eth0", OUT, SOLICIT, about="10.0.0.2"), sighting("b:eth0", IN, SOLICIT, about="10.0.0.2"),
    sighting("b:eth0", OUT, ANSWER, about="10.0.0.2"), sighting("a:eth0", IN, ANSWER, about="10.0.0.2"),
    sighting("a:eth0", OUT), sighting("b:eth0", IN), sighting("b:eth0", OUT, "reply"), sighting("a:eth0", IN, "reply"),
)
ARRIVED = SIGHTINGS[:6]


def said(way: Way, observed: Observed, *warnings: Finding) -> str:
    """The verdict as `slug at place (grade)`."""
    found, _ = verdict(way, observed, warnings)
    return f"{found.slug} at {found.where} ({found.grade})"


def blocked(slug: str, place: str, at: int, *, suspect: bool = False, **keys: Any) -> Way:
    """The way over a cable, with one obstacle in front of a point."""
    way = Paper().walk("a", "10.0.0.2")
    where = Where(*place.split(":"))
    full, way.points = way.points, way.points[:at]
    way.leg = keys.pop("direction", way.leg)
    (way.suspect if suspect else way.block)(Finding(slug, where, slug, evidence=(Evidence("configuration", "so"),), **keys))
    way.points = full
    return way


def test_points_that_were_seen_are_counted_to_the_last() -> None:
    """The number of the last point seen; none is -1, the order of sightings does not matter, and b need not ask for a that asked it."""
    way = Paper().walk("a", "10.0.0.2")
    found = [last_seen(way, Observed(ok=False, sightings=tuple(reversed(SIGHTINGS[:count])))) for count in range(9)]
    assert [-1, 0, 1, 2, 3, 4, 5, 10, 11] == found


def test_a_reply_that_did_not_begin_is_not_seen() -> None:
    """Neighbours asked for on the way back carry an ICMP error as well: they count for a reply only where it began."""
    way = Paper().walk("a", "10.0.0.2")
    asked = sighting("a:eth0", IN, SOLICIT, about="10.0.0.1")
    began = sighting("b:eth0", OUT, SOLICIT, about="10.0.0.1")
    reply = sighting("b:eth0", OUT, "reply")
    back = (asked,), (began, asked), (reply, asked)
    found = [last_seen(way, Observed(ok=False, sightings=(*ARRIVED, *more))) for more in back]
    assert ["request", "reply", "reply"] == [way.points[number].leg for number in found]


def test_nothing_comes_back_before_the_request_has_come() -> None:
    """Who asks for a neighbour where no request was seen asks for something else; not told where frames were lost, or out of sight."""
    way = Paper().walk("a", "10.0.0.2")
    asked = sighting("b:eth0", OUT, SOLICIT, about="10.0.0.1")
    found = [last_seen(way, Observed(ok=False, sightings=(*SIGHTINGS[:5], asked), lost=lost)) for lost in (0, 1)]
    assert ["request", "reply"] == [way.points[number].leg for number in found]
    way.points = [point for point in way.points if point.leg == "reply"]
    assert 0 == last_seen(way, Observed(ok=False, sightings=(asked,)))


def test_a_frame_for_another_mac_has_not_arrived() -> None:
    """At an interface of one's own a foreign frame does not count; at a port of a bridge every frame does."""
    way = Paper(BRIDGED).walk("a", "10.0.0.2")
    at_port = sighting("host:p-a", IN, foreign=True)
    at_home = sighting("b:eth0", IN, foreign=True)
    last = way.points[last_seen(way, Observed(ok=False, sightings=(at_port, at_home)))]
    assert ("host", "p-a") == (last.node, last.interface)


def test_an_obstacle_that_was_passed_is_none() -> None:
    """Seeing refutes: a packet that was seen behind an obstacle did not die there."""
    way = blocked("link-down", "b:eth0", 1)
    assert "unknown at b:eth0 (unknown)" == said(way, Observed(ok=False, sightings=ARRIVED, reason="no answer"))
    assert "link-down at b:eth0 (proven)" == said(way, Observed(ok=False, sightings=SIGHTINGS[:1]))


def test_what_nothing_explains_is_unknown() -> None:
    """The place is told as far as it was seen, and the reason of the probe; with nothing seen at all, the sender's."""
    way = Paper().walk("a", "10.0.0.2")
    found, at = verdict(way, Observed(ok=False, sightings=ARRIVED, reason="no answer"), [])
    assert (6, "ingress", "request") == (at, found.where.stage, found.direction)
    assert found.summary.endswith("the packet was last seen at b:eth0; no answer")
    found, at = verdict(way, Observed(ok=False), [])
    assert (0, "a", None, "egress") == (at, found.where.node, found.where.interface, found.where.stage)
    assert found.summary.endswith("never seen leaving a")
    assert "unknown at  (unknown)" == said(Way(), Observed(ok=False))


def test_a_further_obstacle_is_told_once() -> None:
    """`also` has what lies further on, each finding at each place once, without what only might be one."""
    way = blocked("link-down", "b:eth0", 1)
    one = Finding("echo-ignored", Where("b"), "told to", evidence=(Evidence("guess", "so", kernel=False),))
    way.block(one, one)
    way.suspect(Finding("xdp-drop", Where("b"), "may be"))
    chosen, at = verdict(way, Observed(ok=False), [])
    assert [("echo-ignored", "inferred")] == [(found.slug, found.grade) for found in also(way, chosen, at)]


@pytest.mark.parametrize(
    ("slug", "counts", "expected"),
    [
        ("queue-drop", (Count("b", "eth0", "qdisc_dropped", 1),), "queue-drop"),
        ("queue-drop", (Count("a", "eth0", "qdisc_dropped", 1),), "unknown"),
        ("queue-drop", (Count("b", "eth0", "qdisc_waiting", 98),), "queue-drop"),
        ("tc-drop", (Count("b", "eth0", "ingress_dropped", 2),), "tc-drop"),
        ("tc-drop", (), "tc-drop"), ("queue-drop", (), "unknown"),
        ("xdp-drop", (), "xdp-drop"),
    ],
)
def test_a_suspect_needs_its_counter(slug: str, counts: tuple[Count, ...], expected: str) -> None:
    """A queue that drops says so in a counter; XDP has none, a filter may lead elsewhere: where it was seen last is enough."""
    way = blocked(slug, "b:eth0", 5, suspect=True)
    assert expected == said(way, Observed(ok=False, sightings=SIGHTINGS[:5], counts=counts)).split()[0]


@pytest.mark.parametrize(("words", "verb"), [(("waiting",), "holds"), (("waiting", "dropped"), "drops"), (("dropped",), "drops")])
def test_a_queue_holds_back_what_it_does_not_drop(words: tuple[str, ...], verb: str) -> None:
    """Where nothing was dropped and more waits than before, the packet is still in there."""
    way = blocked("queue-drop", "b:eth0", 5, suspect=True)
    way.obstacles = [replace(one, finding=replace(one.finding, summary="the queue drops the packet")) for one in way.obstacles]
    counts = tuple(Count("b", "eth0", f"qdisc_{word}", 98) for word in words)
    found, _ = verdict(way, Observed(ok=False, sightings=SIGHTINGS[:5], counts=counts), [])
    assert ("queue-drop", verb) == (found.slug, found.summary.split()[2])


def test_a_suspect_elsewhere_is_not_blamed() -> None:
    """What may drop the packet is blamed only right behind the place where it was seen last."""
    way = blocked("xdp-drop", "b:eth0", 5, suspect=True)
    assert "unknown" == said(way, Observed(ok=False, sightings=SIGHTINGS[:4])).split()[0]


def test_a_full_neighbour_table_comes_first() -> None:
    """When the machine's table refused entries nothing else is blamed, whatever else there is, and it is not ruled out."""
    way = blocked("link-down", "b:eth0", 1)
    found, _ = verdict(way, Observed(ok=False, table_full=True), [])
    assert ("neighbour-table-full", "a") == (found.slug, found.where.node)
    assert "neighbour-table-full" not in found.ruled_out
    way.points = []
    assert "neighbour-table-full at a (inferred)" == said(way, Observed(ok=False, table_full=True, lost=1))


def test_a_full_neighbour_table_stops_questions_only() -> None:
    """Entries refused to others meanwhile are not to blame for a packet that died behind the last question."""
    way = blocked("link-down", "b:eth0", len(Paper().walk("a", "10.0.0.2").points) - 1)
    assert "link-down" == said(way, Observed(ok=False, table_full=True, sightings=SIGHTINGS[:7])).split()[0]


@pytest.mark.parametrize(
    ("drop", "expected"),
    [
        (KernelDrop("b", "eth0", "IP_RPFILTER", "ip_rcv_finish_core", "request"), "rp-filter at b:eth0 (proven)"),
        (KernelDrop("b", "", "XFRM_POLICY", "xfrm_policy_check", "request"), "unknown at b:eth0 (unknown)"),
        (KernelDrop("elsewhere", "eth0", "IP_RPFILTER", "ip_rcv_finish_core", "request"), "unknown at b:eth0 (unknown)"),
        (KernelDrop("b", "", "NETFILTER_DROP", "nft_do_chain", "request"), "nft-drop at b (proven)"),
    ],
)
def test_the_kernels_reason_speaks_where_nothing_else_does(drop: KernelDrop, expected: str) -> None:
    """A drop reason is the verdict only where no configuration explains the death, and only of nodes on the way."""
    observed = Observed(ok=False, sightings=ARRIVED, drops=(drop,))
    assert expected == said(Paper().walk("a", "10.0.0.2"), observed)
    assert "echo-ignored" == said(blocked("echo-ignored", "b:eth0", 6), observed).split()[0]


def test_the_kernels_reason_is_evidence_of_what_was_found_without() -> None:
    """A drop in the node at fault, neighbours that did not answer, errors and counters stand beside the configuration."""
    observed = Observed(
        ok=False, sightings=ARRIVED, drops=(KernelDrop("b", "eth0", "XDP", "do_xdp", "request"),),
        unanswered=(Unanswered("b", "eth0", ip_address("10.0.0.1"), "failed"),),
        errors=(IcmpError(3, 4, ip_address("10.0.0.2"), 900),), counts=(Count("b", "eth0", "rx_dropped", 3), Count("b", "eth0", "rx", 1)),
    )
    found, _ = verdict(blocked("echo-ignored", "b:eth0", 6), observed, [])
    *said_first, error, counter = [one.says for one in found.evidence]
    assert [
        "so", "seen last: request coming in at b:eth0; never: ARP request leaving b:eth0", "b: 10.0.0.1 dev eth0 FAILED",
        "b: kfree_skb XDP at do_xdp",
    ] == said_first
    assert (True, True, "b:eth0 rx_dropped +3") == (error.startswith("10.0.0.2 says: "), "MTU 900" in error, counter)


def test_frames_that_found_no_room_take_certainty() -> None:
    """With frames lost and none seen, absence proves nothing: the verdict is inferred."""
    way = blocked("link-down", "a:eth0", 0)
    assert ["link-down at a:eth0 (inferred)", "link-down at a:eth0 (proven)"] == [
        said(way, Observed(ok=False, lost=lost)) for lost in (3, 0)
    ]


def test_who_should_not_have_the_address_got_the_packet() -> None:
    """An obstacle in a node that should not have the address at all is not the verdict; that it has it is."""
    stranger = Finding("duplicate-address", Where("b", "eth0"), "twice")
    way = blocked("port-closed", "b:eth0", 6)
    assert "duplicate-address" == said(way, Observed(ok=False, refused=True, sightings=ARRIVED), stranger).split()[0]
    elsewhere = Finding("duplicate-address", Where("c", "eth0"), "twice")
    assert "port-closed" == said(way, Observed(ok=False, refused=True, sightings=ARRIVED), elsewhere).split()[0]


def test_two_owners_are_blamed_before_what_is_further_on() -> None:
    """Two owners of an address or a MAC explain a packet that stops without an obstacle at that place."""
    way = blocked("no-return-route", "b", 7)
    twin = Finding("duplicate-mac", Where("a", "eth0"), "twice")
    quiet = Finding("asymmetric-path", Where("a"), "another way")
    assert "duplicate-mac at a:eth0 (inferred)" == said(way, Observed(ok=False, sightings=ARRIVED[:5]), quiet, twin)
    assert "no-return-route at b (proven)" == said(way, Observed(ok=False, sightings=ARRIVED[:5]), quiet)


def test_a_refusal_names_who_refuses() -> None:
    """What came back was a refusal: a closed port, or a route that refuses, before anything nearer."""
    for slug in ("port-closed", "no-route"):
        way = blocked(slug, "b:eth0", 6, direction="request")
        way.obstacles = [*blocked("link-down", "b:eth0", 1).obstacles, *way.obstacles]
        assert slug == said(way, Observed(ok=False, refused=True)).split()[0]
    assert "link-down" == said(way, Observed(ok=False)).split()[0]


@pytest.mark.parametrize(("code", "slug"), [(0, "link-down"), (3, "port-closed")])
def test_a_router_that_refuses_is_no_closed_port(code: int, slug: str) -> None:
    """Only a port says that it is closed; with a router's error what stands nearer comes first."""
    way = blocked("port-closed", "b:eth0", 6)
    lost = [*blocked("no-return-route", "b", 7, direction="reply").obstacles, *way.obstacles]
    way.obstacles = [*blocked("link-down", "b:eth0", 1).obstacles, *lost]
    error = IcmpError(3, code, ip_address("10.0.0.2"))
    assert slug == said(way, Observed(ok=False, refused=True, errors=(error,))).split()[0]


def test_what_should_have_been_led_on_is_not_for_the_rules_of_what_comes_in() -> None:
    """A rule for input drops what met it only because nothing translated it; one for forwarding would have met it anyway."""
    way = blocked("nat-missing", "b", 6)
    way.obstacles = [replace(one, finding=replace(one.finding, where=Where("b", None, "prerouting"))) for one in way.obstacles]

    def dropped(hook: str) -> str:
        rule = FirewallDrop("b", "inet", "fw", "in", hook, "request", "eth0", handle=4)
        return said(way, Observed(ok=False, sightings=ARRIVED, firewall=(rule,))).split()[0]

    assert ["nat-missing", "nft-drop"] == [dropped("input"), dropped("forward")]


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (Observed(ok=False, sightings=ARRIVED), "mtu-blackhole"),
        (Observed(ok=False, sightings=ARRIVED, errno=90), "mtu-exceeded"),
        (Observed(ok=False, sightings=ARRIVED, errors=(IcmpError(3, 4, ip_address("10.0.0.2"), 900),)), "mtu-exceeded"),
        (Observed(ok=False), "mtu-exceeded"),
    ],
)
def test_a_large_packet_of_which_nobody_speaks_is_a_black_hole(observed: Observed, expected: str) -> None:
    """Too large is too large; a black hole it is if it was sent and no error came back (RFC 2923)."""
    assert expected == said(blocked("mtu-exceeded", "b:eth0", 6), observed).split()[0]


def test_a_black_hole_is_not_told_twice() -> None:
    """The obstacle that became a black hole is not a further one under its first name."""
    way = blocked("mtu-exceeded", "b:eth0", 6)
    chosen, at = verdict(way, Observed(ok=False, sightings=ARRIVED), [])
    assert ("mtu-blackhole", ()) == (chosen.slug, also(way, chosen, at))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ((3, 0, "10.0.1.1"), "no-route at r"), ((3, 13, "10.0.1.1"), "nft-reject at r"), ((3, 3, "10.0.2.2"), "port-closed at b"),
        ((3, 1, "10.0.1.1"), "unknown at a:eth0"), ((3, 0, "192.0.2.1"), "unknown at a:eth0"), ((11, 0, "10.0.1.1"), "ttl-expired at r"),
    ],
)
def test_an_icmp_error_tells_what_nothing_else_does(error: tuple[int, int, str], expected: str) -> None:
    """Who sent it is a node of the way, and its code has a meaning; any other error says nothing by itself."""
    way = Paper(ROUTED).walk("a", "10.0.2.2")
    seen = (sighting("a:eth0", OUT, hops=64),)
    observed = Observed(ok=False, sightings=seen, errors=(IcmpError(error[0], error[1], ip_address(error[2])),))
    assert expected == said(way, observed).rpartition(" (")[0]


@pytest.mark.parametrize(("hops", "expected"), [(1, "ttl-expired at a:eth0"), (0, "ttl-expired at a:eth0"), (9, "ttl-expired at r")])
def test_hops_run_out_where_too_few_were_given(hops: int, expected: str) -> None:
    """A sender that gives fewer hops than there are routers is at fault; else whoever took them."""
    way = Paper(ROUTED).walk("a", "fd02::2")
    observed = Observed(ok=False, sightings=(sighting("a:eth0", OUT, hops=hops),), errors=(IcmpError(3, 0, ip_address("fd01::1")),))
    assert expected == said(way, observed).rpartition(" (")[0]
    unseen = Observed(ok=False, errors=(IcmpError(3, 0, ip_address("fd01::1")),))
    assert "ttl-expired at r" == said(way, unseen).rpartition(" (")[0]


def test_an_arp_question_for_a_cable_is_answered_by_name() -> None:
    """Evidence of a solicitation says it in the words of its family."""
    way = Paper(CABLE).walk("a", "fd00::2")
    seen = Observed(ok=False, sightings=(sighting("a:eth0", OUT, SOLICIT, about="fd00::2"),))
    found, _ = verdict(way, seen, [])
    assert ["seen last: neighbour solicitation leaving a:eth0; never: neighbour solicitation coming in at b:eth0"] == [
        one.says for one in found.evidence
    ]


def test_a_filter_that_counted_nothing_is_presumed() -> None:
    """It is named only where nothing else explains the end of the packet, and no kernel says so."""
    way = blocked("tc-drop", "b:eth0", 6, suspect=True)
    assert "tc-drop at b:eth0 (inferred)" == said(way, Observed(ok=False, sightings=ARRIVED))
    assert "unknown" == said(way, Observed(ok=False, sightings=ARRIVED[:5])).split()[0]
