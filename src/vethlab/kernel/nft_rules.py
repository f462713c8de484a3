"""A rule that a trace named by its handle, in words: as nft lists it, and what can be said of it without knowing the packet (nft(8)).

Enters: a node's Namespaces, family, table and handle; leaves: RuleText, or None. Rule of the file: nft itself reads the ruleset (its
JSON for facts, its text for people), since the kernel keeps expressions that nobody would recognize as what they wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from vethlab.errors import HostError, KernelError
from vethlab.kernel.port import Namespaces
from vethlab.kernel.rulesets import nft
from vethlab.model.question import Rewrite

__all__ = ["RuleText", "handles", "rewrites", "rule_text"]

_VERDICTS = frozenset({"accept", "drop", "reject", "continue", "return", "jump", "goto", "queue"})
_ALWAYS = _VERDICTS | {"counter", "log"}  # what a rule may hold and yet be for every packet
_HANDLE = re.compile(r"^(.*?) ?# handle (\d+)$")
_MISSING = "No such file or directory"


class RuleText(NamedTuple):
    """A rule. `text`: as nft shows it, its counter and comment included, on one line.

    `rejects`: it answers the sender (a trace says `drop`). `unconditional`: it matches nothing, so it is for every packet that reaches it.
    `position`: its place in its chain, from 0. `packets`: what its counter stood at, None without one.
    """

    text: str
    chain: str
    rejects: bool
    unconditional: bool
    position: int
    packets: int | None


def rule_text(namespaces: Namespaces, node: str, family: str, table: str, handle: int) -> RuleText | None:
    """The rule with a handle, None if it is gone meanwhile; HostError (no-nft) where nft is not installed.

    None too for the rules of a chain without a name (`jump { ... }`), which nft cannot list by handle: the rule that jumped holds them.
    """
    try:
        listed = json.loads(nft(namespaces, node, "list", ["-j", "-a", "list", "table", family, table]))["nftables"]
        rules = [item["rule"] for item in listed if "rule" in item]
        rule = next((one for one in rules if one["handle"] == handle), None)
        if rule is None:
            return None
        chain = rule["chain"]
        text = written(nft(namespaces, node, "list", ["-a", "list", "chain", family, table, chain]), handle)
    except KernelError as error:
        if _MISSING in error.kernel_says:
            return None
        raise
    if text is None:
        return None
    inside = [_kind(one) for one in rule["expr"]]
    siblings = [one["handle"] for one in rules if one["chain"] == chain]
    return RuleText(
        text, chain, rejects="reject" in inside, unconditional=_ALWAYS.issuperset(inside), position=siblings.index(handle),
        packets=_packets(rule["expr"], listed),
    )


def handles(namespaces: Namespaces, node: str, chain: Sequence[str]) -> frozenset[int]:
    """The handles of a chain's rules; none where it, or nft, is not there. `chain`: family, table and name."""
    try:
        listed = json.loads(nft(namespaces, node, "list", ["-j", "-a", "list", "chain", *chain]))["nftables"]
    except (HostError, KernelError):
        return frozenset()
    return frozenset(item["rule"]["handle"] for item in listed if "rule" in item)


def rewrites(namespaces: Namespaces, node: str) -> tuple[Rewrite, ...]:
    """The rules of a node that write the hops that packets have left; none where nft is not installed."""
    try:
        listed = json.loads(nft(namespaces, node, "list", ["-j", "-a", "list", "ruleset"]))["nftables"]
    except (HostError, KernelError):
        return ()
    found = []
    for rule in (item["rule"] for item in listed if "rule" in item):
        if any(_writes_hops(one) for one in rule["expr"]):
            said = rule_text(namespaces, node, rule["family"], rule["table"], rule["handle"])
            chain = f"{rule['family']} {rule['table']} {rule['chain']}"
            found += [] if said is None else [Rewrite(chain, rule["handle"], said.text)]
    return tuple(found)


def _writes_hops(expression: Any) -> bool:
    key = expression["mangle"]["key"] if isinstance(expression, dict) and "mangle" in expression else {}
    return isinstance(key, dict) and key.get("payload", {}).get("field") in {"ttl", "hoplimit"}


def written(listing: str, handle: int) -> str | None:
    """The rule with a handle in what `nft -a list chain` prints, on one line. Only a chain without a name makes a rule of several."""
    parts: list[str] = []
    for line in listing.partition("chain ")[2].splitlines()[1:]:
        ended = _HANDLE.match(line.strip())
        if ended is None:
            if parts or line.endswith("{"):
                parts.append(line.strip())
            continue
        if int(ended[2]) == handle:
            return " ".join([*(part if part.endswith("{") else f"{part};" for part in parts), ended[1]])
        parts = []
    return None


def _kind(expression: Any) -> str:
    """The word of an expression. nft 1.0.6 writes a jump into a chain without a name as bare text; a target of iptables is an `xt`."""
    if isinstance(expression, str):
        return expression.partition(" ")[0]
    kind = str(next(iter(expression)))
    foreign = expression[kind] if kind == "xt" else None
    return "reject" if isinstance(foreign, dict) and foreign.get("name") == "REJECT" else kind


def _packets(expressions: list[Any], listed: list[Any]) -> int | None:
    """The packets of a counter in the rule, or of the named one that it counts into."""
    for expression in expressions:
        counter = expression.get("counter") if isinstance(expression, dict) else None
        if isinstance(counter, str):
            counter = next((item["counter"] for item in listed if item.get("counter", {}).get("name") == counter), None)
        if counter is not None and "packets" in counter:
            return int(counter["packets"])
    return None
