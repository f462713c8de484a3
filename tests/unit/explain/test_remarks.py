"""What is said of each frame of a probe: the hop, who dropped it, and where it died."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.unit.cli.answered import DEAD, FAR_END_DOWN, MENDED, NO_WAY_BACK, PAIR_FLOW

from vethlab.explain.remarks import Remarks, remarks
from vethlab.lab.explaining import Answer
from vethlab.model.finding import Finding, PathHop, Where
from vethlab.model.journey import ANSWER, IN, OUT, REPLY, REQUEST, SOLICIT, FirewallDrop, KernelDrop, Observed, Sighting

WANTED = ip_address("10.0.0.2")
SENT, CAME = Sighting("a", "eth0", OUT, REQUEST, 0), Sighting("b", "eth0", IN, REQUEST, 3_000)
WAITING = Sighting("box", "va", OUT, SOLICIT, 0, WANTED), Sighting("box", "vb", IN, SOLICIT, 4_000, WANTED)


def said(answer: Answer, *seen: Sighting, firewall: tuple[FirewallDrop, ...] = (), drops: tuple[KernelDrop, ...] = ()) -> Remarks:
    """The remarks on an answer and these sightings."""
    return remarks(answer.flow, answer.explanation, Observed(ok=False, sightings=seen, firewall=firewall, drops=drops))


def test_hops_are_counted_over_both_ways() -> None:
    """The request's hops come first, the reply's after them, of all that there are."""
    found = said(
        MENDED, Sighting("box", "va", OUT, REQUEST, 0), Sighting("box", "vb", IN, REQUEST, 4_000),
        Sighting("box", "lo", OUT, REPLY, 9_000), Sighting("box", "lo", IN, REPLY, 10_000),
    )
    assert (("hop 1 of 4: request",), ("hop 2 of 4: request",), ("hop 3 of 4: reply",), ("hop 4 of 4: reply",)) == found.each
    assert ("question: ping box:va -> box:vb", "verdict: it arrives, in 50 µs", *MENDED.explanation.notes) == found.whole


def test_the_last_frame_says_why_it_died() -> None:
    """Finding and summary stand at the place where the packet was seen last, verdict and grade at the whole."""
    found = said(DEAD, *WAITING)
    assert (
        ("hop 1 of 4: ARP who-has 10.0.0.2",),
        ("hop 2 of 4: ARP who-has 10.0.0.2", "died here: local-source: box refuses its own address coming in from outside"),
    ) == found.each
    assert "verdict: local-source at box:vb, input (proven): box refuses its own address coming in from outside" == found.whole[1]


def test_what_is_repeated_is_the_same_hop() -> None:
    """A second try has the number of the first, and the last of all tries is where it died."""
    asked, heard = WAITING
    found = said(DEAD, asked, heard, replace(asked, ns=1_000_000_000), replace(heard, ns=1_000_004_000))
    assert ["hop 1 of 4", "hop 2 of 4", "hop 1 of 4 once more", "hop 2 of 4 once more"] == [one[0].split(":")[0] for one in found.each]
    assert [1, 1, 1, 2] == [len(one) for one in found.each]


def test_a_copy_elsewhere_is_beside_the_way() -> None:
    """What a bridge flooded to others is no hop."""
    strange = Sighting("c", "eth0", IN, REQUEST, 5_000, foreign=True)
    asked, told = Sighting("c", "eth0", IN, SOLICIT, 6_000, WANTED), Sighting("c", "eth0", IN, ANSWER, 7_000, WANTED)
    assert (("beside the way: request",), ("beside the way: who has 10.0.0.2?",), ("beside the way: 10.0.0.2 is answered",)) == (
        said(NO_WAY_BACK, SENT, CAME, strange, asked, told).each[2:]
    )


def test_a_reply_that_never_left_died_at_the_request() -> None:
    """Without a reply the request's last place tells of it."""
    verdict = replace(NO_WAY_BACK.explanation.verdict or Finding("", Where(""), ""), last_seen=Where("b", "eth0", "ingress"))
    answer = replace(NO_WAY_BACK, explanation=replace(NO_WAY_BACK.explanation, verdict=verdict))
    assert ("hop 2 of 3: request", "the reply died here: no-return-route: b has no route to 10.0.0.1") == said(answer, SENT, CAME).each[1]


def test_a_fault_elsewhere_is_named_where_the_packet_was_last_seen() -> None:
    """The place at fault stands beside the finding."""
    found = said(FAR_END_DOWN, SENT, Sighting("host", "p-a", IN, REQUEST, 2_000))
    assert ("hop 2 of 4: request", "last seen here; link-down at b:eth0, link: b:eth0 is down") == found.each[1]
    assert ["also: rp-filter", "warning: duplicate-mac"] == [one.split(" at ")[0] for one in found.whole[2:]]


