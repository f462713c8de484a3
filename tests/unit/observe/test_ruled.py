"""Trace events as deaths: the hook a packet is in, the rule that speaks, the interface that it is about."""

from __future__ import annotations

import pytest
from tests.unit.observe.frames import ECHO, arp, icmp, ipv4, ipv6

from vethlab.kernel.netlink.nftables import Chain, TraceEvent
from vethlab.kernel.nft_rules import RuleText
from vethlab.observe.deaths import Death, Rule, identity
from vethlab.observe.decode import decode
from vethlab.observe.ruled import Ruled, interface_of

BASE = Chain("ip", "t", "in", "filter", "input", 0, "drop", ())
OUT = Chain("ip", "t", "out", "filter", "output", 0, "accept", ())
DROP = RuleText("icmp type echo-request drop", "in", rejects=False, unconditional=False, position=0, packets=None)


def event(chain: str, kind: str, verdict: str, handle: int | None = None, body: bytes = ipv4(1, icmp(8)), policy: str = "") -> TraceEvent:
    """What a node tells of one packet."""
    return TraceEvent("a", 9, "ip", "t", chain, kind, handle, verdict, "", policy, 3, 4, b"", body[:20], body[20:40], 0)


def ended(*events: TraceEvent, rule: RuleText | None = None) -> list[Death | None]:
    """What these events tell, in order."""
    ruled = Ruled()
    ruled.learn("a", [BASE, OUT])
    return [ruled.death(one, ruled.follow(one), 5, "eth0", rule) for one in events]


def test_a_rule_that_drops() -> None:
    """Final events only; the packet is known again by what the trace keeps of its headers."""
    nothing, death = ended(event("in", "rule", "continue", 3), event("in", "rule", "drop", 4), rule=DROP)
    assert nothing is None
    assert death is not None
    assert death.packet is not None
    assert identity(decode(ECHO)) == identity(death.packet)
    assert ("dropped", "nft-drop", "ip/input", Rule("ip", "t", "in", 4, DROP.text)) == (death.type, death.reason, death.hook, death.rule)


def test_a_chain_that_was_jumped_to() -> None:
    """It has no hook of its own: the packet is in that of the base chain it came from."""
    death = ended(event("out", "rule", "jump", 3), event("deeper", "rule", "drop", 4))[1]
    assert "ip/output" == (death and death.hook)


def test_a_policy_and_a_reject() -> None:
    """A policy has no handle and says its own name; a rule that rejects refuses."""
    policy = ended(event("in", "policy", "drop", policy="drop"))[0]
    assert Rule("ip", "t", "in", None, "policy drop") == (policy and policy.rule)
    reject = ended(event("in", "rule", "drop", 4), rule=DROP._replace(rejects=True))[0]
    assert ("refused", "nft-reject") == (reject and reject.type, reject and reject.reason)


@pytest.mark.parametrize("body", [ipv4(2, bytes(8)), ipv6(58, icmp(143)), ipv6(58, icmp(133))])
def test_what_is_said_to_everybody_is_left_out(body: bytes) -> None:
    """IGMP, multicast listeners, router solicitations: nobody misses them."""
    size = 40 if body[0] >> 4 == 6 else 20
    one = event("in", "rule", "drop", 4)._replace(network_header=body[:size], transport_header=body[size : size + 20])
    assert [None] == ended(one)


def test_arp_is_told_too() -> None:
    """A chain of the arp family drops ARP, whose body stands where others have their network header."""
    death = ended(event("in", "rule", "drop", 4)._replace(network_header=arp(1)[14:], transport_header=b""))[0]
    assert identity(decode(arp(1))) == identity((death and death.packet) or decode(b""))


def test_the_interface_an_event_is_about() -> None:
    """Where it came in, on the way out where it leaves."""
    one = event("in", "rule", "drop")
    assert [3, 3, 4] == [interface_of(one, hook) for hook in ("input", "forward", "output")]
    assert 4 == interface_of(one._replace(iif=0), "input")


def test_a_flood_does_not_fill_memory() -> None:
    """Packets whose end is never told are forgotten."""
    ruled = Ruled()
    ruled.learn("a", [BASE])
    for number in range(10_000):
        ruled.follow(event("in", "rule", "continue", 3)._replace(id=number))
    ruled.forget("a")
    assert (4096, "input") == (len(ruled._inside), ruled.follow(event("other", "rule", "drop")._replace(id=9_999)))
