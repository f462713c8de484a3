"""The rules of a namespace that translate addresses, as values (nft(8), libnftables-json(5)).

Enters: Namespaces and a name; leaves: NatChains, none where nft is not installed. Rule of the file: nft itself reads the ruleset, its JSON
for facts and its text for people. What is not understood keeps a word of its own, so that nobody takes it for a match.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from vethlab.errors import HostError, KernelError
from vethlab.kernel.port import Namespaces
from vethlab.kernel.rulesets import TRACE_TABLE, nft
from vethlab.model.address import IP
from vethlab.model.translation import NatChain, NatMatch, NatRule

__all__ = ["nat_chains", "parse"]

_VERDICTS = frozenset({"dnat", "snat", "masquerade", "redirect", "accept", "drop", "return", "jump", "goto"})
_MAPPED = frozenset({"dnat", "snat"})
UNTOLD = "?addr"
MOST = 1000  # elements of a map that are looked into
_META = {"iifname": "iif", "iif": "iif", "oifname": "oif", "oif": "oif", "l4proto": "l4proto", "nfproto": "nfproto"}
_PORTS = frozenset({"sport", "dport"})
_HANDLE = re.compile(r"^\s*(.*?) ?# handle (\d+)$")
_SILENT = frozenset({"counter", "log"})  # they decide nothing


def nat_chains(namespaces: Namespaces, node: str) -> tuple[NatChain, ...]:
    """What translates in a node. KernelError only if nft fails for another reason than not being there."""
    try:
        listed = json.loads(nft(namespaces, node, "list", ["-j", "-a", "list", "ruleset"]))["nftables"]
        text = nft(namespaces, node, "list", ["-a", "list", "ruleset"])
    except (HostError, KernelError):
        return ()
    return parse(listed, text)


def parse(listed: list[Any], text: str) -> tuple[NatChain, ...]:
    """From nft's JSON and its text with handles."""
    chains = [one["chain"] for one in listed if "chain" in one]
    tables = {(one["family"], one["table"]) for one in chains if one.get("type") == "nat" and not one["table"].startswith(TRACE_TABLE)}
    sets = {
        (one["family"], one["table"], one["name"]): one.get("elem", [])
        for item in listed for kind in ("set", "map") if (one := item.get(kind)) is not None
    }
    words = _words(text)
    rules: dict[tuple[str, str, str], list[NatRule]] = {}
    for one in (item["rule"] for item in listed if "rule" in item):
        key = (one["family"], one["table"], one["chain"])
        if key[:2] in tables:
            held = {name: elements for (family, table, name), elements in sets.items() if (family, table) == key[:2]}
            rules.setdefault(key, []).extend(_rules(one, words.get((*key[:2], one["handle"]), ""), held))
    return tuple(
        NatChain(one["family"], one["table"], one["name"], one.get("hook", ""), int(one.get("prio", 0)),
                 tuple(rules.get((one["family"], one["table"], one["name"]), ())))
        for one in chains if (one["family"], one["table"]) in tables and one.get("type", "nat") == "nat"
    )


def _words(text: str) -> dict[tuple[str, str, int], str]:
    """The text of every rule, by family, table and handle."""
    found: dict[tuple[str, str, int], str] = {}
    family = table = ""
    for line in text.splitlines():
        if line.startswith("table "):
            _, family, table, *_ = line.split()
        elif (match := _HANDLE.match(line)) is not None and line.startswith("\t\t"):
            found[family, table, int(match[2])] = match[1]
    return found


def _rules(one: Mapping[str, Any], text: str, sets: Mapping[str, list[Any]]) -> list[NatRule]:
    """A rule; one that translates by a map is as many rules as that has elements: what is in none of them goes on to the next rule."""
    found = _rule(one, text, sets)
    body = next((body for kind, body in map(_kind, one["expr"]) if kind in _MAPPED and isinstance(body, dict)), {})
    mapped = body.get("addr", {}).get("map") if isinstance(body.get("addr"), dict) else None
    if mapped is None:
        return [found]
    key, implied = _key(mapped["key"])
    data = mapped["data"]
    pairs = sets.get(data.removeprefix("@"), []) if isinstance(data, str) else data.get("set", [])
    if key.startswith("?") or len(pairs) > MOST:
        return [found]
    plain = tuple(match for match in found.matches if match.key != UNTOLD)
    plain += (NatMatch("l4proto", (implied,)),) if implied else ()
    return [
        replace(found, matches=(*plain, NatMatch(key, values)), address=_address(to), port=port if port is not None else found.port)
        for wanted, given in pairs if (values := _values(wanted, sets)) is not None for to, port in [_landing(given)]
    ]


