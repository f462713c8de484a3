"""One look at a lab for whoever watches it: counters, states of interfaces, where a trace would have to stand.

Enters: namespaces and names; leaves: a Look. Rule of the file: a few dumps a node over sockets that are closed again, so that nothing keeps
a namespace alive.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from vethlab.errors import KernelError
from vethlab.kernel.inside import Inside, each
from vethlab.kernel.netlink import interface, neighbour_table
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.link import RTM_GETLINK
from vethlab.kernel.netlink.nftables import NFT_TABLE_F_DORMANT, Chain, Place, chains, places, tables
from vethlab.kernel.netlink.queues import queues
from vethlab.kernel.port import Namespaces
from vethlab.kernel.rulesets import TRACE_TABLE
from vethlab.observe.counted import Counted
from vethlab.observe.freed import LinkState

__all__ = ["Look", "Ruleset", "look"]

_SIOCGSKNS = 0x894C  # include/uapi/linux/sockios.h: a descriptor of the namespace a socket is in
_TOP = frozenset({"root", "ingress"})  # a queue above others counts their drops too


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The base chains of a node, and where a trace of it has to stand."""

    chains: tuple[Chain, ...]
    places: tuple[Place, ...]


@dataclass(slots=True)
class Look:
    """What was seen. `refused`: of the machine's neighbour table by family, how often it refused and what it holds at most."""

    counted: list[Counted] = field(default_factory=list)
    states: dict[tuple[str, int], LinkState] = field(default_factory=dict)
    places: dict[str, Ruleset] = field(default_factory=dict)
    inodes: dict[int, str] = field(default_factory=dict)
    refused: dict[int, tuple[int, int]] = field(default_factory=dict)


def look(namespaces: Namespaces, names: Sequence[str], *, inodes: bool = False) -> Look:
    """Look at these nodes. `inodes`: of their namespaces too, which only root can tell. NotFoundError if one has just left."""
    seen = Look()
    for entered in each(namespaces, names):
        for node, inside in entered.items():
            _links(seen, node, inside)
            seen.places[node] = _ruleset(inside.filters)
            if inodes:
                seen.inodes[_inode(inside)] = node
            if not seen.refused:
                seen.refused = {family: (one.refused, one.limit) for family, one in neighbour_table.fill(inside.route).items()}
    return seen


def _links(seen: Look, node: str, inside: Inside) -> None:
    held = queues(inside.route)
    for part in inside.route.dump(RTM_GETLINK, interface.WITH_STATISTICS):
        told = interface.decode(*part)
        numbers = interface.counters(told)
        tops = tuple((f"{one.kind} {one.handle}", one.dropped) for one in held.get(told.number, ()) if one.parent in _TOP)
        peer = told.peer if told.kind == "veth" else 0
        silent = "" if told.up and told.carrier else "no-carrier" if told.up else "link-down"
        received, sent = numbers.get("rx_dropped", 0), numbers.get("tx_dropped", 0)
        seen.counted.append(Counted(node, told.number, told.name, told.kind, peer, received, sent, tops, silent, told.mtu))
        seen.states[node, told.number] = LinkState(told.name, told.kind, told.up, told.carrier, told.master, peer)


def _ruleset(filters: Connection | None) -> Ruleset:
    """Empty where there is none, where the kernel has no nftables, or lets this user not look."""
    if filters is None:
        return Ruleset((), ())
    try:
        others = [one for one in tables(filters) if not one.name.startswith(TRACE_TABLE) and not one.flags & NFT_TABLE_F_DORMANT]
        hooked = tuple(one for one in chains(filters) if not one.table.startswith(TRACE_TABLE)) if others else ()
    except KernelError:
        return Ruleset((), ())
    return Ruleset(hooked, tuple(places(others, hooked)))


def _inode(inside: Inside) -> int:
    descriptor = fcntl.ioctl(inside.route.socket.fileno(), _SIOCGSKNS)
    try:
        return os.fstat(descriptor).st_ino
    finally:
        os.close(descriptor)
