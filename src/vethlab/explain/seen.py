"""What was seen, as the steps of a path that people can read.

Enters: a way and what was observed; leaves: path hops of the request and of the reply, and sentences worth saying. Rule of the file: each
place once, in the order of time; copies that a bridge flooded elsewhere are left out where the way is known.
"""

from __future__ import annotations

from dataclasses import replace

from vethlab.explain.walk import Walked
from vethlab.explain.way import Way
from vethlab.model.finding import PathHop
from vethlab.model.journey import ANSWER, ERROR, REPLY, REQUEST, SOLICIT, Observed, Sighting
from vethlab.model.link import LOOPBACK

__all__ = ["hops", "notes"]


def hops(way: Way, observed: Observed) -> tuple[tuple[PathHop, ...], tuple[PathHop, ...]]:
    """The request's path and the reply's."""
    places = {(point.node, point.interface) for point in way.points}
    own = {(point.node, point.interface) for point in way.points if point.own}
    carried = {(point.node, point.interface, point.towards) for point in way.points}
    request: list[PathHop] = []
    reply: list[PathHop] = []
    seen: set[tuple[object, ...]] = set()
    last: dict[str, tuple[str, ...]] = {}
    answered = False
    for one in sorted(observed.sightings, key=lambda sighting: sighting.ns):
        key = (one.node, one.interface, one.direction, one.what, one.about, one.towards)
        if key in seen or (one.foreign and (one.node, one.interface) not in places):
            continue
        if one.towards is not None and places and (one.node, one.interface, one.towards) not in carried:
            continue  # a copy for another host
        if one.what in {SOLICIT, ANSWER} and places and (one.node, one.interface) not in places:
            continue
        seen.add(key)
        answered = answered or one.what in {REPLY, ERROR}
        hop = _hop(one, misled=one.foreign and (one.node, one.interface) in own)
        if way.bindings and one.ends:
            hop = replace(hop, note=_translated(way, one, last.get(one.what)))
            last[one.what] = one.ends
        (reply if answered and one.what != REQUEST else request).append(hop)
    return tuple(request), tuple(reply)


def _translated(way: Way, one: Sighting, last: tuple[str, ...] | None) -> str:
    """A packet with its addresses, and by which rules they became what they are."""
    note = f"{one.what} {' → '.join(one.ends)}"
    before = last
    if last is None and one.what == REQUEST and way.flow is not None:
        before = one.ends if one.ends[1].startswith((f"{way.flow.dst.address}", f"[{way.flow.dst.address}]")) else ()
    if before is None or before == one.ends:
        return note
    if one.what != REQUEST:
        return f"{note}: turned back"
    changed = [not before or before[side] != one.ends[side] for side in (0, 1)]  # the source, the target
    hits = [hit for held in way.bindings if held.node == one.node for hit in held.hits if changed[hit.hook != "postrouting"]]
    return f"{note}: {', '.join(f'{hit.rule.verdict} by {hit.chain} handle {hit.rule.handle}' for hit in hits) or 'translated'}"


def _hop(one: Sighting, *, misled: bool) -> PathHop:
    texts = {
        SOLICIT: f"{'ARP who-has' if one.about is None or one.about.version == 4 else 'solicitation:'} {one.about}",
        ANSWER: f"{'ARP' if one.about is None or one.about.version == 4 else 'advertisement:'} {one.about} is at {one.source_mac}",
        REQUEST: "request", REPLY: "reply", ERROR: f"ICMP error from {one.sender}",
    }
    note = texts[one.what] + (f" in {one.carried}" if one.carried else "") + _misled(one, misled=misled)
    return PathHop(one.node, one.interface, one.direction, one.ns, note)


def _misled(one: Sighting, *, misled: bool) -> str:
    if one.vlan:
        return f" in VLAN {one.vlan}"
    return ", for another MAC" if misled else ""


def notes(walked: Walked, observed: Observed) -> tuple[str, ...]:
    """Sentences about this path that surprise people."""
    found = []
    way, source = walked.way, walked.source
    if observed.ok and any(point.interface == LOOPBACK and point.leg == "reply" for point in way.points) and any(
        point.interface != LOOPBACK for point in way.points
    ):
        found.append(f"the reply goes over lo: {source} is local there, and the local table is asked first (ip rule 0: lookup local)")
    if observed.lost:
        found.append(f"{observed.lost} frames found no room in a ring: what was not seen may have passed all the same")
    return tuple(found)
