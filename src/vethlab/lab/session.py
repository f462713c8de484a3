"""The engine at work on one lab: builds it, compares it with what is declared, brings it there.

Enters: a topology; leaves: changes carried out. Rule of the file: everything that is kept for later is in the record, and the keeper holds
the record; without a keeper there is no lab.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vethlab.apply import Goal, converge
from vethlab.errors import LabError, VethlabError
from vethlab.keep.client import Keeper, Mode, Scope, helper
from vethlab.keep.record import Record
from vethlab.kernel.defaults import survey
from vethlab.kernel.linux import Linux
from vethlab.kernel.rulesets import Loaded, LoadedTable
from vethlab.lab import etc
from vethlab.lab.collections_off import without_collections
from vethlab.lab.held import Held, here
from vethlab.lab.requirements import require, require_same
from vethlab.model.names import HOST
from vethlab.model.nat import Table
from vethlab.plan.desired import desired, with_sysctls
from vethlab.plan.diff import diff
from vethlab.plan.settings import of_interface
from vethlab.plan.spaces import NOTHING_AROUND
from vethlab.plan.watch import HAS_IPV6, recorded_keys, watched

if TYPE_CHECKING:
    from vethlab.change import Change
    from vethlab.keep.launch import Starting
    from vethlab.model.state import Netns, State
    from vethlab.model.topology import Topology


_IN = {"root": "as root", "rootless": "rootless"}


class Session:
    """One lab and the kernel seen through its namespaces."""

    def __init__(self, held: Held) -> None:
        self.held = held
        loaded = {node: Loaded(text, listing) for node, (text, listing) in held.record.rulesets.items()}
        tables = {node: LoadedTable(Table(*words), listing) for node, (*words, listing) in held.record.tables.items()}
        self.kernel = Linux(held.namespaces, loaded=loaded, tables=tables, label=held.record.machine or held.record.lab)

    @classmethod
    def reach(
        cls, topology: Topology, mode: Mode, text: str, starting: Starting | None = None, *, forced: bool = False,
    ) -> tuple[Session, tuple[Change, ...], bool]:
        """The lab of that name as `topology` says: built if it does not run, converged if it does; (session, changes, whether it is new).

        Of two that come at once one builds, the other waits and converges. `starting`: a keeper that was begun already.
        `forced`: the mode was asked for by name, so a lab that runs in the other one is an error.
        """
        require(topology, mode)
        keeper, new = Keeper.acquire(topology.name, mode, starting)
        try:
            if new:
                session, changes = cls._build(topology, keeper, keeper, text=text, detached=True)
                keeper.commit()
                keeper.unlock()
            else:
                if forced:
                    _require_mode(keeper, mode, topology.name)
                session = cls(Held.adopt(keeper))
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

    @classmethod
    def hold(cls, topology: Topology, mode: Mode, text: str) -> tuple[Session, tuple[Change, ...]]:
        """A lab that lives in this process only, held by the process's own unnamed keeper."""
        require(topology, mode)
        keeper = helper(mode)
        scope = keeper.scope(topology.name)
        try:
            return cls._build(topology, keeper, scope, text=text, detached=False)
        except BaseException:
            with contextlib.suppress(VethlabError):
                scope.drop(sorted(scope.names()))
            scope.close()
            _sweep(topology, _owner(topology, scope))
            raise

    @classmethod
    def _build(
        cls, topology: Topology, keeper: Keeper, namespaces: Scope, *, text: str, detached: bool,
    ) -> tuple[Session, tuple[Change, ...]]:
        namespaces.directory = here()
        owner = _owner(topology, namespaces) if topology.machine else ""
        if topology.machine != HOST:
            namespaces.create([HOST])
        if owner:
            from vethlab.lab import machine  # noqa: PLC0415 - nftables, marks, collisions: few labs join the machine

            machine.join(namespaces, topology, owner)
        joins, switch = topology.machine or HOST, namespaces.switches.get(HOST, "")
        record = Record(lab=topology.name, mode=keeper.mode, since=time.time(), machine=owner, joins=joins, switch=switch)
        session = cls(Held(keeper, namespaces, record, detached))
        if topology.machine != HOST and any(network.type == "ovs" and network.on == HOST for network in topology.networks):
            session.kernel.begin_switch(HOST)
        with _fresh(namespaces) as fresh:
            baseline, recorded = survey(namespaces, fresh, recorded_keys())
        session.held.record = replace(record, baseline=baseline, recorded=recorded)
        etc.give(namespaces, topology)
        before = session.kernel.read(dict.fromkeys([HOST, *namespaces.joined]))
        namespaces.begin([node.name for node in topology.nodes])
        wanted = session.desired(topology)
        session._prepare(topology, before, wanted)
        with without_collections():
            changes = converge(session.kernel, before, Goal(wanted, new=True))
        session.settle(topology, text)
        return session, changes

    def desired(self, topology: Topology) -> State:
        """The state `topology` asks for on this machine."""
        record, around = self.held.record, NOTHING_AROUND
        if record.machine:
            from vethlab.lab import machine  # noqa: PLC0415 - as in _build

            around = machine.surroundings(self.held.namespaces, topology, record.machine)
        ipv6, way = HAS_IPV6 in record.recorded, None
        if topology.uplink != "none" and not topology.joins_machine:
            from vethlab.lab import uplinks  # noqa: PLC0415 - few labs reach the real world

            way = uplinks.way(self.held, topology, ipv6=ipv6)
        return desired(topology, record.baseline, ipv6=ipv6, owner=record.machine, around=around, way=way)

    def compare(self, topology: Topology, nodes: Collection[str] | None = None) -> tuple[State, Goal]:
        """(what the lab is, what it should be), watched sysctls included; those of interfaces that are still to be made are left out.

        `nodes`: sysctls, a file each, are read of these alone; of the others they seem to be missing.
        """
        wanted = self.desired(topology)
        watch = watched(wanted, self.held.record.recorded)
        asked = Goal(with_sysctls(wanted, watch))
        asked = Goal(with_sysctls(asked.state, self._returned(wanted)))
        sysctls = [(node, key) for node, key in asked.sysctls() if nodes is None or node in nodes]
        actual = self.kernel.read(sorted(self.kernel.names()), sysctls)
        there = {
            name: {key: value for key, value in asked.state.netns[name].sysctls.items() if key in one.sysctls}
            for name, one in actual.netns.items() if name in asked.state.netns
        }
        return actual, Goal(with_sysctls(wanted, there))

    def plan(self, topology: Topology, nodes: Collection[str] | None = None) -> tuple[Change, ...]:
        """The changes that would bring the lab, or these nodes of it, to `topology`; nothing is touched."""
        if nodes is None:
            require_same(topology, self.held.record)
        actual, goal = self.compare(topology, nodes)
        if self.held.record.machine:
            from vethlab.lab import sharing  # noqa: PLC0415 - as in _build

            sharing.require_running(actual.netns[HOST], self.held.record.switch)
        return tuple(one for one in diff(actual, goal.state) if nodes is None or one.netns in nodes)

    def converge(self, topology: Topology, text: str, *, locked: bool = False) -> tuple[Change, ...]:
        """Carry that plan out, one writer at a time."""
        held = self.held
        require(topology, held.keeper.mode, held.record.switch)
        require_same(topology, held.record)
        if held.record.machine:
            from vethlab.lab import sharing  # noqa: PLC0415 - as in _build

            held.record = replace(held.record, switch=sharing.share(held.namespaces, topology))
        if held.detached and not locked:
            held.keeper.lock()
        try:
            before, goal = self.compare(topology)
            changes = self.steer(topology, before, goal)
            if changes or text != held.record.text or held.record.live:
                self.settle(topology, text, undone=bool(changes))
        finally:
            if held.detached:
                held.keeper.unlock()
        return changes

    def steer(self, topology: Topology, before: State, goal: Goal) -> tuple[Change, ...]:
        """From `before` to the goal, all or nothing; `topology` says whose names are known and what may be on the machine meanwhile."""
        self._prepare(topology, before, goal.state)
        with self._hosts(topology):
            return converge(self.kernel, before, goal)

    def _returned(self, wanted: State) -> dict[str, dict[str, str]]:
        """Sysctls that were declared and are no longer: what a fresh namespace had when the lab was made, or has now."""
        recorded = self.held.record.recorded
        old, last = self.desired(self.held.current()), {}
        for name, one in old.netns.items():
            gone = [key for key in one.sysctls if name in wanted.netns and _outlives(key, wanted.netns[name])]
            asked = [key for key in gone if _of_default(key) not in recorded]
            last[name] = {key: recorded[_of_default(key)] for key in gone if key not in asked} | self._in_a_fresh_one(asked)
        return last

    def _in_a_fresh_one(self, keys: Sequence[str]) -> dict[str, str]:
        """What these sysctls are in a fresh namespace; `host` declares none of them, unless it is the machine's own."""
        if not keys:
            return {}
        with _fresh(self.held.namespaces) as fresh:
            values = self.held.namespaces.read_sysctls([(fresh, _of_default(key)) for key in keys])
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    def _prepare(self, topology: Topology, before: State, wanted: State) -> None:
        """See that there is room where others are, and write down what will be there, before anything is touched."""
        owner = self.held.record.machine
        if owner:
            from vethlab.lab import machine  # noqa: PLC0415 - as in _build

            place = self.held.record.joins
            machine.prepare(self.held.namespaces, topology, owner, before.netns[place], wanted.netns[place])

    @contextlib.contextmanager
    def _hosts(self, topology: Topology) -> Iterator[None]:
        """The new names are there before anything that may ask for them; a failure brings the old ones back."""
        etc.give(self.held.namespaces, topology)
        try:
            yield
        except BaseException:
            with contextlib.suppress(VethlabError):
                etc.give(self.held.namespaces, self.held.current())
            raise

    def settle(self, topology: Topology, text: str, *, live: str = "", undone: bool = False) -> None:
        """Remember what is declared and loaded now. `live`: what the lab is instead, until `up`; `undone`: there is nothing to undo now."""
        held = self.held
        held.namespaces.set_private({node.name: node.private for node in topology.nodes})
        loaded = {node: (one.text, one.listing) for node, one in self.kernel.loaded.items()}
        tables = {
            node: (one.table.family, one.table.name, one.table.text, one.listing) for node, one in self.kernel.tables.items()
        }
        source = os.path.abspath(topology.source) if topology.source and not live else held.record.file  # noqa: PTH100
        links = len(topology.cables) + sum(len(network.ports) for network in topology.networks)
        held.record = replace(
            held.record, text=text, live=live, before="", undo=() if undone else held.record.undo, file=source,
            rulesets=loaded, tables=tables, nodes=len(topology.nodes), links=links,
        )
        if held.detached:
            held.keeper.put_record(held.record.encode())


