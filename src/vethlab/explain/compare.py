"""What should have been seen against what was: where the packet died, and which obstacle stands there.

Enters: a way and what was observed; leaves: the verdict and the further obstacles. Rule of the file: seeing refutes. An obstacle that a
packet was seen behind is none; of the others the first on the way is the verdict, unless a rule, a counter or the kernel itself named
another one at the very place.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from dataclasses import replace

from vethlab.explain import beyond
from vethlab.explain.firewall import obstacle
from vethlab.explain.icmp import arrived, told, worded
from vethlab.explain.reasons import finding_of
from vethlab.explain.untranslated import kept
from vethlab.explain.way import Obstacle, Point, Way
from vethlab.model.address import IP
from vethlab.model.finding import INFERRED, PROVEN, REQUEST, UNKNOWN, Evidence, Finding, Where
from vethlab.model.journey import ANSWER, IN, REPLY, SOLICIT, KernelDrop, Observed, Sighting
from vethlab.model.journey import REQUEST as PACKET

__all__ = ["also", "last_seen", "verdict"]

# Facts of configuration that need no packet to be certain.
CERTAIN = frozenset({
    "link-down", "port-down", "lo-down", "bridge-down", "no-carrier", "no-address", "dad-failed", "ipv6-disabled", "port-detached",
    "route-blackhole", "no-route", "no-return-route", "vxlan-no-fdb", "vxlan-vni-mismatch", "vxlan-port-mismatch", "ovs-port-missing",
    "hairpin-off",
})
NAT_KEPT = frozenset({"prerouting", "output"})  # stages at which a packet stays with, or is led to, somebody who says that he is not meant
REFUSING = frozenset({"route-blackhole", "no-route", "forwarding-off"})  # who sent the request is told of them (RFC 1812, 5.2.7.1)
ASKED = frozenset({SOLICIT, ANSWER})


def last_seen(way: Way, observed: Observed) -> int:
    """The number of the last point of the way at which the packet was seen; -1 for none."""
    own = {_key(one) for one in observed.sightings if not one.foreign}
    every = own | {_key(one) for one in observed.sightings}
    # A place that the way passes twice (a neighbour asked for in both directions, a circle) counts as passed once.
    first: dict[tuple[object, ...], int] = {}
    for number, point in enumerate(way.points):
        first.setdefault(_key(point), number)
    seen = _connected(way, {number for key, number in first.items() if key in (own if way.points[number].own else every)})
    back = [number for number, point in enumerate(way.points) if point.leg == "reply"]
    begun = any(way.points[number].what == REPLY for number in seen)
    if back and not begun and (back[0] not in seen or _never_came(way, observed)):
        # No reply began: what was seen on its way (a neighbour asked for, to send an ICMP error) is no part of one.
        seen.difference_update(back)
    return max(seen, default=-1)


def _never_came(way: Way, observed: Observed) -> bool:
    """Whether no request was seen in the node that should answer: who asks there for a neighbour does so for something else."""
    there = next((point.node for point in reversed(way.points) if point.leg == REQUEST), None)
    if there is None or way.left is not None or observed.lost:
        return False
    return not any(one.what == PACKET and one.node == there for one in observed.sightings)


def _connected(way: Way, seen: set[int]) -> set[int]:
    """Without what others asked for on an underlay meanwhile.

    A host asks there for us only once it has what it should carry, and what comes of a question is ours only if the host asked it.
    """
    found, carrying, asking = set(), True, dict[IP | None, bool]()
    for number, point in enumerate(way.points):
        if not point.asked:
            carrying, asking = number in seen, {}
        else:
            asking.setdefault(point.about, number in seen)
        if number in seen and carrying and (not point.asked or asking[point.about]):
            found.add(number)
    return found


def _key(one: Point | Sighting) -> tuple[object, ...]:
    about = one.about if one.what in ASKED else None
    return one.node, one.interface, one.direction, one.what, about, one.towards


def verdict(way: Way, observed: Observed, warnings: Sequence[Finding]) -> tuple[Finding, int]:
    """The obstacle that ended this packet, with the number of the point in front of which it stands."""
    last = last_seen(way, observed)
    chosen = next(_named(way, observed, warnings, last))
    return _complete(chosen, way, observed, last), chosen.at


def also(way: Way, chosen: Finding, at: int) -> tuple[Finding, ...]:
    """Further obstacles on the rest of the way."""
    found: dict[tuple[str, Where], Finding] = {}
    told = {chosen.slug, "mtu-exceeded"} if chosen.slug == "mtu-blackhole" else {chosen.slug}  # see _silent_mtu
    detour = any(one.is_detour and (one.finding.slug, one.finding.where) == (chosen.slug, chosen.where) for one in way.obstacles)
    for one in way.obstacles:
        key = (one.finding.slug, one.finding.where)
        if detour and one.finding.direction == chosen.direction and not one.is_detour:
            continue  # on a way that it does not go, once it goes the right one
        if one.at >= at and not one.suspect and not (key[0] in told and key[1] == chosen.where):
            found.setdefault(key, replace(one.finding, grade=PROVEN if _kernel_says(one.finding) else INFERRED))
    return tuple(found.values())


def _named(way: Way, observed: Observed, warnings: Sequence[Finding], last: int) -> Iterator[Obstacle]:
    """Candidates, the best first; the last of them always is one."""
    if observed.table_full and _could_not_ask(way, observed, last):
        yield _table_full(way, last)
    walls = [found for drop in observed.firewall if (found := obstacle(drop, way, last, refused=observed.refused)) is not None]
    walls = [_unled(way, one) or one for one in walls]
    yield from (one for one in (kept(way, observed, last),) if one is not None)
    yield from walls
    certain = sorted((one for one in way.obstacles if one.refuted_at > last and not one.suspect), key=lambda one: one.at)
    strangers = {one.where.node: one for one in warnings if one.slug == "duplicate-address"}
    closed = [one for one in way.obstacles if _refuses(one.finding)] if observed.refused and arrived(observed.errors) else []
    blamed = next((one.finding for one in (*walls, *closed, *certain)), None)
    if blamed is not None and blamed.where.node in strangers:  # who should not have the address got the packet
        yield Obstacle(last + 1, strangers[blamed.where.node])
    yield from (one for one in closed if not one.suspect)
    yield from (one for one in certain if one.is_detour and one.at <= last + 1)
    if observed.refused:
        yield from (one for one in certain if one.finding.slug in REFUSING and one.finding.direction == REQUEST)
    yield from beyond.verdicts(way, observed, last)
    yield from (one for one in certain if one.at == last + 1)
    yield from (one for one in way.obstacles if one.suspect and one.at == last + 1 and _counted(one, observed))
    leg = way.points[last].leg if last >= 0 else "request"
    yield from (Obstacle(last + 1, replace(one, direction=leg)) for one in warnings if one.slug in {"duplicate-address", "duplicate-mac"})
    yield from certain
    yield from (found for error in observed.errors if (found := told(error, way, observed, last)) is not None)
    # The kernel's own reason comes last: about half of all faults leave none, and some mislead. It never overrules what was found without.
    yield from (found for drop in observed.drops if (found := _told(drop, way, last)) is not None)
    yield from (_presumed(one) for one in way.obstacles if one.suspect and one.at == last + 1 and one.finding.slug == "tc-drop")
    yield _unknown(way, observed, last)


def _unled(way: Way, wall: Obstacle) -> Obstacle | None:
    """A packet that should have been led on, and meets what is meant for those that come in."""
    where = wall.finding.where
    if where.stage != "input":
        return None
    return next((one for one in way.obstacles if one.finding.where.node == where.node and _kept(one.finding)), None)


def _kept(found: Finding) -> bool:
    return found.slug in {"nat-missing", "nat-wrong"} and found.where.stage in NAT_KEPT


def _refuses(found: Finding) -> bool:
    """Whether somebody who got the packet says that nobody there wants it."""
    return found.slug == "port-closed" or _kept(found)


def _counted(one: Obstacle, observed: Observed) -> bool:
    """A queue or filter that drops says so in its counter, one that holds back in what waits; XDP has none."""
    cause = one.finding.inner or one.finding
    if cause.slug == "neighbour-unresolved":  # on a segment of others, by what the kernel found out
        return any((entry.node, entry.interface) == (cause.where.node, cause.where.interface) for entry in observed.unanswered)
    names, where = {"queue-drop": {"qdisc_dropped", "qdisc_waiting"}, "tc-drop": {"ingress_dropped"}}.get(cause.slug), cause.where
    return names is None or any(
        count.name in names and (count.node, count.interface) == (where.node, where.interface) for count in observed.counts
    )


def _presumed(one: Obstacle) -> Obstacle:
    """A filter that counted no drop, where a packet ended that nothing else explains: it may have led it elsewhere (act_mirred)."""
    found = one.finding
    return replace(one, finding=replace(
        found, summary=f"{found.summary}, or leads it elsewhere", evidence=tuple(replace(said, kernel=False) for said in found.evidence),
    ))


def _could_not_ask(way: Way, observed: Observed, last: int) -> bool:
    """Whether it ended where a neighbour should have been asked for: a full table stops that, and nothing else (neigh_create)."""
    asks = last + 1 < len(way.points) and way.points[last + 1].what == SOLICIT
    return asks or not way.points or observed.errno == errno.ENOBUFS


def _table_full(way: Way, last: int) -> Obstacle:
    node = way.points[max(last, 0)].node if way.points else way.nodes[0]
    says = "the neighbour table refused new entries while the probe ran (ndts_table_fulls grew)"
    return Obstacle(last + 1, Finding(
        "neighbour-table-full", Where(node, None, "neighbour"), "the machine's neighbour table is full: the lab is not to blame",
        evidence=(Evidence("neighbour-table", says),),
    ))


def _told(drop: KernelDrop, way: Way, last: int) -> Obstacle | None:
    """What the kernel's own drop reason means, where it means something."""
    slug = finding_of(drop.reason, drop.function)
    if slug is None or drop.node not in way.nodes:
        return None
    where = Where(drop.node, drop.interface or None, "input")
    evidence = Evidence("kernel-drop", f"kfree_skb {drop.reason} at {drop.function}")
    summary = f"the kernel of {drop.node} dropped it: {drop.reason} at {drop.function}"
    return Obstacle(last + 1, Finding(slug, where, summary, evidence=(evidence,)))


