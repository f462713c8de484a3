"""The route that a lab file forgot: which neighbour would carry a packet further.

Enters: a node that has no route to a target; leaves: the routes to try, the likeliest first. Rule of the file: a neighbour is offered
because of where it stands; what it does with the packet then is for the rehearsal to prove, which mends what comes next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from vethlab.explain import fixes
from vethlab.explain.fib import ERRORS
from vethlab.explain.questions import Route, Routed
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.segment import members
from vethlab.model.address import IP, IPInterface
from vethlab.model.finding import Fix
from vethlab.model.link import LOOPBACK, End
from vethlab.model.snapshot import Snapshot

__all__ = ["ways"]

MOST_ASKED = 8  # routers on one segment that are asked


class _Router(NamedTuple):
    """A neighbour on a segment: the address to send to.

    `rank`: 0 forwards and knows the way, 1 would have to be told it too, 2 knows it and does not forward.
    """

    rank: int
    address: IP


def ways(scene: Scene, node: str, target: IP) -> Asking[tuple[Fix, ...]]:
    """The routes that would lead the packet to a router. None where the lab file names a route that is gone: that one is the mend."""
    if any(one.node == node and one.kind == "route" for one in (yield from scene.drift())):
        return ()
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
    return tuple(_add(scene, node, snapshot, target, one.address) for one in sorted(found, key=lambda one: one.rank))


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


def _add(scene: Scene, node: str, snapshot: Snapshot, target: IP, router: IP) -> Fix:
    """The route: to everywhere for a node that forwards nothing and has no such route, else to the segment of the target."""
    family = ("-6",) if target.version == 6 else ()
    whole = any(route.destination.prefixlen == 0 and route.destination.version == target.version for route in snapshot.routes)
    prefix = "default" if node not in scene.wiring.forwards and not whole else next(_segments(scene, target), str(target))
    words = (prefix, "via", str(router))
    add = fixes.command(node, "ip", *family, "route", "add", *words, undo=(("ip", *family, "route", "del", *words),))
    return fixes.fix(f"give {node} a route: {prefix} via {router}", add)


def _segments(scene: Scene, target: IP) -> Iterator[str]:
    """The networks of the interfaces that have the target as an address."""
    return (str(one.network) for owner in scene.wiring.owners(target) for one in _addresses(scene, owner) if one.ip == target)
