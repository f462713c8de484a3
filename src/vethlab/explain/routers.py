"""The route that a lab file forgot: which neighbour would carry a packet further.

Enters: a node that has no route to a target; leaves: the routes to try, the likeliest first. Rule of the file: a neighbour is offered
because of where it stands; what it does with the packet then is for the rehearsal to prove, which mends what comes next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from vethlab.explain import fixes
from vethlab.explain.fib import ERRORS, match
from vethlab.explain.questions import Route, Routed
from vethlab.explain.rules.route import removal, route_text
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.segment import members
from vethlab.model.address import IP, IPInterface
from vethlab.model.finding import Finding, Fix
from vethlab.model.link import LOOPBACK, End
from vethlab.model.snapshot import FibRoute, Snapshot

__all__ = ["instead", "ways"]

MOST_ASKED = 8  # routers on one segment that are asked
_STANDS_ON = frozenset({"route", "address", "interface", "link"})


class _Router(NamedTuple):
    """A neighbour on a segment: the address to send to.

    `rank`: 0 forwards and knows the way, 1 would have to be told it too, 2 knows it and does not forward.
    """

    rank: int
    address: IP


def ways(scene: Scene, node: str, target: IP) -> Asking[tuple[Fix, ...]]:
    """The routes that would lead the packet to a router."""
    found = yield from _near(scene, node, target)
    return tuple(_add(node, target, _towards(scene, node, target), "via", str(one)) for one in found)


def instead(scene: Scene, wrong: Finding, target: IP) -> Asking[Finding]:
    """The same finding; if it is that the packet is sent to who is no router, with the routers to which it could be."""
    node = wrong.where.node
    if wrong.slug == "wrong-prefix":  # with the right one the target is elsewhere, and a route has to lead there
        both = [
            fixes.fix(f"{prefix.title}; {way.title}", *prefix.commands, *way.commands)
            for way in (yield from ways(scene, node, target)) for prefix in wrong.fixes
        ]
        return replace(wrong, fixes=(*wrong.fixes, *both))
    line = match(scene.snapshots[node], target).route
    if wrong.slug != "wrong-gateway" or line is None or len(line.hops) != 1 or line.hops[0].via is None:
        return wrong
    away = removal(node, line)
    words = route_text(line).split()
    found = [one for one in (yield from _near(scene, node, target)) if one != line.hops[0].via]
    others = [_add(node, target, words[0], "via", str(one), *_metric(line)) for one in found]
    led = [fixes.fix(f"{one.title} instead", *away.commands, *one.commands) for one in others]
    return replace(wrong, fixes=(*led, *wrong.fixes))


def _near(scene: Scene, node: str, target: IP) -> Asking[list[IP]]:
    """The addresses of routers on the node's segments, the likeliest first.

    None where a route of the lab file is gone, or what one stands on: that is the mend.
    """
    if any(one.node == node and one.kind in _STANDS_ON for one in (yield from scene.drift(node))):
        return []
    snapshot = yield from scene.look(node)
    found: list[_Router] = []
    for held in snapshot.addresses:
        interface = snapshot.interfaces.get(held.interface)
        if held.address.version != target.version or held.interface == LOOPBACK or held.address.ip.is_link_local or not interface:
            continue
        segment = yield from members(scene, End(node, held.interface))
        near = [(end, one.ip) for end in segment for one in _addresses(scene, end) if one.ip in held.address.network]
        for end, address in [one for one in near if one[0].netns != node and _has_two_sides(scene, one[0])][:MOST_ASKED]:
            rank = yield from _rank(scene, node, end, target)
            found += [] if rank is None else [_Router(rank, address)]
    return [one.address for one in sorted(found, key=lambda one: one.rank)]


def _addresses(scene: Scene, end: End) -> tuple[IPInterface, ...]:
    wire = scene.wire(end)
    return () if wire is None else wire.addresses


def _has_two_sides(scene: Scene, end: End) -> bool:
    """Whether the node has another interface than this one: who has none leads nowhere."""
    return any(wire.end != end and wire.addresses for wire in scene.wiring.of(end.netns) if wire.end.interface != LOOPBACK)


def _rank(scene: Scene, node: str, end: End, target: IP) -> Asking[int | None]:
    """How good a router it is; None if it leads nowhere, or back."""
    other = yield from scene.look(end.netns)
    forwards = end.netns in scene.wiring.forwards or _forwards(other, end.interface, target.version)
    onward: Routed = yield Route(end.netns, target)
    if onward.error or onward.type in ERRORS:
        return 1 if forwards else None
    if onward.via is not None and any(owner.netns == node for owner in scene.wiring.owners(onward.via)):
        return None
    return 0 if forwards else 2


def _forwards(snapshot: Snapshot, interface: str, version: int) -> bool:
    if version == 6:
        return bool(snapshot.all6.get("forwarding", 0))
    found = snapshot.interfaces.get(interface)
    return found is not None and bool(found.ipv4.get("forwarding", 0))


def _towards(scene: Scene, node: str, target: IP) -> str:
    """To everywhere for a node that forwards nothing and has no such route, else to the segment of the target."""
    routes = scene.snapshots[node].routes
    whole = any(route.destination.prefixlen == 0 and route.destination.version == target.version for route in routes)
    return "default" if node not in scene.wiring.forwards and not whole else next(_segments(scene, target), str(target))


def _metric(line: FibRoute) -> tuple[str, ...]:
    return ("metric", str(line.metric)) if "metric" in route_text(line).split() else ()


def _add(node: str, target: IP, *words: str) -> Fix:
    family = ("-6",) if target.version == 6 else ()
    back = ("ip", *family, "route", "del", *words)
    return fixes.fix(f"give {node} a route: {' '.join(words)}", fixes.command(node, "ip", *family, "route", "add", *words, undo=(back,)))


def _segments(scene: Scene, target: IP) -> Iterator[str]:
    """The networks of the interfaces that have the target as an address."""
    return (str(one.network) for owner in scene.wiring.owners(target) for one in _addresses(scene, owner) if one.ip == target)
