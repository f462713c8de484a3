"""Packets among routers: sent to somebody who is none, in a circle, or with too short a life.

Enters: a travel; leaves: findings. Rule of the file: the node at fault is the one whose table sent the packet there; where the lab file is
known, what drifted from it decides.
"""

from __future__ import annotations

from vethlab.explain import fixes
from vethlab.explain.fib import match
from vethlab.explain.questions import Routed
from vethlab.explain.rules import outer
from vethlab.explain.rules.route import bare, removal, route_text
from vethlab.explain.scene import Scene
from vethlab.explain.travel import Travel
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.snapshot import Drift, FibRoute, Snapshot

__all__ = ["initial", "loop", "not_a_router", "used_up"]

DEFAULT_HOPS = 64


def initial(snapshot: Snapshot, interface: str, travel: Travel) -> int:
    """The TTL a packet starts with: its tunnel's own, its route's own, or the node's (ip4_dst_hoplimit, ip6_dst_hoplimit)."""
    given = travel.tunnel.device.ttl if travel.tunnel is not None else 0
    line = _line(snapshot, travel)
    return given or (line.hop_limit if line is not None else 0) or _usual(snapshot, interface, travel.target.version)


def _usual(snapshot: Snapshot, interface: str, version: int) -> int:
    if version == 4:
        return int(snapshot.sysctls.get("net.ipv4.ip_default_ttl", "") or DEFAULT_HOPS)
    found = snapshot.interfaces.get(interface)
    return DEFAULT_HOPS if found is None else found.ipv6.get("hop_limit", DEFAULT_HOPS)


def _line(snapshot: Snapshot, travel: Travel) -> FibRoute | None:
    """The route that its origin sends it by."""
    return match(snapshot, travel.target, source=travel.source, oif=travel.bound).route


def not_a_router(scene: Scene, travel: Travel, node: str, came: str, onward: Routed, off: Finding) -> Finding:
    """A node that does not forward got a packet for somebody else: is it a router that is switched off, or was it the wrong one to ask?"""
    sender = travel.previous
    if sender is None or node in scene.wiring.forwards or (not onward.error and onward.interface not in {came, None}):
        return off
    route = match(scene.snapshots[sender.netns], travel.target).route
    evidence = (*off.evidence, Evidence("configuration", f"{node} is not meant to forward, and has no other way to {travel.target}"))
    nobody = not scene.wiring.owners(travel.target) and not scene.wiring.meant_for(travel.target)
    if nobody or route is None or not any(hop.via is not None for hop in route.hops):
        summary = f"{node} gets a packet for {travel.target}, which it does not have"
        return Finding("not-for-us", Where(node, came, "input"), summary, evidence=evidence)
    line = Evidence("configuration", f"{sender.netns}: {route_text(route)}")
    return Finding(
        "wrong-gateway", Where(sender.netns, sender.interface, "route"),
        f"{sender.netns} sends {travel.target} to {node}, which is no router",
        evidence=(line, *evidence), fixes=(removal(sender.netns, route),) if route.protocol != "kernel" else (),
    )


def loop(scene: Scene, travel: Travel, drift: tuple[Drift, ...]) -> Finding:
    """The packet is where it was before."""
    first = next(index for index, been in enumerate(travel.visited) if been[0] == travel.visited[-1][0] or index == len(travel.visited) - 1)
    circle = travel.visited[first:]
    drifted = {one.node for one in drift if one.kind == "route"}
    at = next((been for been in circle if been[0] in drifted), None) or next((been for been in circle if been[1] == been[2]), circle[-1])
    node, _came, leaves = at
    route = match(scene.snapshots[node], travel.target).route
    lines = dict.fromkeys(
        Evidence("configuration", f"{been[0]}: {route_text(found)}") for been in circle
        if (found := match(scene.snapshots[been[0]], travel.target).route) is not None
    )
    remedies = (removal(node, route),) if route is not None and route.protocol != "kernel" else ()
    names = " → ".join([*dict.fromkeys(been[0] for been in circle), circle[0][0]])
    return Finding(
        "routing-loop", Where(node, leaves, "route"), f"the packet goes in a circle: {names}", evidence=tuple(lines), fixes=remedies,
    )


def used_up(scene: Scene, travel: Travel, node: str, came: str) -> Finding:
    """The TTL is too small for the way."""
    if travel.tunnel is not None and travel.tunnel.device.ttl:
        return outer.short_lived(travel.tunnel, node, came)
    snapshot, leaves = scene.snapshots[travel.origin], travel.visited[0][2]
    line = _line(snapshot, travel)
    if line is not None and line.hop_limit:
        says = Evidence("configuration", f"{travel.origin}: {route_text(line)} hoplimit {line.hop_limit}; {node}:{came} would forward it")
        return Finding(
            "ttl-expired", Where(travel.origin, leaves, "output"),
            f"a route of {travel.origin} gives its packets {line.hop_limit} hops, too few to pass {node}", evidence=(says,),
            fixes=bare(travel.origin, line, f"let {travel.origin} give packets to {travel.target} the usual number of hops"),
        )
    key = "net.ipv4.ip_default_ttl"
    if travel.target.version == 6:
        key = f"net.ipv6.conf.{leaves}.hop_limit"
        value = str(_usual(snapshot, leaves, 6))
    else:
        value = snapshot.sysctls.get(key, "64")
    return Finding(
        "ttl-expired", Where(travel.origin, leaves, "output"),
        f"{travel.origin} gives its packets {value} hops, too few to pass {node}",
        evidence=(Evidence("configuration", f"{travel.origin}: {key} = {value}; {node}:{came} would have to forward it"),),
        fixes=(fixes.sysctl(travel.origin, snapshot, key, DEFAULT_HOPS),),
    )
