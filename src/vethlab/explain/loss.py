"""Why a route is not there: the kernel takes routes away with the interface, the address or the prefix they stand on.

Enters: a node and a target it cannot reach; leaves: the finding behind the missing route, None if the route alone is missing. Rule of the
file: only what would bring the route back is blamed (net/ipv4/fib_frontend.c fib_inetaddr_event, fib_sync_down_dev).
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from vethlab.explain import fixes
from vethlab.explain.fib import Match, match
from vethlab.explain.questions import Route, Routed
from vethlab.explain.rules import link, neighbour, route
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.segment import members, owners
from vethlab.model.address import IP, IPInterface
from vethlab.model.finding import REPLY, Evidence, Finding, Where
from vethlab.model.link import LOOPBACK, End
from vethlab.model.snapshot import Drift, Snapshot

__all__ = ["believed", "lost_route", "lost_source", "strayed"]


def lost_route(scene: Scene, node: str, target: IP, *, source: IP | None = None) -> Asking[Finding | None]:
    """What took the route to `target` away in `node`; with `source`: what took that address away."""
    snapshot = yield from scene.look(node)
    drift = yield from scene.drift(node)
    wanted = _stepping_stones(drift, node, target)
    for wire in scene.wiring.of(node):
        if wire.end.interface == LOOPBACK:
            continue
        declared = [one for one in scene.wiring.declared.get(wire.end, ()) if one.version == target.version]
        held = [one.address for one in snapshot.addresses if one.interface == wire.end.interface and one.address.version == target.version]
        if not any(stone in one.network for one in (*declared, *held) for stone in wanted):
            continue
        if not wire.up:
            return link.is_down(scene, wire.end)
        found = _address(scene, snapshot, wire.end, declared, held, source)
        if found is not None:
            return found
    if source is not None:
        return None
    return (yield from _narrow(scene, node, snapshot, target))


def strayed(scene: Scene, node: str, target: IP, leaves: str | None) -> Asking[Finding | None]:
    """What took away the route that the lab file means, so that a wider one leads the packet elsewhere."""
    snapshot = yield from scene.look(node)
    used = match(snapshot, target).route
    for wire in scene.wiring.of(node):
        meant = [
            one for one in scene.wiring.declared.get(wire.end, ())
            if target in one.network and used is not None and used.destination.prefixlen < one.network.prefixlen
        ]
        if not meant or wire.end.interface == leaves:
            continue
        if not wire.up:
            return link.is_down(scene, wire.end)
        held = [one.address for one in snapshot.addresses if one.interface == wire.end.interface]
        found = _address(scene, snapshot, wire.end, meant, held, None)
        if found is not None:
            return found
    return None


def believed(scene: Scene, node: str, came: str, source: IP, target: IP, evidence: Evidence) -> Asking[list[Finding]]:
    """Why the input path does not believe a source. What took the way back away comes before the filter that misses it."""
    snapshot = yield from scene.look(node)
    others = [fix for name, one in scene.snapshots.items() if name != node for fix in route.other_source(name, one, target, source)]
    refusals = [
        replace(one, fixes=(*one.fixes, *others)) if one.slug == "local-source" else one
        for one in route.source_refused(node, snapshot, came, source, evidence)
    ]
    if not refusals or match(snapshot, source).route is not None:
        return refusals
    gone = yield from lost_route(scene, node, source)
    if gone is None:
        answer: Routed = yield Route(node, source)
        gone = route.refused(node, snapshot, Match(None, None), route.said(node, answer, source), source, REPLY)
    return [gone, *refusals]


def lost_source(scene: Scene, node: str, interface: str | None, version: int) -> Asking[Finding | None]:
    """Why a node has no better source than a link-local address: the address that it should have on that interface is gone."""
    if interface is None:
        return None
    snapshot = yield from scene.look(node)
    end = End(node, interface)
    declared = [one for one in scene.wiring.declared.get(end, ()) if one.version == version]
    held = [one.address for one in snapshot.addresses if one.interface == interface and one.address.version == version]
    return _address(scene, snapshot, end, declared, held, None)


def _stepping_stones(drift: tuple[Drift, ...], node: str, target: IP) -> list[IP]:
    """The target and the gateways that the lab file names for this node: addresses a route to it would stand on."""
    stones = [target]
    for one in drift:
        if one.node == node and one.kind == "route":
            for words in one.commands:
                stones += [ip_address(word) for at, word in enumerate(words) if at and words[at - 1] == "via"]
    return [stone for stone in stones if stone.version == target.version]


def _address(
    scene: Scene, snapshot: Snapshot, end: End, declared: list[IPInterface], held: list[IPInterface], source: IP | None,
) -> Finding | None:
    """A declared address that is gone, or has another prefix than the lab file says."""
    for one in declared:
        if source is not None and one.ip != source:
            continue
        same = [other for other in held if other.ip == one.ip]
        if not same:
            return neighbour.missing_address(scene, one.ip)
        if all(other.network.prefixlen > one.network.prefixlen for other in same):
            return _prefix(end, same[0], one, f"the lab file says {one}")
    for entry in snapshot.addresses:
        if entry.interface == end.interface and {"tentative", "dadfailed"} & set(entry.flags) and entry.address in declared:
            return next(neighbour.unready(end, snapshot, entry.address.ip), None)
    return None


def _narrow(scene: Scene, node: str, snapshot: Snapshot, target: IP) -> Asking[Finding | None]:
    """A neighbour that takes this node for a neighbour, while this node's own prefix is too narrow to return that."""
    for held in snapshot.addresses:
        end = End(node, held.interface)
        if held.interface == LOOPBACK or held.address.version != target.version or held.address.ip.is_link_local:
            continue
        segment = yield from members(scene, end)
        for owner in owners(scene, segment, target):
            wire = scene.wire(owner)
            theirs = [] if wire is None else [one for one in wire.addresses if one.ip == target and held.address.ip in one.network]
            if theirs and target not in held.address.network:
                wider = type(held.address)(f"{held.address.ip}/{theirs[0].network.prefixlen}")
                return _prefix(end, held.address, wider, f"{owner} on the same segment has {theirs[0]}")
    return None


def _prefix(end: End, held: IPInterface, right: IPInterface, says: str) -> Finding:
    return Finding(
        "wrong-prefix", Where(end.netns, end.interface, "route"), f"{end} has {held}, a prefix that leaves its neighbours out",
        evidence=(Evidence("configuration", f"{end} has {held}; {says}"),), fixes=(fixes.reprefixed(end, held, right),),
    )
