"""When two values mean the same: links, routes and next hops as declared against as the kernel tells them.

Rule of the file: what a declaration leaves open (None) the kernel may decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from vethlab.model.link import Link, Vxlan, gso, has_ipv6
from vethlab.model.route import NextHop, Route
from vethlab.model.shaping import Queue

TICK = 64e-9  # seconds: the kernel keeps the bucket of a tbf as a time in these (PSCHED_SHIFT, include/net/pkt_sched.h)


def matches(now: Link, goal: Link) -> bool:
    """True if a link is as declared."""
    return next(differences(now, goal), None) is None


def explain(now: Link, goal: Link) -> str:
    """The differences in words: `mtu 1500 → 9000, down → up`."""
    return ", ".join(differences(now, goal))


def differences(now: Link, goal: Link) -> Iterator[str]:
    """Each difference that counts, in words."""
    if now.up != goal.up:
        yield "down → up" if goal.up else "up → down"
    if now.mtu != goal.mtu:
        yield f"mtu {now.mtu} → {goal.mtu}"
    if goal.mac is not None and now.mac != goal.mac:
        yield f"address {now.mac} → {goal.mac}"
    if now.master != goal.master:
        yield f"master {now.master or 'none'} → {goal.master or 'none'}"
    if goal.alias is not None and now.alias != goal.alias:
        yield f"alias {now.alias or 'none'} → {goal.alias}"
    if goal.bridge is not None and now.bridge is not None and now.bridge != goal.bridge:
        yield "bridge settings differ"
    if gso(now) != gso(goal):
        yield f"largest segment {gso(now)} → {gso(goal)}"
    if goal.mode is not None and now.mode != goal.mode:
        yield f"mode {now.mode} → {goal.mode}"
    if goal.port is not None and now.port is not None:
        if now.port.isolated != goal.port.isolated:
            yield f"isolated {_switch(now.port.isolated)} → {_switch(goal.port.isolated)}"
        if now.port.hairpin != goal.port.hairpin:
            yield f"hairpin {_switch(now.port.hairpin)} → {_switch(goal.port.hairpin)}"
        if goal.port.state is not None and now.port.state != goal.port.state:
            yield f"port state {now.port.state} → {goal.port.state}"
    if goal.vxlan is not None and now.vxlan is not None:
        yield from _tunnel(now.vxlan, goal.vxlan, ("local", "learning", "ttl", "df"))
    if goal.mark is not None and now.mark != goal.mark:
        yield f"mark {now.mark or 'none'} → {goal.mark}"
    if goal.kind != "loopback" and has_ipv6(goal) and now.link_local != goal.link_local:
        yield f"link-local address {_switch(now.link_local)} → {_switch(goal.link_local)}"


def rebuilt(now: Link, goal: Link) -> str:
    """Why a link is removed and another one made in its place."""
    if now.vxlan is None or goal.vxlan is None:
        return "another link has its place"
    found = [*_tunnel(now.vxlan, goal.vxlan, ("vni", "port", "local", "group", "learning", "ttl", "df", "remote_sum"))]
    found += [f"out of {_said(now.lower)} → {_said(goal.lower)}"] if now.lower != goal.lower else []
    return ", ".join(found)


def adjustable(now: Vxlan | None, goal: Vxlan | None) -> bool:
    """Whether a device can be made what it should be: what cannot be changed is so already, and the family of its address."""
    if now is None or goal is None:
        return now is goal
    families = {one.local.version for one in (now, goal) if one.local is not None}
    return now.settled == goal.settled and len(families) < 2


def _tunnel(now: Vxlan, goal: Vxlan, keys: Iterable[str]) -> Iterator[str]:
    pairs = [(key, getattr(now, key), getattr(goal, key)) for key in keys]
    yield from (f"{key} {_said(was)} → {_said(wanted)}" for key, was, wanted in pairs if was != wanted)


def alike(now: Queue | None, goal: Queue) -> bool:
    """Whether the kernel's queue is the one asked for: a bucket comes back rounded to what passes in a tick."""
    if now is None:
        return False
    slack = 2 + goal.rate / 8 * TICK * 2
    return replace(now, burst=goal.burst) == goal and abs(now.burst - goal.burst) <= slack


def covers(goal: Route, found: Route) -> bool:
    """True if the kernel's route `found` is what `goal` declares; a next hop without device fits any device."""
    if (goal.destination, goal.type, goal.metric) != (found.destination, found.type, found.metric):
        return False
    if (goal.source is not None and goal.source != found.source) or (goal.made is not None and goal.made != found.made):
        return False
    if len(goal.next_hops) != len(found.next_hops):
        return False
    rest = list(found.next_hops)
    for hop in goal.next_hops:
        fit = next((one for one in rest if _fits(hop, one)), None)
        if fit is None:
            return False
        rest.remove(fit)
    return True


def _fits(goal: NextHop, found: NextHop) -> bool:
    same = goal.via == found.via and goal.onlink == found.onlink and goal.interface in {None, found.interface}
    return same and goal.weight in {None, found.weight}


def _said(value: object) -> str:
    return _switch(value) if isinstance(value, bool) else "none" if value is None else str(value)


def _switch(value: bool) -> str:
    return "on" if value else "off"