def _owner(topology: Topology, namespaces: Scope) -> str:
    """In whose name a lab makes interfaces on the machine: its own, or for a lab of one process one that no other process has."""
    return f"{namespaces.label}.{namespaces.pid}" if namespaces.label else topology.name


def _sweep(topology: Topology, owner: str) -> None:
    """What a lab that could not come up left on the machine."""
    if topology.machine:
        from vethlab.lab import machine  # noqa: PLC0415 - as in _build

        machine.sweep(owner)


@contextlib.contextmanager
def _fresh(namespaces: Scope) -> Iterator[str]:
    """A namespace with the settings that fresh ones have: `host`, which declares none, unless that is the machine's own."""
    if HOST not in namespaces.joined:
        yield HOST
        return
    from vethlab.lab import machine  # noqa: PLC0415 - as in _build

    with machine.fresh(namespaces) as name:
        yield name


def _require_mode(keeper: Keeper, mode: Mode, name: str) -> None:
    if keeper.mode != mode:
        raise LabError(
            f"lab `{name}` is running {_IN[keeper.mode]}, not {_IN[mode]}", where=name, slug="other-mode",
            help="take it down first; a running lab cannot change hands",
        )


def _outlives(key: str, wanted: Netns) -> bool:
    """Whether a sysctl is declared no longer, and what it is of is there still."""
    return key not in wanted.sysctls and (not of_interface(key) or key.split(".")[3].replace("/", ".") in wanted.links)


def _of_default(key: str) -> str:
    """An interface's sysctl as `default` has it: what a new interface gets."""
    words = key.split(".")
    if of_interface(key):
        words[3] = "default"
    return ".".join(words)