def _unknown(way: Way, observed: Observed, last: int) -> Obstacle:
    point = way.points[last] if last >= 0 else None
    node = point.node if point is not None else way.nodes[0] if way.nodes else ""
    interface = point.interface if point is not None else None
    seen = f"last seen at {node}{':' + interface if interface else ''}" if point is not None else f"never seen leaving {node}"
    reason = f"; {observed.reason}" if observed.reason else ""
    return Obstacle(last + 1, Finding(
        "unknown", Where(node, interface, "ingress" if point is not None and point.direction == IN else "egress"),
        f"nothing that was looked at explains it: the packet was {seen}{reason}", grade=UNKNOWN,
        direction=point.leg if point else "request",
    ))


def _complete(chosen: Obstacle, way: Way, observed: Observed, last: int) -> Finding:
    """The finding with what was seen, its grade, and what was ruled out."""
    found, evidence = _held_back(_silent_mtu(chosen.finding, observed), observed), []
    point = way.points[last] if last >= 0 else None
    if point is not None:
        expected = way.points[last + 1] if last + 1 < len(way.points) else None
        unseen = f"; never: {_spotted(expected)}" if expected is not None else ""
        evidence.append(Evidence("observation", f"seen last: {_spotted(point)}{unseen}"))
    evidence += [
        Evidence("neighbour-table", f"{one.node}: {one.address} dev {one.interface} {one.state.upper()}") for one in observed.unanswered
    ][:2]
    evidence += [
        Evidence("kernel-drop", f"{drop.node}: kfree_skb {drop.reason} at {drop.function}") for drop in observed.drops
        if drop.node == found.where.node and "kernel-drop" not in {one.source for one in found.evidence}
    ][:2]
    evidence += [
        Evidence("icmp", worded(error)) for error in observed.errors if "icmp" not in {one.source for one in found.evidence}
    ][:2]
    evidence += [
        Evidence("counters", f"{count.node}:{count.interface} {count.name} +{count.by}") for count in observed.counts
        if (count.node, count.interface) == (found.where.node, found.where.interface) and count.name.endswith(("dropped", "waiting"))
    ][:2]
    certain = chosen.at == last + 1 or chosen.right_from > last or (found.inner or found).slug in CERTAIN or observed.refused
    sure = certain and _kernel_says(found) and not (observed.lost and last < 0)
    grade = UNKNOWN if found.slug == "unknown" else PROVEN if sure else INFERRED
    cleared = {*way.cleared, *(() if observed.table_full else ("neighbour-table-full",))}
    if not observed.firewall:
        cleared.add("nft-drop")
    every = [found, *(one.finding for one in way.obstacles)]
    blamed = {one.slug for one in every} | {one.inner.slug for one in every if one.inner is not None}
    where = Where(point.node, point.interface, "ingress" if point.direction == IN else "egress") if point is not None else None
    inner = None if found.inner is None else replace(found.inner, grade=grade)
    return replace(
        found, inner=inner, grade=grade, evidence=(*found.evidence, *evidence), ruled_out=tuple(sorted(cleared - blamed)), last_seen=where,
    )


