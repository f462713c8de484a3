"""Obstacles that are there only because an address was not translated, or was translated wrongly, are told as that.

Enters: a way that was walked to its end, the wiring; leaves: the same obstacles at the same places, some of them as nat-missing or
nat-wrong of the node that should have translated. Rule of the file: where the lab file says what is meant (published ports, hidden subnets)
that decides; else a rule is wrong only where it leads to an address that nobody has.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from vethlab.explain import fixes
from vethlab.explain.nat import Hit, Packet, near
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.settings import both
from vethlab.explain.unhidden import none_does, rules_gone, source_kept, unhidden
from vethlab.explain.way import Binding, Obstacle, Way
from vethlab.model.address import IP
from vethlab.model.finding import REPLY, REQUEST, Evidence, Finding, Fix, Where
from vethlab.model.flow import TCP, UDP, Flow
from vethlab.model.snapshot import Snapshot
from vethlab.model.translation import Published

__all__ = ["blame", "stuck"]


def stuck(node: str, snapshot: Snapshot, interface: str | None, source: IP | None, evidence: Evidence) -> Finding | None:
    """A packet of a node to its own loopback address was sent elsewhere, and may not leave (net/ipv4/route.c __mkroute_output)."""
    if source is None or interface is None or not source.is_loopback or source.version == 6:
        return None
    key = f"net.ipv4.conf.{interface.replace('.', '/')}.route_localnet"
    says = f"route_localnet is 0 ({both(snapshot, interface, 'route_localnet')}): a packet from {source} may not leave by {interface}"
    return Finding(
        "nat-missing", Where(node, interface, "output"), f"{node} leads its own {source} to {interface}, and may not let it out",
        evidence=(evidence, Evidence("configuration", says)), fixes=(fixes.sysctl(node, snapshot, key, 1),),
    )


def blame(scene: Scene, way: Way, flow: Flow, source: IP | None, target: IP) -> Asking[None]:
    """Rewrite the obstacles of a way. `source`: as the sender chose it."""
    if source is not None:
        asked = _Asked(flow, source, target, (yield from rules_gone(scene, way)))
        way.obstacles = [one for one in way.obstacles if not _untold(scene, way, one.finding)]
        way.obstacles = [one if one.suspect else replace(one, finding=_retold(scene, way, asked, one)) for one in way.obstacles]


def _untold(scene: Scene, way: Way, found: Finding) -> bool:
    """Whether nobody can say that an answer would be lost: it is for a source that somebody on the rest of the way might have hidden."""
    lost = found.slug == "no-return-route" and found.direction == REPLY and REQUEST not in way.delivered
    return lost and not way.bindings and bool(scene.wiring.hidden or scene.wiring.hiders)


class _Asked(NamedTuple):
    """The flow as it is sent, untranslated. `gone`: as `rules_gone` told."""

    flow: Flow
    source: IP
    target: IP
    gone: frozenset[str]


def _retold(scene: Scene, way: Way, asked: _Asked, one: Obstacle) -> Finding:
    found = one.finding
    bound = next((held for held in reversed(way.bindings) if held.at <= one.at), None)
    new = (
        _unpublished(scene, way, asked, found) or (_misled(scene, asked, found, bound) if bound is not None else None)
        or unhidden(scene, way, asked.source, asked.target, found, asked.gone)
        or (_nowhere(scene, found, bound) if bound is not None else None) or (_exposed(scene, found, bound) if bound is not None else None)
    )
    return found if new is None else replace(new, direction=found.direction, evidence=(*found.evidence, *new.evidence))


def _meant(scene: Scene, asked: _Asked, host: str) -> Published | None:
    protocol = UDP if asked.flow.kind == UDP else TCP
    return next((one for one in scene.wiring.published if one.serves(host, asked.target, asked.flow.port, protocol)), None)


def _unpublished(scene: Scene, way: Way, asked: _Asked, found: Finding) -> Finding | None:
    """The host itself got what is for a published port."""
    host = found.where.node
    meant, flow = _meant(scene, asked, host), asked.flow
    if found.slug != "port-closed" or meant is None or any(one.node == host and _leading(one) for one in way.bindings):
        return None
    hook, came = ("output", "") if flow.src.node == host else ("prerouting", found.where.interface or "")
    seen = Packet(meant.publish.protocol, asked.source, asked.target, flow.port, came)
    hit = near(scene.snapshots[host], hook, seen)
    slug, says = ("nat-wrong", f"{hit}: not for this interface") if hit is not None else (
        "nat-missing", none_does(scene.snapshots[host], hook, seen, f"leads {flow.kind} port {flow.port} to {meant.node}"),
    )
    return Finding(
        slug, Where(host, None, hook), f"{host} publishes {meant.publish} of {meant.node}, and keeps what comes for it",
        evidence=(Evidence("ruleset", f"{host}: {says}"),), fixes=_without(host, hit),
    )


def _misled(scene: Scene, asked: _Asked, found: Finding, bound: Binding) -> Finding | None:
    """A destination that the lab file does not mean, or that nobody has."""
    hit = _leading(bound)
    if hit is None or found.slug == "forwarding-off":
        return None
    meant = _meant(scene, asked, bound.node)
    right = None if meant is None else (meant.address, meant.publish.to)
    owners = scene.wiring.owners(bound.now_target) or scene.wiring.meant_for(bound.now_target)
    if right == (bound.now_target, bound.now_port) or (right is None and owners):
        return None
    place = f"{bound.now_target}{'' if bound.now_port is None else f' port {bound.now_port}'}"
    nobody = "" if owners else ", which nobody has"
    should = "" if meant is None else f"; the lab file means {meant.node} ({meant.address} port {meant.publish.to})"
    return Finding(
        "nat-wrong", Where(bound.node, None, hit.hook), f"{bound.node} leads the packet to {place}{nobody}",
        evidence=(Evidence("ruleset", f"{bound.node}: {hit}{should}"),), fixes=_without(bound.node, hit),
    )


def _leading(bound: Binding) -> Hit | None:
    """The rule that changed where the packet goes."""
    return next((one for one in bound.hits if one.rule.verdict in {"dnat", "redirect"}), None)


_ASTRAY = frozenset({"no-return-route", "neighbour-unresolved", "wrong-gateway", "not-for-us", "no-address", "routing-loop"})


def _nowhere(scene: Scene, found: Finding, bound: Binding) -> Finding | None:
    """A source that the translating node does not have: the answer goes to nobody, or to somebody else."""
    hit = next((one for one in bound.hits if one.rule.verdict == "snat"), None)
    snapshot = scene.snapshots[bound.node]
    if hit is None or found.direction != REPLY or any(one.address.ip == bound.now_source for one in snapshot.addresses):
        return None
    if found.slug not in _ASTRAY or found.where.node == bound.node:
        return None  # the answer found its way back to who translates, or somebody else is to blame that it did not
    owners = scene.wiring.owners(bound.now_source)
    whose = f"which is {owners[0].netns}'s" if owners else "which nobody has"
    return Finding(
        "nat-wrong", Where(bound.node, bound.leaves or None, "postrouting"),
        f"{bound.node} sends the packet as from {bound.now_source}, {whose}",
        evidence=(Evidence("ruleset", f"{bound.node}: {hit}"),), fixes=(*_as_masquerade(bound.node, hit), *_without(bound.node, hit)),
    )


def _exposed(scene: Scene, found: Finding, bound: Binding) -> Finding | None:
    """A packet that was sent elsewhere keeps a source that means somebody else there: 127.0.0.1, or the receiver's own address."""
    if found.direction != REQUEST or bound.now_target == bound.target or bound.now_source != bound.source:
        return None
    taken = bound.source.is_loopback or found.slug == "local-source"
    if not taken or found.where.node == bound.node:
        return None
    return source_kept(
        scene, bound.node, bound.leaves, bound.source, bound.now_target, f"{found.where.node} takes it for an address of its own",
        translated=True, port=bound.now_port,
    )


def _without(node: str, hit: Hit | None) -> tuple[Fix, ...]:
    """Take the rule away."""
    if hit is None:
        return ()
    words = str(hit.chain).split()
    undo = (("nft", "insert", "rule", *words, hit.rule.text),) if hit.rule.text else ()
    return (fixes.fix(
        f"delete that rule from {node}", fixes.command(node, "nft", "delete", "rule", *words, "handle", str(hit.rule.handle), undo=undo),
        policy=True,
    ),)


def _as_masquerade(node: str, hit: Hit) -> tuple[Fix, ...]:
    """The same rule with the interface's own address."""
    head, found, _ = hit.rule.text.partition("snat ")
    if not found:
        return ()
    words = str(hit.chain).split()
    handle = ("handle", str(hit.rule.handle))
    replaced = fixes.command(
        node, "nft", "replace", "rule", *words, *handle, f"{head}masquerade".strip(),
        undo=(("nft", "replace", "rule", *words, *handle, hit.rule.text),),
    )
    return (fixes.fix(f"let that rule take the address of the interface that the packet leaves by in {node}", replaced, policy=True),)
