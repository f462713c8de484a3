"""What a kernel holds for a lab, or should hold: desired and actual state are the same type, a plan is their difference.

Rule of the file: one Netns value for each namespace; keys are the names used in the lab file, `host` for the lab's own machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a lab without switches and overlays loads none of theirs
    from vethlab.model.address import IPInterface
    from vethlab.model.fdb import Forward
    from vethlab.model.link import Link
    from vethlab.model.nat import Table
    from vethlab.model.neighbour import Neighbour
    from vethlab.model.route import Route
    from vethlab.model.shaping import Queue
    from vethlab.model.switch import Switch


@dataclass(frozen=True, slots=True)
class Address:
    """An address of an interface, its IPv6 link-local one included; what lo and router advertisements bring is not state."""

    interface: str
    address: IPInterface


@dataclass(frozen=True, slots=True)
class Process:
    """A `run:` command (for `sh -c`) that lives as long as its node."""

    command: str
    private: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Netns:
    """One namespace. `sysctls`: declared values and, in actual state, the watched ones. `nft`: the declared text while it is unchanged.

    `table`: the one of ours, which stands beside whatever else is there; in actual state the declared one while it is unchanged.
    `queues`: by interface, the root queueing disciplines that a lab file has words for.
    `filled`: interfaces that fill transmit checksums in themselves and leave none to their device, where a switch asks for it.
    """

    links: Mapping[str, Link] = field(default_factory=dict)
    addresses: frozenset[Address] = frozenset()
    routes: frozenset[Route] = frozenset()
    neighbours: frozenset[Neighbour] = frozenset()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    nft: str | None = None
    processes: tuple[Process, ...] = ()
    table: Table | None = None
    switch: Switch | None = None
    fdb: frozenset[Forward] = frozenset()
    foreign: frozenset[int] = field(default=frozenset(), compare=False)  # indexes that others' interfaces have, where not all are ours
    first_index: int = field(default=0, compare=False)  # wanted: where the search for free indexes begins
    queues: Mapping[str, Queue] = field(default_factory=dict)
    filled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class State:
    """All namespaces of a lab."""

    netns: Mapping[str, Netns] = field(default_factory=dict)


def without_ipv6(space: Netns, interfaces: Collection[str]) -> Netns:
    """A namespace after the kernel took IPv6 off these interfaces: what has several next hops keeps the others (fib6_ifdown)."""
    if not interfaces:
        return space
    return replace(
        space, addresses=frozenset(one for one in space.addresses if one.interface not in interfaces or one.address.version == 4),
        neighbours=frozenset(one for one in space.neighbours if one.interface not in interfaces or one.address.version == 4),
        routes=frozenset(surviving(space.routes, interfaces, versions=(6,))),
        sysctls={key: value for key, value in space.sysctls.items() if not any(of_ipv6(key, one) for one in interfaces)},
    )


def of_ipv6(key: str, interface: str) -> bool:
    """Whether a sysctl is one of IPv6 on this interface: it is there as long as that is."""
    return key.startswith(("net.ipv6.conf.", "net.ipv6.neigh.")) and key.split(".")[3] == interface.replace(".", "/")


def surviving(routes: Iterable[Route], lost: Collection[str], *, versions: Collection[int] = (4, 6)) -> Iterator[Route]:
    """What the kernel leaves of routes when interfaces go, or IPv6 of them alone.

    IPv4 drops a route of several next hops with the first of them (fib_sync_down_dev), IPv6 that hop alone (fib6_ifdown).
    """
    for route in routes:
        rest = tuple(hop for hop in route.next_hops if hop.interface not in lost)
        if len(rest) == len(route.next_hops) or route.destination.version not in versions:
            yield route
        elif rest and route.destination.version == 6:
            yield replace(route, next_hops=rest)
