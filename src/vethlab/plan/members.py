"""What hangs on the interfaces of one namespace: addresses, neighbours, forwarding entries, routes.

Enters: a namespace before and after; leaves: changes, in the order in which the kernel takes them. Rule of the file: what hung on an
interface that goes is gone with it, what hangs on one of somebody else is his, and only the rest is compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from vethlab import change as ops
from vethlab.model.state import Address, Netns, surviving
from vethlab.plan.differences import covers

if TYPE_CHECKING:
    from vethlab.change import Change
    from vethlab.model.fdb import Forward

EXTRA = "in the running lab, but not declared"
FEW = 8  # what is sorted for the reader's sake; a fabric's node has a route to everywhere


def kept(before: Netns, gone: Collection[str]) -> frozenset[Address]:
    """The addresses that are there once interfaces are gone."""
    return frozenset(one for one in before.addresses if one.interface not in gone) if gone else before.addresses


def members(
    name: str, before: Netns, after: Netns, *, missing: frozenset[Address], gone: Collection[str], why: str, there: bool,
) -> Iterator[Change]:
    """`missing`: the addresses to add; `gone`: interfaces that are removed; `why`: of what is added; `there`: whether the namespace is."""
    foreign = {link.name for link in before.links.values() if link.name not in after.links}
    for old in before.neighbours - after.neighbours:
        if old.interface not in gone and old.interface not in foreign:
            yield ops.RemoveNeighbour(name, old, EXTRA)
    for address in sorted(kept(before, gone) - after.addresses, key=str):
        if address.interface not in foreign:
            yield ops.RemoveAddress(name, address, EXTRA)
    for address in sorted(missing, key=str):
        yield ops.AddAddress(name, address, why)
    for entry in after.neighbours - before.neighbours:
        yield ops.AddNeighbour(name, entry, why)
    yield from _forwards(name, before, after, {*gone, *foreign}, why)
    yield from _routes(name, (before, after), gone, foreign, why=why, there=there)


def _forwards(name: str, before: Netns, after: Netns, gone: set[str], why: str) -> Iterator[Change]:
    """What VXLAN devices know; an entry that leads elsewhere than it should goes before the right one comes."""
    if before.fdb == after.fdb and not gone:  # hundreds in each host: what is read back is compared once
        return
    held = {entry for entry in before.fdb if entry.interface not in gone}
    for entry in sorted(held - after.fdb, key=_place):
        yield ops.RemoveForward(name, entry, EXTRA)
    for entry in sorted(after.fdb - held, key=_place):
        yield ops.AddForward(name, entry, why)


def _routes(
    name: str, spaces: tuple[Netns, Netns], gone: Collection[str], foreign: set[str], *, why: str, there: bool,
) -> Iterator[Change]:
    before, after = spaces
    left = surviving(before.routes, gone)
    here = [route for route in left if not route.next_hops or not {hop.interface for hop in route.next_hops} <= foreign]
    missing = set(after.routes)
    extra = []
    for route in here:
        found = next((goal for goal in missing if covers(goal, route)), None)
        if found is None:
            extra.append(route)
        else:
            missing.discard(found)
    for route in sorted(extra, key=str):
        yield ops.RemoveRoute(name, route, EXTRA)
    for route in sorted(missing, key=str) if there or len(missing) <= FEW else missing:
        yield ops.AddRoute(name, route, why)


def _place(entry: Forward) -> tuple[str, str, int, int, int]:
    return entry.interface, entry.mac, int(entry.remote), entry.port or 0, entry.vni or 0
