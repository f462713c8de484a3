"""The shared segment around an interface: who can be reached over cables and bridges without a router, and on which track.

Enters: a scene, an interface; leaves: the members of its segment, each with the track of a frame to it. Rule of the file: of several
tracks the one with the fewest obstacles is taken, as a bridge's spanning tree would; a track with an obstacle is a track all the same,
because whatever should be connected and is not is what is looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import NamedTuple

from vethlab.explain.scene import Asking, Scene
from vethlab.model.address import IP
from vethlab.model.journey import IN, OUT
from vethlab.model.link import BR_STATE_FORWARDING, End
from vethlab.model.snapshot import Interface, Wire

__all__ = ["Crossing", "Track", "members", "owners"]

VXLAN = "vxlan"
TOGETHER = "bridge"  # the mode in which macvlans pass frames to each other
OBSTACLE = 100  # in hops: a detour of any length is better than an obstacle


class Crossing(NamedTuple):
    """A frame at an interface, coming in or going out. `bridge` is set where the bridge, or the port it should be, handles the frame."""

    end: End
    direction: str
    bridge: End | None = None


class Track(NamedTuple):
    """The crossings of a frame from one interface to another, both included."""

    steps: tuple[Crossing, ...]

    def back(self) -> Track:
        """The same track in the other direction."""
        turn = {IN: OUT, OUT: IN}
        return Track(tuple(step._replace(direction=turn[step.direction]) for step in reversed(self.steps)))


def members(scene: Scene, start: End) -> Asking[dict[End, Track]]:
    """Every interface with a protocol stack of its own that frames sent from `start` reach, or would if an obstacle were removed."""
    queue: list[tuple[int, int, tuple[Crossing, ...]]] = [(0, 0, (Crossing(start, OUT, start if scene.is_bridge(start) else None),))]
    found: dict[End, Track] = {}
    done: set[tuple[End, str]] = set()
    order = 0
    while queue:
        cost, _, steps = heappop(queue)
        last = steps[-1]
        if (last.end, last.direction) in done:
            continue
        done.add((last.end, last.direction))
        lower = getattr(scene.wire(last.end), "lower", None)
        if lower is not None:  # whoever stands on an interface lives by its state
            yield from scene.look(lower.netns)
        if last.bridge is not None:  # what a bridge lets through is known inside; whoever else is on the segment need not be looked into
            yield from scene.look(last.end.netns)
        if last.direction == IN and last.bridge is None and last.end != start:
            found[last.end] = Track(steps)
            if not scene.uppers(last.end):
                continue
        for step, price in _next(scene, last):
            if (step.end, step.direction) not in done:
                order += 1
                heappush(queue, (cost + price, order, (*steps, step)))
    return found


def owners(scene: Scene, segment: Mapping[End, Track], address: IP) -> list[End]:
    """The members of a segment that answer for an address. IPv4 answers on any interface (the weak host model), IPv6 on the very one."""
    exact = [end for end in scene.wiring.owners(address) if end in segment]
    if address.version == 6:
        return exact
    nodes = {end.netns for end in scene.wiring.owners(address)}
    return exact + [end for end in segment if end.netns in nodes and end not in exact and end.netns not in {one.netns for one in exact}]


def _next(scene: Scene, last: Crossing) -> list[tuple[Crossing, int]]:
    """Where a frame goes from here, and what that costs."""
    wire = scene.wire(last.end)
    if wire is None:
        return []
    if last.direction == OUT and wire.lower is not None:
        return _beside(scene, last.end, wire, wire.lower)
    if last.direction == OUT and last.bridge != last.end:
        fars = scene.far_ends(last.end) if wire.kind == VXLAN else [wire.peer] if wire.peer is not None else []
        return [(step, 1 if wire.up and _is_up(scene, far) else OBSTACLE) for far in fars for step in _arrivals(scene, far)]
    bridge = last.bridge
    if bridge is None:  # what comes to an interface from outside is for those that stand on it
        return [(Crossing(upper, IN), 1 if _is_up(scene, upper) else OBSTACLE) for upper in scene.uppers(last.end)]
    steps = [(Crossing(port, OUT, bridge), 1 + price) for port, price in _ports(scene, bridge) if port != last.end]
    if last.direction == IN:
        steps.append((Crossing(bridge, IN), 1))
    return steps


def _beside(scene: Scene, end: End, wire: Wire, lower: End) -> list[tuple[Crossing, int]]:
    """From a macvlan: to the others on its parent, and out of the parent (drivers/net/macvlan.c macvlan_queue_xmit)."""
    fine = wire.up and _is_up(scene, lower)
    found = [(Crossing(lower, OUT), 1 if fine else OBSTACLE)]
    for other in scene.uppers(lower):
        if other != end:
            theirs = scene.wire(other)
            together = theirs is not None and theirs.up and wire.mode == theirs.mode == TOGETHER
            found.append((Crossing(other, IN), 1 if fine and together else OBSTACLE))
    return found


def _is_up(scene: Scene, end: End) -> bool:
    wire = scene.wire(end)
    return wire is not None and wire.up


def _arrivals(scene: Scene, end: End) -> list[Crossing]:
    """A frame that comes in: for a port it is the bridge's; for one that should be a port, the bridge's too, and its own."""
    joined = scene.bridge_of(end)
    meant = scene.bridge_meant_for(end)
    if meant is not None and joined is None:
        return [Crossing(end, IN, meant)]
    return [Crossing(end, IN, joined)]


def _ports(scene: Scene, bridge: End) -> list[tuple[End, int]]:
    """The ports of a bridge and those that should be, with the price of passing each."""
    found = []
    for wire in scene.wiring.of(bridge.netns):
        if wire.end == bridge or scene.is_bridge(wire.end):
            continue
        if scene.bridge_of(wire.end) == bridge:
            interface = scene.interface(wire.end)
            found.append((wire.end, 0 if interface is not None and _passes(interface) else OBSTACLE))
        elif scene.bridge_meant_for(wire.end) == bridge:
            found.append((wire.end, OBSTACLE))
    return found


def _passes(interface: Interface) -> bool:
    return interface.up and (interface.port is None or interface.port.state == BR_STATE_FORWARDING)
