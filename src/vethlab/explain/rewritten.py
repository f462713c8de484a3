"""Hops that ran out although the packet had enough of them: somebody wrote another number into it.

Enters: the way, what was observed; leaves: the rules that did, written into the way. Rule of the file: asked only where a router said that
the hops ran out and counting does not account for it, since it costs a reading of the whole ruleset.
"""

from __future__ import annotations

from itertools import pairwise

from vethlab.explain import fixes
from vethlab.explain.icmp import TIME_EXCEEDED, speaker
from vethlab.explain.questions import Rewrite, Rewriting
from vethlab.explain.scene import Asking
from vethlab.explain.way import Way
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.journey import REQUEST, Observed

__all__ = ["account"]


def account(way: Way, observed: Observed) -> Asking[None]:
    """Find who wrote the hops of a packet whose hops ran out."""
    told = next((one for one in observed.errors if (one.type, one.code) == TIME_EXCEEDED[one.sender.version]), None)
    node = None if told is None else speaker(told, way)
    if node is None or any(one.finding.slug in {"ttl-expired", "routing-loop"} for one in way.obstacles):
        return
    place = _taker(way, observed) or node
    rules: tuple[Rewrite, ...] = yield Rewriting(place)
    way.rewritten = [_written(place, one) for one in rules]


def _taker(way: Way, observed: Observed) -> str | None:
    """The node that a packet left with fewer hops than one less, or the sender, if it had too few from the beginning."""
    seen = [one for one in sorted(observed.sightings, key=lambda one: one.ns) if one.what == REQUEST]
    if seen and seen[0].hops < len(way.routers.get(REQUEST, ())):
        return seen[0].node
    return next((after.node for before, after in pairwise(seen) if before.hops - after.hops > 1), None)


def _written(node: str, rule: Rewrite) -> Finding:
    words = rule.chain.split()
    undo = (("nft", "insert", "rule", *words, rule.text),)
    remedy = fixes.fix(
        f"delete that rule from {node}", fixes.command(node, "nft", "delete", "rule", *words, "handle", str(rule.handle), undo=undo),
        policy=True,
    )
    return Finding(
        "ttl-expired", Where(node, None, "forward"), f"{node} writes another number of hops into the packet, too few for the way",
        evidence=(Evidence("ruleset", f"{node}: {rule.chain} handle {rule.handle}: {rule.text}"),), fixes=(remedy,),
    )
