"""What a kernel holds for a lab, or should hold: desired and actual state are the same type, a plan is their difference.

Rule of the file: one Netns value for each namespace; keys are the names used in the lab file, `host` for the lab's own machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
