"""Which line of the routing tables decides: rules in order of priority, the longest prefix, the lowest metric (ip-rule(8), RFC 1812).

Enters: a snapshot, addresses; leaves: the rule and the route. Rule of the file: the kernel's own answer (a Route question) says what
happens; this names the line that makes it happen.
"""

from __future__ import annotations

from typing import NamedTuple

from vethlab.model.address import IP
from vethlab.model.snapshot import LOCAL_TABLE, MAIN_TABLE, FibRoute, FibRule, Snapshot

__all__ = ["ERRORS", "Match", "match"]

ERRORS = frozenset({"blackhole", "unreachable", "prohibit"})
DEFAULT_TABLE = 253


class Match(NamedTuple):
    """`rule` decided to look at a table, or to refuse; `route` is the line found there, None where there is none."""

    rule: FibRule | None
    route: FibRoute | None

    @property
    def refuses(self) -> str:
        """blackhole, unreachable or prohibit, if this is what the line says."""
        if self.rule is not None and self.rule.action in ERRORS:
            return self.rule.action
        return self.route.type if self.route is not None and self.route.type in ERRORS else ""


def match(snapshot: Snapshot, destination: IP, *, source: IP | None = None, iif: str | None = None, oif: str | None = None) -> Match:
    """The line that decides about a packet."""
    version = destination.version
    rules = [rule for rule in snapshot.rules if rule.version == version] or [
        FibRule(priority, version, table=table) for priority, table in ((0, LOCAL_TABLE), (32766, MAIN_TABLE), (32767, DEFAULT_TABLE))
    ]
    for rule in sorted(rules, key=lambda one: one.priority):
        if not _selects(rule, destination, source, iif, oif):
            continue
        if rule.action in ERRORS:
            return Match(rule, None)
        if rule.action == "lookup":
            route = _longest(snapshot, rule.table, destination, oif)
            if route is not None and route.type != "throw":
                return Match(rule, route)
    return Match(None, None)


def _selects(rule: FibRule, destination: IP, source: IP | None, iif: str | None, oif: str | None) -> bool:
    if rule.other or rule.mark:
        return False
    if rule.source is not None and rule.source.prefixlen and (source is None or source not in rule.source):
        return False
    if rule.destination is not None and destination not in rule.destination:
        return False
    if rule.iif is not None and rule.iif != (iif or "lo"):
        return False
    return rule.oif is None or rule.oif == oif


def _longest(snapshot: Snapshot, table: int, destination: IP, oif: str | None) -> FibRoute | None:
    found = [
        route for route in snapshot.routes
        if route.table == table and route.destination.version == destination.version and destination in route.destination
        and (oif is None or not route.hops or any(hop.interface == oif for hop in route.hops))
        and (not route.hops or not all("dead" in hop.flags for hop in route.hops))
    ]
    return min(found, key=lambda route: (-route.destination.prefixlen, route.metric), default=None)
