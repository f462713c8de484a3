"""What nft lists, read as values: facts from its JSON, words from its text."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from vethlab.kernel.nat_rules import parse
from vethlab.model.translation import NatMatch, NatRule


def match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    """A match as nft writes it."""
    return {"match": {"op": op, "left": left, "right": right}}


def payload(protocol: str, field: str) -> dict[str, Any]:
    """The left side of a match of a header field."""
    return {"payload": {"protocol": protocol, "field": field}}


def listed(*expressions: Any) -> list[Any]:
    """A ruleset with one rule, with a table that filters and one of a trace beside it."""
    hook = {"family": "ip", "table": "t", "name": "pre", "handle": 1, "type": "nat", "hook": "prerouting", "prio": -90, "policy": "accept"}
    return [
        {"metainfo": {}}, {"set": {"family": "ip", "table": "t", "name": "s", "elem": ["10.0.0.1", {"elem": {"val": "10.0.0.2"}}]}},
        {"chain": hook}, {"chain": {"family": "ip", "table": "t", "name": "sub", "handle": 2}},
        {"chain": {**hook, "name": "f", "type": "filter"}}, {"chain": {**hook, "table": "filter", "type": "filter"}},
        {"chain": {**hook, "table": "vethlab-trace-1"}},
        {"rule": {"family": "ip", "table": "t", "chain": "pre", "handle": 7, "expr": list(expressions)}},
        {"rule": {"family": "ip", "table": "filter", "chain": "pre", "handle": 8, "expr": []}},
    ]


def read(*expressions: Any, text: str = "") -> NatRule:
    """The one rule."""
    chain, below = parse(listed(*expressions), text)
    assert ("ip t pre", "prerouting", -90, "ip t sub", "") == (str(chain), chain.hook, chain.priority, str(below), below.hook)
    return chain.rules[0]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (match(payload("ip", "saddr"), {"prefix": {"addr": "10.0.0.0", "len": 8}}), [NatMatch("saddr", ("10.0.0.0/8",))]),
        (match(payload("ip6", "daddr"), "fd00::1", "!="), [NatMatch("daddr", ("fd00::1",), negated=True)]),
        (match(payload("ip", "saddr"), "@s"), [NatMatch("saddr", ("10.0.0.1", "10.0.0.2"))]),
        (match(payload("ip", "saddr"), "@unknown"), [NatMatch("?saddr", ())]),
        (match(payload("tcp", "dport"), {"set": [90, {"range": [100, 110]}]}),
         [NatMatch("l4proto", ("tcp",)), NatMatch("dport", ("90", "100-110"))]),
        (match(payload("th", "sport"), 53), [NatMatch("sport", ("53",))]),
        (match(payload("ip", "protocol"), "icmp"), [NatMatch("l4proto", ("icmp",))]),
        (match(payload("ip", "ttl"), 1), [NatMatch("?ip ttl", ("1",))]),
        (match({"meta": {"key": "oifname"}}, "eth*"), [NatMatch("oif", ("eth*",))]),
        (match({"meta": {"key": "mark"}}, 5, "<"), [NatMatch("??meta mark", ("5",))]),
        (match({"ct": {"key": "status"}}, ["dnat", "snat"], "in"), [NatMatch("ct-status", ("dnat", "snat"))]),
        (match({"ct": {"key": "mark"}}, 1), [NatMatch("?ct", ("1",))]),
        (match({"fib": {"result": "type", "flags": ["saddr", "iif"]}}, "local"), [NatMatch("fib-saddr", ("local",))]),
        (match({"fib": {"result": "type", "flags": ["daddr"]}}, "broadcast"), [NatMatch("?fib-daddr", ("broadcast",))]),
        (match({"fib": {"result": "oif", "flags": ["daddr"]}}, "lo"), [NatMatch("?fib", ("lo",))]),
        (match({"payload": {"base": "nh", "offset": 0, "len": 4}}, {"&": [1, 2]}), [NatMatch("??payload", ())]),
        (match(payload("ip", "saddr"), {"set": [{"concat": [1]}]}), [NatMatch("?saddr", ())]),
        ({"limit": {"rate": 1}}, [NatMatch("?limit", ())]),
        ({"counter": {"packets": 0}}, []), ("log", []),
    ],
)
def test_a_match(written: Any, expected: list[NatMatch]) -> None:
    """What is known has a word of ours; everything else keeps one that no packet fits."""
    assert tuple(expected) == read(written).matches


@pytest.mark.parametrize(
    ("written", "verdict", "address", "port", "chain"),
    [
        ({"dnat": {"family": "ip", "addr": "10.0.0.2", "port": 80}}, "dnat", ip_address("10.0.0.2"), 80, ""),
        ({"dnat": {"addr": {"range": ["10.0.0.1", "10.0.0.5"]}, "port": {"range": [1, 2]}}}, "dnat", None, None, ""),
        ({"snat": {"addr": "a-name"}}, "snat", None, None, ""), ({"masquerade": None}, "masquerade", None, None, ""),
        ({"redirect": {"port": 81}}, "redirect", None, 81, ""), ({"jump": {"target": "sub"}}, "jump", None, None, "sub"),
        ("accept", "accept", None, None, ""),
    ],
)
def test_a_verdict(written: Any, verdict: str, address: Any, port: int | None, chain: str) -> None:
    """What a rule puts in place, where it is one thing."""
    found = read(written)
    assert (verdict, address, port, chain) == (found.verdict, found.address, found.port, found.chain)


@pytest.mark.parametrize("address", [{"map": {"key": "tcp dport", "data": "@m"}}, {"range": ["10.0.0.1", "10.0.0.5"]}])
def test_a_destination_that_is_one_of_several_is_not_known(address: dict[str, Any]) -> None:
    """Where such a rule leads is seen, not foretold, so it is kept out as whatever is not understood; of a range of sources any will do."""
    assert (NatMatch("?addr", ()),) == read({"dnat": {"addr": address}}).matches
    found = read({"snat": {"addr": address}})
    assert ((), ip_address("10.0.0.1")) if "range" in address else ((NatMatch("?addr", ()),), None) == (found.matches, found.address)


def test_a_rule_that_translates_by_a_map_is_a_rule_for_each_element() -> None:
    """What is in none goes on to the next rule; a named map is read too, and an element may give a port."""
    port, source = payload("tcp", "dport"), payload("ip", "saddr")
    pairs = [[8080, {"concat": ["10.0.0.2", 80]}], [{"range": [81, 90]}, {"concat": ["10.0.0.3", {"range": [1, 2]}]}], [{"&": [1, 2]}, "x"]]

    def told(expression: Any, *named: Any) -> list[tuple[Any, ...]]:
        rule = {"rule": {"family": "ip", "table": "t", "chain": "pre", "handle": 7, "expr": [expression]}}
        chain = {"chain": {"family": "ip", "table": "t", "name": "pre", "type": "nat", "hook": "prerouting", "prio": 0}}
        return [(one.matches, one.address, one.port) for one in parse([chain, *named, rule], "")[0].rules]

    tcp = NatMatch("l4proto", ("tcp",))
    assert [
        ((tcp, NatMatch("dport", ("8080",))), ip_address("10.0.0.2"), 80),
        ((tcp, NatMatch("dport", ("81-90",))), ip_address("10.0.0.3"), None),
    ] == told({"dnat": {"addr": {"map": {"key": port, "data": {"set": pairs}}}}})
    named = {"map": {"family": "ip", "table": "t", "name": "who", "elem": [[{"prefix": {"addr": "10.1.0.0", "len": 16}}, "10.0.0.9"]]}}
    by_name = {"snat": {"addr": {"map": {"key": source, "data": "@who"}}}}
    assert [((NatMatch("saddr", ("10.1.0.0/16",)),), ip_address("10.0.0.9"), None)] == told(by_name, named)
    assert [] == told(by_name)


def test_the_words_of_a_rule() -> None:
    """Handles are a table's own: the text is looked for in the rule's table."""
    text = (
        "table ip filter { # handle 1\n\tchain pre { # handle 1\n\t\tdrop # handle 7\n\t}\n}\n"
        "table ip t { # handle 2\n\tchain pre { # handle 1\n\t\ttype nat hook prerouting priority -90;\n"
        "\t\tdnat to 10.0.0.2 # handle 7\n\t}\n}\n"
    )
    assert "dnat to 10.0.0.2" == read({"dnat": {"addr": "10.0.0.2"}}, text=text).text
