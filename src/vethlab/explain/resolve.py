"""From an address on the segment to the interface that gets the frame: ARP or neighbour discovery, asked and answered.

Enters: who sends, by which interface, to which next hop; leaves: the owner and the track to it. Rule of the file: an entry the kernel
holds valid is believed, as the kernel does; else the question goes out, is checked by the owner as the kernel checks it (arp_process runs
the whole input route look-up, source validation included), and the answer comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from vethlab.explain import openflow_match, routers
from vethlab.explain.carry import carry
from vethlab.explain.loss import believed
from vethlab.explain.questions import Route, Routed
from vethlab.explain.rules import neighbour, route
from vethlab.explain.rules.bridge import Frame
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.segment import Crossing, Track, owners
from vethlab.explain.settings import effective
from vethlab.explain.way import Way
from vethlab.model.address import IP
from vethlab.model.finding import Finding
from vethlab.model.journey import ANSWER, OUT, SOLICIT
from vethlab.model.link import End
from vethlab.model.snapshot import NeighbourEntry, Snapshot

__all__ = ["Found", "resolve"]


class Found(NamedTuple):
    """Who gets the frame, over which track, under which MAC the sender knows it; `missed`: why it does not get it."""

    owner: End
    track: Track
    mac: str
    missed: Finding | None = None


def resolve(
    scene: Scene, way: Way, sender: End, next_hop: IP, source: IP | None, target: IP, segment: Mapping[End, Track],
) -> Asking[Found | None]:
    """Who gets a frame for `next_hop`; None where nobody can."""
    snapshot = yield from scene.look(sender.netns)
    for end in scene.wiring.meant_for(next_hop):
        yield from scene.look(end.netns)
    having = owners(scene, segment, next_hop)
    held = [one for one in snapshot.neighbours if one.interface == sender.interface and one.address == next_hop and one.valid]
    entry = next((one for one in held if not _made_by_kernel(snapshot, sender, one)), None)
    known = [] if entry is None else [end for end in segment if _mac(scene, end) == entry.mac]
    for end in (*having, *known):
        yield from scene.look(end.netns)
    if entry is not None and entry.mac is not None:
        return _believe(scene, way, sender, entry, having, segment)
    if not having:
        # The question is flooded and nobody in particular is asked: an obstacle right at the sender is told all the same.
        first = Crossing(sender, OUT, sender if scene.is_bridge(sender) else None)
        yield from carry(scene, way, Track((first,)), Frame(SOLICIT, "", 0, next_hop.version), next_hop)
        way.block((yield from routers.instead(scene, neighbour.nobody(scene, sender, next_hop, target, segment), target)))
        return None
    owner = _chosen(scene, having, next_hop)
    track = segment[owner]
    for one in neighbour.deaf(scene, sender):  # it asks nobody and sends to its own MAC
        return Found(owner, track, _mac(scene, owner), one)
    asker, asker_mac, mac = _asks_as(snapshot, sender, source, next_hop), snapshot.interfaces[sender.interface].mac, _mac(scene, owner)
    question = Frame(SOLICIT, "", 0, next_hop.version, asker_mac, openflow_match.question(next_hop, asker))
    yield from carry(scene, way, track, question, next_hop)
    yield from _answers(scene, way, owner, next_hop, asker)
    answer = Frame(ANSWER, asker_mac, 0, next_hop.version, mac, openflow_match.answer(next_hop, asker))
    yield from carry(scene, way, track.back(), answer, next_hop)
    way.clear("neighbour-unresolved", "neighbour-wrong", "arp-suppressed")
    return Found(owner, track, mac)


def _made_by_kernel(snapshot: Snapshot, sender: End, entry: NeighbourEntry) -> bool:
    """Whether it is what an interface with ARP off sends by: its own MAC, noted by the first packet (net/ipv4/arp.c arp_constructor)."""
    interface = snapshot.interfaces[sender.interface]
    return not interface.arp and entry.state == "noarp" and entry.mac == interface.mac


def _chosen(scene: Scene, having: list[End], address: IP) -> End:
    """Of several owners the one that the lab file means."""
    meant = set(scene.wiring.meant_for(address))
    return next((end for end in having if end in meant), having[0])


def _believe(
    scene: Scene, way: Way, sender: End, entry: NeighbourEntry, having: list[End], segment: Mapping[End, Track],
) -> Found | None:
    """The kernel has an entry and asks nobody."""
    named = [end for end in segment if _mac(scene, end) == entry.mac]
    right = [end for end in named if end in having]
    if right:
        return Found(right[0], segment[right[0]], entry.mac or "")
    if not having:
        if named:  # somebody without the address gets the frame: what becomes of it is decided there
            return Found(named[0], segment[named[0]], entry.mac or "")
        way.block(neighbour.nobody(scene, sender, entry.address, entry.address, segment))
        return None
    owner = having[0]
    mac = _mac(scene, owner)
    return Found(owner, segment[owner], mac, neighbour.lying(sender, entry, mac, owner))


def _answers(scene: Scene, way: Way, owner: End, asked: IP, asker: IP | None) -> Asking[None]:
    snapshot = yield from scene.look(owner.netns)
    way.block(*neighbour.deaf(scene, owner))
    if asked.version == 6:
        way.block(*neighbour.unready(owner, snapshot, asked))
        way.clear("dad-failed", "ipv6-disabled")
        return
    if asker is not None:
        routed: Routed = yield Route(owner.netns, asked, asker, owner.interface)
        if routed.error:
            evidence = route.said(owner.netns, routed, asked, asker, owner.interface)
            way.block(*(yield from believed(scene, owner.netns, owner.interface, asker, asked, evidence)))
            way.clear(*(["rp-filter"] if not effective(snapshot, owner.interface, "rp_filter") else []))
        else:
            way.clear("local-source", "rp-filter")
    way.block(*neighbour.silent(owner, snapshot, asked, asker))
    if asker is not None and effective(snapshot, owner.interface, "arp_filter"):
        back: Routed = yield Route(owner.netns, asker, asked)
        way.block(*neighbour.filtered(owner, snapshot, asker, None if back.error else back.interface))


def _asks_as(snapshot: Snapshot, sender: End, source: IP | None, next_hop: IP) -> IP | None:
    """The sender address of the ARP request (net/ipv4/arp.c arp_solicit)."""
    own = [held.address for held in snapshot.addresses if held.interface == sender.interface and held.address.version == next_hop.version]
    if source is not None and route.holds(snapshot, source) and effective(snapshot, sender.interface, "arp_announce") == 0:
        return source
    near = [one.ip for one in own if next_hop in one.network] or [one.ip for one in own]
    return near[0] if near else source


def _mac(scene: Scene, end: End) -> str:
    wire = scene.wire(end)
    return "" if wire is None else wire.mac
