"""Which rule of the nat chains decides: matches, priorities, verdicts, jumps."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from tests.unit.explain.rules import chain, rule
from tests.unit.explain.scenes import route

from vethlab.explain.nat import Packet, decides, near
from vethlab.model.snapshot import LOCAL_TABLE, Snapshot
from vethlab.model.translation import NatChain

LOCAL = (route("10.0.0.1/32", "br0", type="local", table=LOCAL_TABLE), route("10.0.0.0/24", "br0"))


def packet(protocol: str = "tcp", source: str = "10.0.0.2", target: str = "10.0.0.1", port: int | None = 80, **keys: Any) -> Packet:
    """A packet at a hook."""
    return Packet(protocol, ip_address(source), ip_address(target), port, **keys)


def verdict(hook: str, seen: Packet, *chains: NatChain) -> str:
    """What decides, by the text of its rule."""
    found = decides(Snapshot(routes=LOCAL, nat=chains), hook, seen)
    return "" if found is None else f"{found.hook} {found.rule.text}"


@pytest.mark.parametrize(
    ("match", "seen", "fits"),
    [
        ("saddr=10.0.0.0/24", packet(), True), ("saddr=10.0.1.0/24", packet(), False), ("saddr!=10.0.1.0/24", packet(), True),
        ("saddr=10.0.0.2-10.0.0.9", packet(), True), ("saddr=10.0.0.3-10.0.0.9", packet(), False),
        ("saddr=fd00::1-fd00::9", packet(), False), ("daddr=10.0.0.1", packet(), True), ("daddr=fd00::/64", packet(), False),
        ("dport=80", packet(), True), ("dport=81", packet(), False), ("dport=1-99", packet(), True), ("dport=http", packet(), False),
        ("dport=80", packet(port=None), False), ("l4proto=tcp", packet(), True), ("l4proto=udp", packet(), False),
        ("nfproto=ipv4", packet(), True), ("nfproto=ipv6", packet(), False), ("iif=br0", packet(iif="br0"), True),
        ("iif=br*", packet(iif="br0"), True), ("iif=eth*", packet(iif="br0"), False), ("oif!=lo,br0", packet(oif="br0"), False),
        ("oif!=lo,br0", packet(oif="wan"), True), ("fib-daddr=local", packet(), True), ("fib-saddr=local", packet(), False),
        ("fib-daddr=unicast", packet(), False), ("ct-status=dnat", packet(), False), ("ct-status=dnat", packet(translated=True), True),
        ("ct-state=new", packet(), True), ("ct-state=established", packet(), False),
        ("daddr!=fd00::1", packet(), False), ("saddr!=10.0.0.0/8", packet(source="fd00::2", target="fd00::1"), False),
        ("daddr!=fd00::1", packet(source="fd00::2", target="fd00::9"), True),
        ("?mark=5", packet(), False), ("?mark!=5", packet(), False),
    ],
)
def test_a_match(match: str, seen: Packet, fits: bool) -> None:
    """It is what nft means by it; what is not understood keeps the rule out, also where it is negated."""
    assert ("prerouting dnat" if fits else "") == verdict("prerouting", seen, chain("prerouting", rule("dnat", match)))


def test_the_chain_of_the_lowest_priority_that_has_a_rule_decides() -> None:
    """Whoever loaded it; `accept` ends its own chain only, and a rule of the other family is none."""
    first = chain("prerouting", rule("accept"), rule("dnat", text="behind"), table="a", priority=-300)
    mine = chain("prerouting", rule("dnat", text="mine"))
    rules = rule("dnat", "dport=81", text="other port"), rule("dnat", text="early")
    early = chain("prerouting", *rules, family="ip", table="b", priority=-110)
    six = chain("prerouting", rule("dnat", text="six"), family="ip6", table="c", priority=-200)
    assert "prerouting early" == verdict("prerouting", packet(), mine, first, six, early)
    assert "prerouting mine" == verdict("prerouting", packet(), mine, first, six)
    assert "prerouting six" == verdict("prerouting", packet(source="fd00::2", target="fd00::1"), mine, six, early)
    assert "" == verdict("output", packet(), mine, first)


def test_a_hook_maps_its_side_only() -> None:
    """Destinations change before routing, sources behind it; a rule without a verdict decides nothing."""
    sources = (rule("snat", text="snat"), rule("masquerade"))
    assert ["", "postrouting snat"] == [
        verdict(hook, packet(), NatChain("ip", "t", hook, hook, 0, (rule(""), *sources))) for hook in ("prerouting", "postrouting")
    ]


def test_jumps_return_and_gotos_do_not() -> None:
    """A chain that decides nothing is left behind; one that calls itself ends, and one that is not there is none."""
    below = chain("", rule("return", "dport=80"), rule("dnat", text="below"), name="below")
    jump, goto = rule("jump", chain="below"), rule("goto", chain="below")
    after = rule("dnat", text="after")
    assert "prerouting after" == verdict("prerouting", packet(), chain("prerouting", jump, after), below)
    assert "prerouting below" == verdict("prerouting", packet(port=81), chain("prerouting", jump, after), below)
    assert "" == verdict("prerouting", packet(), chain("prerouting", goto, after), below)
    assert "prerouting after" == verdict("prerouting", packet(), chain("prerouting", jump, after))
    circle = chain("", rule("jump", chain="circle"), name="circle")
    assert "" == verdict("prerouting", packet(), chain("prerouting", rule("jump", chain="circle")), circle)


def test_a_near_miss_is_a_rule_for_another_interface() -> None:
    """Other differences make it somebody else's rule; a rule that fits is no miss."""
    def missed(*matches: str) -> bool:
        snapshot = Snapshot(routes=LOCAL, nat=(chain("postrouting", rule("masquerade", *matches)),))
        return near(snapshot, "postrouting", packet(oif="wan")) is not None

    assert [True, False, False, True, False] == [
        missed("saddr=10.0.0.0/24", "oif=eth9"), missed("saddr=10.9.0.0/24", "oif=eth9"), missed("saddr=10.0.0.0/24"), missed("oif=eth9"),
        missed("oif!=wan"),
    ]


def test_a_rule_is_told_with_its_chain() -> None:
    """Family, table, chain, handle and text, as `nft -a` lists it."""
    found = decides(Snapshot(nat=(chain("output", rule("dnat", text="dnat to 10.0.0.9")),)), "output", packet())
    assert "inet t output handle 7: dnat to 10.0.0.9" == str(found)


def test_an_address_to_put_in_means_its_own_version() -> None:
    """Of two rules of one table that differ in nothing else the one of the packet's version decides, and no other is a near miss."""
    both = rule("dnat", "l4proto=tcp", to="10.0.0.9", text="four"), rule("dnat", "l4proto=tcp", to="fd00::9", text="six")
    six = packet(source="fd00::2", target="fd00::1", iif="eth0")
    assert ["prerouting four", "prerouting six"] == [verdict("prerouting", seen, chain("prerouting", *both)) for seen in (packet(), six)]
    other = Snapshot(nat=(chain("prerouting", rule("dnat", "iif=eth7", to="10.0.0.9")),))
    assert (None, True) == (near(other, "prerouting", six), near(other, "prerouting", packet()) is not None)