def _spotted(point: Point) -> str:
    """`ARP request coming in at b:eth0`."""
    old = point.about is None or point.about.version == 4
    words = {SOLICIT: "ARP request" if old else "neighbour solicitation", ANSWER: "ARP reply" if old else "neighbour advertisement"}
    verb = "coming in at" if point.direction == IN else "leaving"
    return f"{words.get(point.what, point.what)} {verb} {point.node}:{point.interface}"


def _held_back(found: Finding, observed: Observed) -> Finding:
    """A queue that dropped nothing and has more waiting than before has our packet in it."""
    where = found.where
    names = {count.name for count in observed.counts if (count.node, count.interface) == (where.node, where.interface)}
    if found.slug != "queue-drop" or "qdisc_dropped" in names or "qdisc_waiting" not in names:
        return found
    return replace(found, summary=found.summary.replace("drops the packet", "holds the packet back for longer than it is waited for"))


def _silent_mtu(found: Finding, observed: Observed) -> Finding:
    """A packet too large of which nobody told the sender is a black hole (RFC 2923)."""
    if found.inner is not None:
        inner = _silent_mtu(found.inner, observed)
        return found if inner is found.inner else replace(found, inner=inner, evidence=inner.evidence)
    if found.slug != "mtu-exceeded" or observed.errno or observed.errors or not observed.sightings:
        return found
    says = Evidence("observation", "no ICMP error came back to the sender")
    return replace(found, slug="mtu-blackhole", summary=f"{found.summary}; and the sender is not told", evidence=(*found.evidence, says))


def _kernel_says(found: Finding) -> bool:
    return any(one.kernel for one in found.evidence)
