"""What a node does with a packet: keep it, send it on, or refuse it.

Enters: a node, where the packet came in (None: it is the sender's own), the kernel's answers; leaves: a decision, and the obstacles on
its way. Rule of the file: the kernel's order (net/ipv4/route.c ip_route_input_slow): tables, then forwarding, then the source.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from vethlab.explain import mistranslated, routers, translate
from vethlab.explain.fib import ERRORS, Match, match
from vethlab.explain.loss import believed, lost_route, lost_source, strayed
from vethlab.explain.questions import Route, Routed
from vethlab.explain.rules import family, hops, link, neighbour, route
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.settings import effective
from vethlab.explain.travel import Travel
from vethlab.explain.way import Way
from vethlab.model.address import IP
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.journey import REQUEST
from vethlab.model.link import End
from vethlab.model.snapshot import Snapshot

__all__ = ["Local", "Onward", "decide"]


class Local(NamedTuple):
    """The packet is for this node."""


class Onward(NamedTuple):
    """It leaves by an interface to a next hop. `mtu`: the route's own, 0 for none."""

    interface: str
    next_hop: IP
    mtu: int = 0


Decision = Local | Onward | None


def decide(  # noqa: PLR0911 - a packet has as many fates
    scene: Scene, way: Way, travel: Travel, node: str, came: str | None,
) -> Asking[Decision]:
    """What becomes of the packet in this node."""
    if came is None:
        return (yield from _originate(scene, way, travel, node))
    snapshot = yield from scene.look(node)
    if travel.target.version == 6:
        way.block(*family.closed(scene, End(node, came)))
    translate.comes(scene, way, travel, node, came)
    routed: Routed = yield Route(node, travel.target, travel.source, came)
    evidence = route.said(node, routed, travel.target, travel.source, came)
    if not routed.error and routed.type == "local":
        return Local()
    if routed.error or routed.type in ERRORS:
        stopped = yield from _refuse(scene, way, travel, node, snapshot, came, evidence)
        if stopped:
            return None
        routed = yield Route(node, travel.target)  # what would happen behind the obstacle
        if routed.error or routed.type in ERRORS:
            return None
        if routed.type == "local":
            return Local()
    elif route.holds(snapshot, travel.target):
        way.block(*_not_local(node, snapshot, came, travel, evidence))
        return None
    elif (missing := neighbour.missing_from(scene, node, travel.target)) is not None:
        way.block(missing)
        return None
    else:
        yield from _strays(scene, way, travel, node, routed.interface)
        if travel.target.version == 4:
            way.clear("rp-filter", "forwarding-off")
        else:
            yield from _forwards(way, scene, travel, node, snapshot, came, evidence, routed)
    if travel.flaw is not None:
        way.block(travel.flaw)
    if routed.interface is None or not (yield from _goes_on(scene, way, travel, node, came, routed.interface)):
        return None
    return Onward(routed.interface, routed.via or travel.target, routed.mtu)


def _originate(scene: Scene, way: Way, travel: Travel, node: str) -> Asking[Decision]:
    """The node's own packet."""
    snapshot = yield from scene.look(node)
    travel.origin = node
    if travel.what != REQUEST:
        translate.comes(scene, way, travel, node, None)
    if travel.source is not None and not route.holds(snapshot, travel.source) and not _from_any(travel):
        gone = yield from lost_route(scene, node, travel.target, source=travel.source)
        way.block(gone or Finding(
            "no-address", Where(node, travel.bound, "output"), f"{node} does not have {travel.source}, from which it should send",
            evidence=(Evidence("configuration", f"no interface of {node} has {travel.source}"),),
        ))
        return None
    if (bound := snapshot.interfaces.get(travel.bound or "")) is not None and not bound.up:
        way.block(link.is_down(scene, End(node, bound.name)))
    routed: Routed = yield Route(node, travel.target, travel.source, None, travel.bound)
    if routed.error or routed.type in ERRORS:
        evidence = route.said(node, routed, travel.target)
        found = match(snapshot, travel.target, source=travel.source, oif=travel.bound)
        gone = None if found.refuses else (yield from lost_route(scene, node, travel.target))
        way.block(gone or (yield from _pathless(scene, way, travel.target, node, found, evidence)))
        return None
    travel.source = travel.chosen = travel.source or routed.source
    if travel.what == REQUEST and translate.comes(scene, way, travel, node, None):
        routed = yield from _led_away(scene, way, travel, node, snapshot)
        if routed.error or routed.type in ERRORS:
            return None
    if travel.source is not None and travel.source.is_link_local and not travel.target.is_link_local:
        travel.flaw = yield from lost_source(scene, node, routed.interface, travel.target.version)
    if routed.type == "local":
        return Local()
    yield from _strays(scene, way, travel, node, routed.interface)
    way.clear("no-route" if way.leg == "request" else "no-return-route")
    if routed.interface is None:
        return None
    travel.hops = hops.initial(snapshot, routed.interface, travel)
    travel.visited.append((node, "", routed.interface))
    return Onward(routed.interface, routed.via or travel.target, routed.mtu)


def _strays(scene: Scene, way: Way, travel: Travel, node: str, leaves: str | None) -> Asking[None]:
    """A wider route leads it. It is followed: a way round what is gone may have been laid on purpose."""
    stray = yield from strayed(scene, node, travel.target, leaves)
    if stray is not None:
        way.detour(stray)


