"""A frame on its track over cables and bridges: points and obstacles, step by step.

Enters: a track, a frame; leaves: what it meets, written into the way. Rule of the file: a cable that is not plugged in is told behind the
point where the frame left, because a veth whose peer just went down still sends for a while (net/core/link_watch.c).
"""

from __future__ import annotations

from vethlab.explain.rules import bridge, link, macvlan, switch
from vethlab.explain.rules.bridge import Frame
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.segment import VXLAN, Crossing, Track
from vethlab.explain.tunnel import cross
from vethlab.explain.way import Way
from vethlab.model.address import IP
from vethlab.model.journey import OUT
from vethlab.model.link import End

__all__ = ["carry"]


def carry(scene: Scene, way: Way, track: Track, frame: Frame, about: IP | None = None) -> Asking[None]:
    """Send a frame along a track. A switch with rules of its own is asked what it does with it."""
    came: End | None = None
    sent: End | None = None
    for step in track.steps:
        if step.direction == OUT:
            yield from _out(scene, way, step, came, frame, about)
            sent = step.end
        else:
            if sent is not None and _is_vxlan(scene, sent):
                yield from cross(scene, way, sent, step.end, frame, about)
            way.block(*macvlan.apart(scene, sent, step.end))
            yield from _in(scene, way, step, came, frame, about)
            came = step.end if step.bridge is not None else None


def _is_vxlan(scene: Scene, end: End) -> bool:
    wire = scene.wire(end)
    return wire is not None and wire.kind == VXLAN


def _out(scene: Scene, way: Way, step: Crossing, came: End | None, frame: Frame, about: IP | None) -> Asking[None]:
    end = step.end
    if step.bridge is not None and step.bridge != end and scene.is_switch(step.bridge):
        way.block(*(yield from switch.leaving(scene, came, end, step.bridge, frame)))
        way.clear("port-down", "openflow-drop", "ovs-tag-mismatch", "ovs-port-missing")
    elif step.bridge is not None and step.bridge != end:
        way.block(*bridge.leaving(scene, came, end, step.bridge, frame))
        way.clear("port-down", "port-blocked", "port-isolated", "port-detached", "fdb-wrong")
    else:
        way.block(*link.departure(scene, end))
    way.suspect(*link.dropped_on_exit(scene, end, "egress"))
    way.passes(end, OUT, frame.what, about)
    parent = macvlan.parent(scene, end)
    if parent is not None:
        way.visits(parent.netns)
    way.block(*link.unplugged(scene, end))
    way.clear("link-down", "no-carrier")


def _in(scene: Scene, way: Way, step: Crossing, came: End | None, frame: Frame, about: IP | None) -> Asking[None]:
    end = step.end
    way.block(*link.arrival(scene, end, frame.length))
    way.suspect(*link.dropped_on_entry(scene, end))
    if step.bridge is None and scene.is_switch(end):
        way.block(*(yield from switch.leaving(scene, came, end, end, frame)))
    elif step.bridge is None and scene.is_bridge(end):
        way.block(*link.departure(scene, end))
    way.passes(end, step.direction, frame.what, about, own=step.bridge is None and not scene.uppers(end))
    way.suspect(*link.dropped_on_exit(scene, end, "ingress"))
    if step.bridge is not None and scene.is_switch(step.bridge):
        way.block(*switch.entering(scene, end, step.bridge))
    elif step.bridge is not None:
        way.block(*bridge.entering(scene, end, step.bridge, frame))
    way.clear("mtu-blackhole")