def _landing(given: Any) -> tuple[Any, int | None]:
    """What an element of a map gives: an address, or one and a port."""
    kind, body = _kind(given)
    return (body[0], _number(body[1])) if kind == "concat" else (given, None)


def _rule(one: Mapping[str, Any], text: str, sets: Mapping[str, list[Any]]) -> NatRule:
    matches: list[NatMatch] = []
    verdict, address, port, chain = "", None, None, ""
    for expression in one["expr"]:
        kind, body = _kind(expression)
        if kind == "match":
            matches += _matches(body, sets)
        elif kind in _VERDICTS:
            verdict = kind
            if isinstance(body, dict):
                given = body.get("addr")
                if kind == "snat" and isinstance(given, dict) and "range" in given:
                    given = given["range"][0]  # any of them: whoever answers one answers all
                address, port, chain = _address(given), _number(body.get("port")), str(body.get("target", ""))
                if kind in _MAPPED and address is None and "addr" in body:  # one of several: which is not known here
                    matches.append(NatMatch(UNTOLD, ()))
        elif kind not in _SILENT:
            matches.append(NatMatch(f"?{kind}", ()))
    return NatRule(one["handle"], text, tuple(matches), verdict, address, port, chain)


def _kind(expression: Any) -> tuple[str, Any]:
    """The word of an expression and its body; nft 1.0.6 writes some as bare text."""
    return (expression.partition(" ")[0], None) if isinstance(expression, str) else next(iter(expression.items()))


def _address(value: Any) -> IP | None:
    try:
        return ip_address(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _matches(body: Mapping[str, Any], sets: Mapping[str, list[Any]]) -> Iterator[NatMatch]:
    """A match, and what it implies: a TCP port is one of TCP."""
    left, values = body["left"], _values(body["right"], sets)
    key, implied = _key(left)
    if implied:
        yield NatMatch("l4proto", (implied,))
    known = values is not None and body["op"] in {"==", "!=", "in"} and (not key.startswith("fib-") or values == ("local",))
    yield NatMatch(key if known else f"?{key}", values or (), negated=body["op"] == "!=")


def _payload(protocol: str, field: str) -> tuple[str, str]:
    if protocol in {"ip", "ip6"} and field in {"saddr", "daddr"}:
        return field, ""
    if field in _PORTS:
        return field, "" if protocol == "th" else protocol
    return ("l4proto" if (protocol, field) in {("ip", "protocol"), ("ip6", "nexthdr")} else f"?{protocol} {field}"), ""


def _key(left: Any) -> tuple[str, str]:
    """What is looked at, and the transport protocol that this implies."""
    kind, body = _kind(left)
    if kind == "payload" and "field" in body:
        return _payload(body["protocol"], body["field"])
    if kind == "meta":
        return _META.get(body["key"], f"?meta {body['key']}"), ""
    if kind == "ct" and body.get("key") in {"status", "state"}:
        return f"ct-{body['key']}", ""
    if kind == "fib" and body.get("result") == "type" and {"saddr", "daddr"} & set(body.get("flags", ())):
        return ("fib-daddr" if "daddr" in body["flags"] else "fib-saddr"), ""
    return f"?{kind}", ""


def _values(right: Any, sets: Mapping[str, list[Any]]) -> tuple[str, ...] | None:
    """The values of the right side as text, None where they are of another kind."""
    if isinstance(right, str | int):
        named = str(right).removeprefix("@")
        return (named,) if named == str(right) else _values(sets[named], sets) if named in sets else None
    if isinstance(right, list):
        parts = [_values(one, sets) for one in right]
        return tuple(value for part in parts if part is not None for value in part) if None not in parts else None
    kind, body = _kind(right)
    if kind == "prefix":
        return (f"{body['addr']}/{body['len']}",)
    if kind == "range":
        return ("-".join(str(end) for end in body),)
    return _values(body["val"] if kind == "elem" else body, sets) if kind in {"elem", "set"} else None
