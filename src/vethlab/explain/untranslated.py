"""A rule that should have translated the packet, and a packet that was seen behind it as it was.

Enters: a way with its bindings, what was observed; leaves: an obstacle, or None. Rule of the file: only seeing decides, whatever kept the
rule from its work: `notrack` in a raw chain (net/netfilter/nft_ct.c, nf_nat_inet_fn returns early without a connection), or a match that
was understood wrongly here.
"""

from __future__ import annotations

from dataclasses import replace

from vethlab.explain.firewall import letting
from vethlab.explain.way import Binding, Obstacle, Way
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.journey import IN, OUT, REPLY, REQUEST, Observed
from vethlab.model.link import LOOPBACK

__all__ = ["kept"]


def kept(way: Way, observed: Observed, last: int) -> Obstacle | None:
    """The first node that sent the packet on, or answered it itself, as if its rule were not there."""
    every = (found for bound in way.bindings for found in (_source(bound, observed), _target(bound, observed)))
    found = next((one for one in every if one is not None), None)
    return None if found is None else Obstacle(last + 1, _untracked(found, way, observed))


def _untracked(found: Finding, way: Way, observed: Observed) -> Finding:
    """With the rule that was seen to take the packet out of tracking, if one was."""
    rule = next((one for one in observed.untracked if (one.node, one.what) == (found.where.node, REQUEST)), None)
    if rule is None:
        return found
    says = f"{rule.node}: {rule.family} {rule.table} {rule.chain} handle {rule.handle} ({rule.hook}): {rule.text}"
    return replace(found, evidence=(*found.evidence, Evidence("nft-trace", says)), fixes=letting(rule, way))


def _source(bound: Binding, observed: Observed) -> Finding | None:
    """It left as from whom it came, and came to somebody else so: with br_netfilter a bridge translates behind its own interface."""
    plain = [one for one in observed.sightings if one.what == REQUEST and one.sender == bound.source]
    left = [one.ns for one in plain if (one.node, one.interface, one.direction) == (bound.node, bound.leaves, OUT)]
    came = [one.ns for one in plain if one.node != bound.node and one.direction == IN]
    if bound.now_source == bound.source or not left or max(came, default=0) <= min(left):
        return None
    says = f"{bound.node} sends the packet out by {bound.leaves} as from {bound.source}, not {bound.now_source}"
    return replace(_missing(bound, "postrouting", bound.leaves, says), direction=REPLY)  # it is the answer that finds no way


def _target(bound: Binding, observed: Observed) -> Finding | None:
    """The node itself refused what it should have led on, or its rules for what comes in met it."""
    resets = (one.sender for one in observed.sightings if one.what == REPLY and one.node == bound.node)
    own = bound.target in {*resets, *(one.sender for one in observed.errors)}
    gone = any(
        one.what == REQUEST and (one.node, one.direction) == (bound.node, OUT) and one.interface != LOOPBACK for one in observed.sightings
    )
    met = {one.hook: one.target for one in observed.firewall if one.what == REQUEST and one.node == bound.node}
    kept_here = met["input"] == bound.target if "input" in met else observed.refused and own and not met  # else a rule refused it
    if bound.now_target == bound.target or gone or not kept_here:
        return None
    return _missing(bound, "prerouting", None, f"{bound.node} itself takes what it should lead to {bound.now_target}")


def _missing(bound: Binding, stage: str, interface: str | None, seen: str) -> Finding:
    rules = "; ".join(str(hit) for hit in bound.hits)
    return Finding(
        "nat-missing", Where(bound.node, interface, stage), f"{bound.node} does not translate the packet, though it has a rule for it",
        evidence=(
            Evidence("observation", seen),
            Evidence("ruleset", f"{bound.node}: {rules}; what is not tracked (`notrack`, before priority -200) is not translated"),
        ),
    )