def test_what_was_refused_died_where_it_came_in() -> None:
    """A refusal was seen later and elsewhere than the packet that it refuses."""
    verdict = Finding("port-closed", Where("b", "eth0", "input"), "b has tcp port 80 closed", last_seen=Where("a", "eth0", "ingress"))
    back = PathHop("b", "eth0", OUT, 5_000, "reply"), PathHop("a", "eth0", IN, 8_000, "reply")
    answer = replace(NO_WAY_BACK, explanation=replace(NO_WAY_BACK.explanation, verdict=verdict, reply=back))
    found = said(answer, SENT, CAME, Sighting("b", "eth0", OUT, REPLY, 5_000), Sighting("a", "eth0", IN, REPLY, 8_000))
    assert ("hop 2 of 5: request", "died here: port-closed: b has tcp port 80 closed") == found.each[1]
    assert (("hop 4 of 5: reply",), ("hop 5 of 5: reply",)) == found.each[2:]


def test_a_drop_of_the_kernel_is_told_of_the_frame_before_it() -> None:
    """Reason and function stand at the try that the kernel told of, and at the last one, which died there too."""
    again = replace(SENT, ns=100_000), replace(CAME, ns=103_000)
    drop = KernelDrop("b", "eth0", "IP_RPFILTER", "ip_rcv_finish_core", REQUEST, 4_000)
    found = said(_dying_in_b(), SENT, CAME, *again, drops=(drop,))
    assert [(), ("kfree_skb IP_RPFILTER at ip_rcv_finish_core",), (), ("kfree_skb IP_RPFILTER at ip_rcv_finish_core",)] == [
        one[1:2] for one in found.each
    ]
    assert "died here: rp-filter: b filters it" == found.each[3][2]


@pytest.mark.parametrize(
    ("drop", "text"),
    [
        (FirewallDrop("b", "inet", "t", "c", "input", REQUEST, "eth0", 4, "icmp type echo-request drop"),
         "nft: inet t c handle 4 (input): icmp type echo-request drop"),
        (FirewallDrop("b", "ip", "t", "c", "prerouting", REQUEST, "eth0", 4), "nft: ip t c handle 4 (prerouting): drop"),
        (FirewallDrop("b", "inet", "t", "c", "forward", REQUEST, "eth1"), "nft: the policy of inet t c (forward): drop"),
    ],
)
def test_a_rule_is_told_of_the_frame_that_it_dropped(drop: FirewallDrop, text: str) -> None:
    """Table, chain, hook and the rule's own words stand at the frame that came in, whatever interface it was to leave by."""
    assert [(), (text,)] == [one[1:2] for one in said(_dying_in_b(), SENT, CAME, firewall=(drop,)).each]


def test_a_drop_that_no_frame_shows_is_said_of_the_whole() -> None:
    """What is dropped before it reaches an interface is in no frame."""
    rule = FirewallDrop("a", "inet", "t", "c", "output", REQUEST, "eth0", 4, "drop")
    reason = KernelDrop("a", "", "NEIGH_FAILED", "neigh_invalidate", REQUEST, 5)
    verdict = Finding("nft-drop", Where("a", "eth0", "output"), "a drops it")
    answer = Answer(PAIR_FLOW, replace(NO_WAY_BACK.explanation, verdict=verdict, request=()))
    found = said(answer, firewall=(rule,), drops=(reason,))
    assert ("a: nft: inet t c handle 4 (output): drop", "a: kfree_skb NEIGH_FAILED at neigh_invalidate") == found.whole[2:]
    assert () == found.each


def test_the_question_is_told_whole() -> None:
    """Kind, port and size; without a verdict the sender's own words."""
    sized = replace(PAIR_FLOW, size=1472)
    answer = replace(NO_WAY_BACK, explanation=replace(NO_WAY_BACK.explanation, verdict=None, reason="no reply in 1 s"))
    assert ("question: ping a -> b, 1472 bytes", "verdict: no reply in 1 s") == said(replace(answer, flow=sized)).whole
    assert "question: tcp a -> b:80" == said(replace(answer, flow=replace(PAIR_FLOW, kind="tcp", port=80))).whole[0]


def _dying_in_b() -> Answer:
    verdict = Finding("rp-filter", Where("b", "eth0", "input"), "b filters it", last_seen=Where("b", "eth0", "ingress"))
    return replace(NO_WAY_BACK, explanation=replace(NO_WAY_BACK.explanation, verdict=verdict))
