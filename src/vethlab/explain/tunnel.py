"""From one VXLAN device to another: the frame becomes the load of a UDP packet, whose way over the underlay is a way like any other.

Enters: the device that sends, the one that should get it, a frame; leaves: points and obstacles, written into the way. Rule of the file:
the inner and the outer packet are one story. Where the outer packet is seen, the frame is; what stops it on the underlay is the underlay's
own finding, carried inside `underlay-broken`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from vethlab.explain import fixes
from vethlab.explain.rules import outer, vxlan
from vethlab.explain.rules.bridge import Frame
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.segment import Track
from vethlab.explain.travel import Travel, Tunnelled
from vethlab.explain.way import Way
from vethlab.model.address import IP
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.flow import UDP
from vethlab.model.journey import OUT, OUTER, REPLY, REQUEST, Outer
from vethlab.model.link import End

__all__ = ["cross", "inside", "unchecked"]

OVERHEAD = {4: 50, 6: 70}  # outer IP, UDP and VXLAN headers and the inner Ethernet header (RFC 7348, section 4.3)


@dataclass(frozen=True, slots=True)
class _Underlay:
    """The way of an outer packet; `source` is what it is sent from."""

    way: Way
    source: IP | None
    arrived: End | None


class Ends(NamedTuple):
    """From which node to which, and by which address of it."""

    sender: str
    receiver: str
    target: IP


def cross(scene: Scene, way: Way, sender: End, receiver: End, frame: Frame, about: IP | None) -> Asking[None]:
    """Carry a frame over."""
    yield from scene.look(sender.netns)
    yield from scene.look(receiver.netns)
    device = vxlan.settings(scene, sender)
    if device is None:
        return
    drift = yield from scene.drift(*([sender.netns, receiver.netns] if vxlan.differ(scene, sender, receiver) else []))
    leads = vxlan.leads(scene, device, sender, receiver, frame.mac)
    way.block(*vxlan.unknown(scene, sender, receiver, leads, drift))
    target = leads.target
    if target is None:
        return
    astray = yield from outer.homeless(scene, sender, target)
    if astray is not None:
        way.block(replace(inside(astray, sender.netns, receiver.netns), direction=way.leg))
        device = replace(device, local=None)  # what stands behind it
    mislaid = yield from outer.remembered(scene, sender, receiver, frame.mac, target)
    way.suspect(*([] if mislaid is None else [replace(inside(mislaid, sender.netns, receiver.netns), direction=way.leg)]))
    under = yield from _underlay(scene, Tunnelled(sender, device), leads, target, frame)
    _merge(way, under, frame, about, Ends(sender.netns, receiver.netns, leads.group or target))
    if under.source is not None:
        way.outers.append(Outer(sender.netns, receiver.netns, under.source, leads.group or target, leads.port, leads.vni))
    way.block(*vxlan.strangers(scene, sender, receiver, leads, drift))
    way.clear("vxlan-no-fdb", "vxlan-vni-mismatch", "vxlan-port-mismatch", "underlay-broken")


def unchecked(scene: Scene, track: Track, frame: Frame) -> Finding | None:
    """A checksum inside, which the VXLAN device leaves to those below, and a switch in user space takes for that of the outer packet."""
    if frame.what not in {REQUEST, REPLY} or not frame.match.startswith(("tcp", "udp")):
        return None
    for step, behind in pairwise(track.steps):
        below = [one.way for key, one in scene.underlays.items() if key[0] == step.end and step.direction == OUT]
        places = {(point.node, point.interface) for way in below for point in way.points if point.what == OUTER}
        bridge = next((
            bridge for bridge, seen in scene.wiring.switches.items()
            if step.end in seen.carrying and any((bridge.netns, port) in places for port in seen.ports)
        ), None)
        if bridge is not None:
            return _unsummed(step.end, behind.end, bridge)
    return None


def _unsummed(sender: End, receiver: End, bridge: End) -> Finding:
    off = [
        fixes.command(end.netns, "ethtool", "-K", end.interface, "tx", "off", undo=(("ethtool", "-K", end.interface, "tx", "on"),))
        for end in (sender, receiver)  # the answer needs it too
    ]
    says = f"{bridge} forwards in user space and fills in outer checksums only, and {sender} leaves those inside to its device"
    return Finding(
        "checksum-offload", Where(sender.netns, sender.interface, "egress"),
        f"{sender} carries packets whose checksum nobody fills in: the receiver drops them",
        evidence=(Evidence("configuration", says),),
        fixes=(fixes.fix(f"let {sender.netns} and {receiver.netns} fill in what they carry", *off),),
    )


def _underlay(scene: Scene, tunnel: Tunnelled, leads: vxlan.Leads, target: IP, frame: Frame) -> Asking[_Underlay]:
    """The outer packet's way, walked once for each size. Only what is for a group is bound to the device's `dev` (vxlan_xmit_one)."""
    sender, device, interface = tunnel.end, tunnel.device, scene.interface(tunnel.end)
    bound = interface.lower if interface is not None and leads.group is not None else None
    length = frame.length + OVERHEAD[target.version] if frame.length else 0
    cut = frame.what == REPLY and frame.version == 4  # as in explain/walk.py: no echo reply says don't-fragment
    whole = target.version == 4 and (device.df == "set" or (device.df == "inherit" and not cut))
    from vethlab.explain.walk import leg  # noqa: PLC0415 - a way leads over tunnels, and a tunnel's way is a way

    key = (sender, target, bound, leads.port, length, cut)
    if key not in scene.underlays:
        sub = Way()
        travel = Travel(
            OUTER, target, device.local, length, bound=bound, cut=cut, whole=whole, tunnel=tunnel, kind=UDP, port=leads.port,
        )
        arrived = yield from leg(scene, sub, travel, sender.netns)
        scene.underlays[key] = _Underlay(sub, travel.source, arrived)
    found: _Underlay = scene.underlays[key]
    return found


def _merge(way: Way, under: _Underlay, frame: Frame, about: IP | None, ends: Ends) -> None:
    begin = len(way.points)
    for point in under.way.points:
        if point.what == OUTER:
            way.points.append(replace(point, what=frame.what, about=about, leg=way.leg, underlay=True, towards=ends.target))
        else:
            way.points.append(replace(point, leg=way.leg, underlay=True, asked=True))
    for node in under.way.nodes:
        way.visits(node)
    for one in under.way.obstacles:
        way.obstacles.append(one.behind(begin, replace(inside(one.finding, ends.sender, ends.receiver), direction=way.leg)))


def inside(found: Finding, sender: str, receiver: str) -> Finding:
    """A finding of the underlay as one of the overlay."""
    return Finding(
        "underlay-broken", Where(found.where.node, found.where.interface, found.where.stage),
        f"the underlay does not carry the overlay's packets from {sender} to {receiver}: {found.summary}", direction=found.direction,
        grade=found.grade, evidence=found.evidence, fixes=found.fixes, inner=found,
    )
