"""The first moments of a lab: its keeper, its host, and what a fresh namespace is like here; then the engine builds the rest.

Enters: a topology; leaves: a Session. Rule of the file: no engine is loaded before the keeper has been told which namespaces to make,
since making fifty takes as long as loading it. A lab that could not come up leaves nothing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vethlab.errors import LabError, VethlabError
from vethlab.keep.client import Keeper, Mode, Scope, helper
from vethlab.keep.record import Record
from vethlab.kernel.defaults import survey
from vethlab.lab import etc
from vethlab.lab.held import Held, here
from vethlab.lab.requirements import require
from vethlab.model.names import HOST
from vethlab.plan.watch import recorded_keys

if TYPE_CHECKING:
    from vethlab.change import Change
    from vethlab.keep.launch import Starting
    from vethlab.lab.session import Session
    from vethlab.model.topology import Topology

_IN = {"root": "as root", "rootless": "rootless"}


def reach(
    topology: Topology, mode: Mode, text: str, starting: Starting | None = None, *, forced: bool = False,
) -> tuple[Session, tuple[Change, ...], bool]:
    """The lab of that name as `topology` says: built if it does not run, converged if it does; (session, changes, whether it is new).

    Of two that come at once one builds, the other waits and converges. `starting`: a keeper that was begun already.
    `forced`: the mode was asked for by name, so a lab that runs in the other one is an error.
    """
    require(topology, mode)
    keeper, new = Keeper.acquire(topology.name, mode, starting)
    try:
        held = _opened(topology, keeper, keeper, detached=True) if new else None
        from vethlab.lab.session import Session  # noqa: PLC0415 - while the keeper makes namespaces

        if held is not None:
            session, changes = Session.build(held, topology, text)
            keeper.commit()
            keeper.unlock()
        else:
            if forced:
                _require_mode(keeper, mode, topology.name)
            session = Session(Held.adopt(keeper))
            changes = session.converge(topology, text, locked=True)
    except BaseException:
        with contextlib.suppress(VethlabError, OSError):
            if new:
                keeper.end()  # it would end by itself, but whoever looks now should not find it any more
            keeper.close()
        if new:
            _sweep(topology, topology.name)
        raise
    return session, changes, new


def hold(topology: Topology, mode: Mode, text: str) -> tuple[Session, tuple[Change, ...]]:
    """A lab that lives in this process only, held by the process's own unnamed keeper."""
    require(topology, mode)
    keeper = helper(mode)
    scope = keeper.scope(topology.name)
    try:
        held = _opened(topology, keeper, scope, detached=False)
        from vethlab.lab.session import Session  # noqa: PLC0415 - as in reach

        return Session.build(held, topology, text)
    except BaseException:
        with contextlib.suppress(VethlabError):
            scope.drop(sorted(scope.names()))
        scope.close()
        _sweep(topology, _owner(topology, scope))
        raise


@contextlib.contextmanager
def fresh(namespaces: Scope) -> Iterator[str]:
    """A namespace with the settings that fresh ones have: `host`, which declares none, unless that is the machine's own."""
    if HOST not in namespaces.joined:
        yield HOST
        return
    from vethlab.lab import machine  # noqa: PLC0415 - as in _opened

    with machine.fresh(namespaces) as name:
        yield name


def boots_switch(topology: Topology) -> bool:
    """Whether the lab's host has an Open vSwitch of its own."""
    return topology.machine != HOST and any(network.type == "ovs" and network.on == HOST for network in topology.networks)


def _opened(topology: Topology, keeper: Keeper, namespaces: Scope, *, detached: bool) -> Held:
    """A lab with nothing in it, its nodes begun: but not before an Open vSwitch, whose daemons take longer to boot."""
    namespaces.directory = here()
    owner = _owner(topology, namespaces) if topology.machine else ""
    if topology.machine != HOST:
        namespaces.create([HOST])
    if owner:
        from vethlab.lab import machine  # noqa: PLC0415 - nftables, marks, collisions: few labs join the machine

        machine.join(namespaces, topology, owner)
    joins, switch = topology.machine or HOST, namespaces.switches.get(HOST, "")
    with fresh(namespaces) as name:
        baseline, recorded = survey(namespaces, name, recorded_keys())
    etc.give(namespaces, topology)
    if not boots_switch(topology):
        namespaces.begin([node.name for node in topology.nodes])
    return Held(keeper, namespaces, Record(
        lab=topology.name, mode=keeper.mode, since=time.time(), machine=owner, joins=joins, switch=switch,
        baseline=baseline, recorded=recorded,
    ), detached)


def _owner(topology: Topology, namespaces: Scope) -> str:
    """In whose name a lab makes interfaces on the machine: its own, or for a lab of one process one that no other process has."""
    return f"{namespaces.label}.{namespaces.pid}" if namespaces.label else topology.name


def _sweep(topology: Topology, owner: str) -> None:
    """What a lab that could not come up left on the machine."""
    if topology.machine:
        from vethlab.lab import machine  # noqa: PLC0415 - as in _opened

        machine.sweep(owner)


def _require_mode(keeper: Keeper, mode: Mode, name: str) -> None:
    if keeper.mode != mode:
        raise LabError(
            f"lab `{name}` is running {_IN[keeper.mode]}, not {_IN[mode]}", where=name, slug="other-mode",
            help="take it down first; a running lab cannot change hands",
        )