def _from_any(travel: Travel) -> bool:
    """An IPv6 tunnel may send from any address (udp_tunnel6_dst_lookup does not ask), one of IPv4 not (ip_route_output_key_hash_rcu)."""
    return travel.tunnel is not None and travel.target.version == 6


def _led_away(scene: Scene, way: Way, travel: Travel, node: str, snapshot: Snapshot) -> Asking[Routed]:
    """The node's own packet was translated behind its routing, and is routed again (net/ipv4/netfilter.c ip_route_me_harder)."""
    routed: Routed = yield Route(node, travel.target, travel.source, None, travel.bound)
    if routed.error or routed.type in ERRORS:
        evidence = route.said(node, routed, travel.target, travel.source)
        onward: Routed = yield Route(node, travel.target)
        gone = yield from strayed(scene, node, travel.target, onward.interface)
        kept = gone or mistranslated.stuck(node, snapshot, onward.interface, travel.source, evidence)
        way.block(kept or route.refused(node, snapshot, match(snapshot, travel.target), evidence, travel.target, way.leg))
    return routed


def _refuse(  # noqa: PLR0911 - as many as decide
    scene: Scene, way: Way, travel: Travel, node: str, snapshot: Snapshot, came: str, evidence: Evidence,
) -> Asking[bool]:
    """A packet from outside is refused. Returns whether nothing can be told of what is behind it."""
    found = match(snapshot, travel.target, source=travel.source, iif=came)
    if found.refuses:
        way.block(route.refused(node, snapshot, found, evidence, travel.target, way.leg))
        return True
    local = route.holds(snapshot, travel.target)
    if local and (found.route is None or found.route.type != "local"):
        way.block(*_not_local(node, snapshot, came, travel, evidence))
        return True
    onward: Routed = yield Route(node, travel.target)
    if not local:
        missing = neighbour.missing_from(scene, node, travel.target)
        if missing is not None:
            way.block(missing)
            return True
        off = route.no_forwarding(node, snapshot, came, travel.target.version, evidence)
        if off is not None:
            way.block((yield from routers.instead(scene, hops.not_a_router(scene, travel, node, came, onward, off), travel.target)))
            return bool(onward.error) or onward.interface == came
    if any(one.node == node and one.now_source == travel.source for one in way.bindings) and travel.origin != node and not local:
        travel.visited.append((node, came, came))  # it was translated here, and is back: its source is the node's own by now
        way.block(hops.loop(scene, travel, (yield from scene.drift(*(been[0] for been in travel.visited)))))
        return True
    if found.route is None:
        gone = yield from lost_route(scene, node, travel.target)
        way.block(gone or (yield from _pathless(scene, way, travel.target, node, found, evidence)))
        return True
    if travel.target.version == 4 and travel.source is not None:
        refusals = yield from believed(scene, node, came, travel.source, travel.target, evidence)
        way.block(*refusals)
        way.clear(*(["rp-filter"] if not effective(snapshot, came, "rp_filter") else []))
        if not refusals:
            way.block(Finding("unknown", Where(node, came, "input"), f"{node} refuses the packet, says its kernel", evidence=(evidence,)))
    return False


def _pathless(scene: Scene, way: Way, target: IP, node: str, found: Match, evidence: Evidence) -> Asking[Finding]:
    """No route, or one that refuses. Where nothing that was there is gone, a router on the segment may know the way."""
    plain = route.refused(node, scene.snapshots[node], found, evidence, target, way.leg)
    if found.refuses or plain.fixes:
        return plain
    return replace(plain, fixes=(yield from routers.ways(scene, node, target)))


def _not_local(node: str, snapshot: Snapshot, came: str, travel: Travel, evidence: Evidence) -> list[Finding]:
    """An address that is here and does not count: because duplicate detection failed, or because its local route is gone."""
    unready = list(neighbour.unready(End(node, came), snapshot, travel.target))
    return unready or [route.not_local(node, snapshot, came, travel.target, evidence)]


def _forwards(  # noqa: PLR0913, PLR0917 - see _refuse
    way: Way, scene: Scene, travel: Travel, node: str, snapshot: Snapshot, came: str, evidence: Evidence, onward: Routed,
) -> Asking[None]:
    """IPv6 looks up the route first and only then whether it forwards (ip6_forward), so the answer does not tell."""
    off = route.no_forwarding(node, snapshot, came, 6, evidence)
    if off is not None:
        way.block((yield from routers.instead(scene, hops.not_a_router(scene, travel, node, came, onward, off), travel.target)))
    else:
        way.clear("forwarding-off")


def _goes_on(scene: Scene, way: Way, travel: Travel, node: str, came: str, leaves: str) -> Asking[bool]:
    """Count the hop; a packet that is where it was before goes round until its TTL is used up."""
    if any(been[:2] == (node, came) for been in travel.visited):
        way.block(hops.loop(scene, travel, (yield from scene.drift(*(been[0] for been in travel.visited)))))
        return False
    travel.visited.append((node, came, leaves))
    if travel.hops is not None:
        if travel.hops <= 1:
            way.block(hops.used_up(scene, travel, node, came))
            travel.hops = None
        else:
            travel.hops -= 1
    return True
