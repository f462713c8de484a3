"""Rules that were seen to drop: where they stand on the way, and the least change that lets this packet pass."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.explain.scenes import Paper, sighting

from vethlab.explain.compare import verdict
from vethlab.explain.way import Way
from vethlab.model.journey import ANSWER, IN, OUT, REQUEST, SOLICIT, FirewallDrop, Observed

ASKED = (sighting("a:eth0", OUT, SOLICIT, about="10.0.0.2"), sighting("b:eth0", IN, SOLICIT, about="10.0.0.2"))
ARRIVED = (*ASKED, sighting("a:eth0", OUT), sighting("b:eth0", IN))
ANSWERED = (*ARRIVED, sighting("b:eth0", OUT, "reply"))


def ignoring() -> Way:
    """A way whose end ignores what it is asked."""
    paper = Paper()
    paper.node("b", sysctls={"net.ipv4.icmp_echo_ignore_all": "1"})
    return paper.walk("a", "10.0.0.2")


def slug(way: Way, observed: Observed) -> str:
    """The verdict in one word."""
    return verdict(way, observed, [])[0].slug


def drop(node: str = "b", what: str = REQUEST, **keys: Any) -> FirewallDrop:
    """A rule that dropped."""
    return FirewallDrop(node, keys.pop("family", "inet"), "fw", "in", "input", what, "eth0", **keys)


def test_a_rule_that_was_seen_to_drop_is_the_verdict() -> None:
    """An nft trace comes before configuration; a rule that the packet passed, or one that dropped an error, does not."""
    told = [
        slug(ignoring(), Observed(ok=False, sightings=seen, firewall=(one,)))
        for one, seen in ((drop(handle=4), ARRIVED), (drop(handle=4), ANSWERED), (drop(what="error"), ARRIVED), (drop("x"), ANSWERED))
    ]
    assert ["nft-drop", "unknown", "echo-ignored", "nft-drop"] == told


def test_a_rule_that_rejects_is_not_refuted_by_its_own_answer() -> None:
    """What came back was the refusal of the rule itself."""
    observed = Observed(ok=False, refused=True, sightings=ANSWERED, firewall=(drop(handle=4, rejects=True),))
    assert "nft-reject" == slug(Paper().walk("a", "10.0.0.2"), observed)


@pytest.mark.parametrize(
    ("what", "sightings", "leg", "word"),
    [
        (SOLICIT, ASKED, "request", "ARP request"), (REQUEST, ARRIVED, "request", "request"), ("reply", ARRIVED, "reply", "reply"),
        (ANSWER, ASKED, "request", "ARP reply"), ("reply", (), "reply", "reply"),
    ],
)
def test_a_rule_stands_on_the_leg_of_what_it_dropped(what: str, sightings: Any, leg: str, word: str) -> None:
    """A neighbour's question belongs to the leg on which it was asked, even if it was seen coming in at the very node."""
    found, _ = verdict(Paper().walk("a", "10.0.0.2"), Observed(ok=False, sightings=sightings, firewall=(drop(what=what),)), [])
    assert (leg, f"the policy of inet fw in in b drops the {word}") == (found.direction, found.summary)


@pytest.mark.parametrize(
    ("one", "flow", "argv"),
    [
        (drop(), {}, "add rule inet fw in ip saddr 10.0.0.1 ip daddr 10.0.0.2 icmp type echo-request accept"),
        (drop(what="reply"), {"kind": "tcp", "port": 80}, "add rule inet fw in ip saddr 10.0.0.2 ip daddr 10.0.0.1 tcp sport 80 accept"),
        (drop(), {"kind": "udp", "port": 53}, "add rule inet fw in ip saddr 10.0.0.1 ip daddr 10.0.0.2 udp dport 53 accept"),
        (drop(handle=7, specific=False, text="drop"), {}, "insert rule inet fw in position 7 ip saddr 10.0.0.1 ip daddr 10.0.0.2"),
        (drop(handle=7, text="ip daddr 10.0.0.2 drop"), {}, "delete rule inet fw in handle 7"),
        (drop(what=SOLICIT, family="arp"), {}, "add rule arp fw in accept"),
        (drop(what=SOLICIT, family="bridge"), {}, "add rule bridge fw in ether type arp accept"),
        (drop(what=ANSWER), {"six": True}, "add rule inet fw in icmpv6 type nd-neighbor-advert accept"),
        (drop(what="reply"), {"six": True}, "add rule inet fw in ip6 saddr fd00::2 ip6 daddr fd00::1 icmpv6 type echo-reply accept"),
    ],
)
def test_the_least_change_of_policy_lets_this_packet_pass(one: FirewallDrop, flow: dict[str, Any], argv: str) -> None:
    """A rule that names what it drops can go; a policy and a bare drop get an accept for this very packet in front of them."""
    way = Paper().walk("a", "fd00::2" if flow.pop("six", False) else "10.0.0.2", **flow)
    found, _ = verdict(way, Observed(ok=False, firewall=(one,)), [])
    assert " ".join(found.fixes[0].commands[0].argv).startswith(f"nft {argv}")
    assert found.fixes[0].policy


def test_a_deleted_rule_can_be_put_back_where_it_was() -> None:
    """The way back names the place of the rule in its chain; what has no text cannot be put back."""
    undone = [
        verdict(Paper().walk("a", "10.0.0.2"), Observed(ok=False, firewall=(one,)), [])[0].fixes[0].commands[0].undo
        for one in (drop(handle=7, text="drop", position=2), drop(handle=7, text="drop"), drop(handle=7))
    ]
    head = ("nft", "insert", "rule", "inet", "fw", "in")
    assert [((*head, "index", "2", "drop"),), ((*head, "drop"),), ()] == undone


def test_without_a_known_source_a_rule_gets_a_plain_accept() -> None:
    """Where the packet is not known to its last address, the accept is not narrowed."""
    way = Way()
    found, _ = verdict(way, Observed(ok=False, firewall=(drop(),)), [])
    assert ("nft", "add", "rule", "inet", "fw", "in", "accept") == found.fixes[0].commands[0].argv
