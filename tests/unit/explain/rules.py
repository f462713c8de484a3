"""Rules of nat chains in few words, for tests: `rule("dnat", "dport=80", to="10.0.0.2", port=8080)`."""

from __future__ import annotations

import re
from ipaddress import ip_address

from vethlab.model.translation import NatChain, NatMatch, NatRule

PRIORITIES = {"prerouting": -100, "output": -100, "postrouting": 100, "": 0}


def rule(verdict: str, *matches: str, to: str = "", port: int | None = None, chain: str = "", text: str = "") -> NatRule:
    """A rule; a match is `key=value,value` or `key!=value`."""
    found = []
    for one in matches:
        key, sign, values = re.split("(!?=)", one, maxsplit=1)
        found.append(NatMatch(key, tuple(values.split(",")), negated=sign == "!="))
    return NatRule(7, text or verdict, tuple(found), verdict, ip_address(to) if to else None, port, chain)


def chain(hook: str, *rules: NatRule, family: str = "inet", table: str = "t", name: str = "", priority: int | None = None) -> NatChain:
    """A chain, named like its hook."""
    return NatChain(family, table, name or hook, hook, PRIORITIES[hook] if priority is None else priority, rules)
