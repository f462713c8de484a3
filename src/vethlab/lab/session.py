"""The engine at work on one lab: builds it in what lab/opening.py opened, compares it with what is declared, brings it there.

Enters: a topology; leaves: changes carried out. Rule of the file: everything that is kept for later is in the record, and the keeper holds
the record; without a keeper there is no lab.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vethlab.apply.convergence import Goal, converge
from vethlab.errors import VethlabError
from vethlab.kernel.linux import Linux
from vethlab.kernel.rulesets import Loaded, LoadedTable
from vethlab.lab import etc
from vethlab.lab.collections_off import without_collections
from vethlab.lab.held import Held
from vethlab.lab.opening import boots_switch, fresh
from vethlab.lab.requirements import require, require_same
from vethlab.model.link import has_ipv6
from vethlab.model.names import HOST
from vethlab.model.nat import Table
from vethlab.model.state import of_ipv6
from vethlab.plan.desired import desired, with_sysctls
from vethlab.plan.diff import diff
from vethlab.plan.settings import of_interface
from vethlab.plan.spaces import NOTHING_AROUND
from vethlab.plan.watch import HAS_IPV6, watched

if TYPE_CHECKING:
    from vethlab.change import Change
    from vethlab.model.state import Netns, State
    from vethlab.model.topology import Topology


class Session:
    """One lab and the kernel seen through its namespaces."""

    def __init__(self, held: Held) -> None:
        self.held = held
        loaded = {node: Loaded(text, listing) for node, (text, listing) in held.record.rulesets.items()}
        tables = {node: LoadedTable(Table(*words), listing) for node, (*words, listing) in held.record.tables.items()}
        self.kernel = Linux(held.namespaces, loaded=loaded, tables=tables, label=held.record.machine or held.record.lab)

    @classmethod
    def build(cls, held: Held, topology: Topology, text: str) -> tuple[Session, tuple[Change, ...]]:
        """A lab from nothing. `held`: as lab/opening.py leaves it, with a host of its own or the machine's."""
        session = cls(held)
        if boots_switch(topology):
            session.kernel.begin_switch(HOST)
        # Not asking about processes, of which there are none, means not waiting for the keeper
        before = session.kernel.read(dict.fromkeys([HOST, *held.namespaces.joined]), idle=True)
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
            from vethlab.lab import machine  # noqa: PLC0415 - few labs join the machine

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
        asked = Goal(with_sysctls(asked.state, self.returned(wanted)))
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
            from vethlab.lab import sharing  # noqa: PLC0415 - few labs join the machine

            sharing.require_running(actual.netns[HOST], self.held.record.switch)
        return tuple(one for one in diff(actual, goal.state) if nodes is None or one.netns in nodes)

    def converge(self, topology: Topology, text: str, *, locked: bool = False) -> tuple[Change, ...]:
        """Carry that plan out, one writer at a time."""
        held = self.held
        require(topology, held.keeper.mode, held.record.switch)
        require_same(topology, held.record)
        if held.record.machine:
            from vethlab.lab import sharing  # noqa: PLC0415 - few labs join the machine

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

    def returned(self, wanted: State) -> dict[str, dict[str, str]]:
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
        with fresh(self.held.namespaces) as one:
            values = self.held.namespaces.read_sysctls([(one, _of_default(key)) for key in keys])
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    def _prepare(self, topology: Topology, before: State, wanted: State) -> None:
        """See that there is room where others are, and write down what will be there, before anything is touched."""
        owner = self.held.record.machine
        if owner:
            from vethlab.lab import machine  # noqa: PLC0415 - few labs join the machine

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


def _outlives(key: str, wanted: Netns) -> bool:
    """Whether a sysctl is declared no longer, and what it is of is there still."""
    link = wanted.links.get(key.split(".")[3].replace("/", ".")) if of_interface(key) else None
    there = not of_interface(key) if link is None else has_ipv6(link) or not of_ipv6(key, link.name)
    return there and key not in wanted.sysctls


def _of_default(key: str) -> str:
    """An interface's sysctl as `default` has it: what a new interface gets."""
    words = key.split(".")
    if of_interface(key):
        words[3] = "default"
    return ".".join(words)
