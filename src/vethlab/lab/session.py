"""A lab that exists: the namespaces somebody holds, the kernel seen through them, and what was recorded when it was made.

Enters: a topology; leaves: changes carried out. Rule of the file: everything that is kept for later is in the record, and the keeper holds
the record; without a keeper there is no lab.
"""

from __future__ import annotations

import contextlib
import gc
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vethlab.apply import Goal, converge
from vethlab.change import Change
from vethlab.errors import HostError, VethlabError
from vethlab.keep.client import Keeper, Mode, Scope, helper
from vethlab.keep.record import Record
from vethlab.kernel.defaults import survey
from vethlab.kernel.freed import watch_freeing
from vethlab.kernel.linux import Linux
from vethlab.kernel.rulesets import Loaded
from vethlab.model.names import HOST
from vethlab.model.state import State
from vethlab.plan import desired, diff
from vethlab.plan.desired import with_sysctls
from vethlab.plan.hosts import hosts
from vethlab.plan.watch import HAS_IPV6, recorded_keys, watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vethlab.model.topology import Topology

CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21


def choose_mode(mode: str) -> Mode:
    """`auto` becomes root where this process may administer the machine's network, else rootless."""
    able = _is_able()
    if mode == "root" and not able:
        raise HostError(
            "root mode needs root", why="making namespaces without a user namespace needs CAP_SYS_ADMIN and CAP_NET_ADMIN",
            help="run it with sudo, or without --root", slug="not-root",
        )
    return "rootless" if mode == "rootless" or not able else "root"


def _is_able() -> bool:
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - pathlib costs start-up time
        effective = next((int(line.split()[1], 16) for line in file if line.startswith("CapEff:")), 0)
    return os.geteuid() == 0 and all(effective >> bit & 1 for bit in (CAP_NET_ADMIN, CAP_SYS_ADMIN))


@dataclass(slots=True)
class Session:
    """One running lab as this process sees it. `detached`: it has a keeper of its own and outlives this process."""

    keeper: Keeper
    namespaces: Scope
    kernel: Linux
    record: Record
    detached: bool

    @classmethod
    def reach(cls, topology: Topology, mode: str, text: str) -> tuple[Session, tuple[Change, ...], bool]:
        """The lab of that name as `topology` says: built if it does not run, converged if it does; (session, changes, whether it is new).

        Of two that come at once one builds, the other waits and converges.
        """
        keeper, new = Keeper.acquire(topology.name, choose_mode(mode))
        try:
            if new:
                return *cls._build(topology, keeper, keeper, text=text, detached=True), True
            session = cls._adopt(keeper)
            return session, session.converge(topology, text, locked=True), False
        except BaseException:
            with contextlib.suppress(VethlabError, OSError):
                if new:
                    keeper.end()  # it would end by itself, but whoever looks now should not find it any more
                keeper.close()
            raise

    @classmethod
    def hold(cls, topology: Topology, mode: str, text: str) -> tuple[Session, tuple[Change, ...]]:
        """A lab that lives in this process only, held by the process's own unnamed keeper."""
        keeper = helper(choose_mode(mode))
        scope = keeper.scope(topology.name)
        try:
            return cls._build(topology, keeper, scope, text=text, detached=False)
        except BaseException:
            scope.drop(sorted(scope.names()))
            scope.close()
            raise

    @classmethod
    def attach(cls, name: str) -> Session:
        """The running lab of that name. NotFoundError if there is none."""
        keeper = Keeper.connect(name)
        try:
            return cls._adopt(keeper)
        except BaseException:
            keeper.close()
            raise

    @classmethod
    def _adopt(cls, keeper: Keeper) -> Session:
        record = Record.decode(keeper.get_record())
        loaded = {node: Loaded(text, listing) for node, (text, listing) in record.rulesets.items()}
        return cls(keeper, keeper, Linux(keeper, loaded=loaded), record, detached=True)

    @classmethod
    def _build(
        cls, topology: Topology, keeper: Keeper, namespaces: Scope, *, text: str, detached: bool,
    ) -> tuple[Session, tuple[Change, ...]]:
        kernel = Linux(namespaces)
        with _without_collections():
            return cls._built(topology, keeper, namespaces, kernel, text=text, detached=detached)

    @classmethod
    def _built(
        cls, topology: Topology, keeper: Keeper, namespaces: Scope, kernel: Linux, *, text: str, detached: bool,
    ) -> tuple[Session, tuple[Change, ...]]:
        namespaces.directory = os.getcwd()  # noqa: PTH109 - no pathlib on this path
        namespaces.create([HOST])
        baseline, recorded = survey(namespaces, HOST, recorded_keys())
        record = Record(lab=topology.name, mode=keeper.mode, since=time.time(), baseline=baseline, recorded=recorded)
        session = cls(keeper, namespaces, kernel, record, detached)
        namespaces.set_hosts(hosts(topology))
        changes = converge(kernel, kernel.read([HOST]), Goal(session.desired(topology), new=True))
        session.settle(topology, text)
        if detached:
            keeper.commit()
            keeper.unlock()
        return session, changes

    def desired(self, topology: Topology) -> State:
        """The state `topology` asks for on this machine."""
        return desired(topology, self.record.baseline, ipv6=HAS_IPV6 in self.record.recorded)

    def compare(self, topology: Topology) -> tuple[State, Goal]:
        """(what the lab is, what it should be), watched sysctls included; those of interfaces that are still to be made are left out."""
        wanted = self.desired(topology)
        watch = watched(wanted, self.record.recorded)
        asked = Goal(with_sysctls(wanted, watch))
        actual = self.kernel.read(sorted(self.kernel.names()), asked.sysctls())
        there = {
            name: {key: value for key, value in watch.get(name, {}).items() if key in one.sysctls} for name, one in actual.netns.items()
        }
        return actual, Goal(with_sysctls(wanted, there))

    def plan(self, topology: Topology) -> tuple[Change, ...]:
        """The changes that would bring the lab to `topology`; nothing is touched."""
        actual, goal = self.compare(topology)
        return diff(actual, goal.state)

    def converge(self, topology: Topology, text: str, *, locked: bool = False) -> tuple[Change, ...]:
        """Carry that plan out, one writer at a time."""
        if self.detached and not locked:
            self.keeper.lock()
        try:
            before, goal = self.compare(topology)
            self.namespaces.set_hosts(hosts(topology))
            changes = converge(self.kernel, before, goal)
            if changes or text != self.record.text:
                self.settle(topology, text)
        finally:
            if self.detached:
                self.keeper.unlock()
        return changes

    def settle(self, topology: Topology, text: str) -> None:
        """Remember what is declared and loaded now, for whoever asks next."""
        for node in topology.nodes:
            if node.private:
                self.namespaces.set_private(node.name, node.private)
        loaded = {node: (one.text, one.listing) for node, one in self.kernel.loaded.items()}
        source = os.path.abspath(topology.source) if topology.source else self.record.file  # noqa: PTH100
        self.record = replace(
            self.record, text=text, file=source, rulesets=loaded, nodes=len(topology.nodes), links=count_links(topology),
        )
        if self.detached:
            self.keeper.put_record(self.record.encode())

    def end(self, *, wait: bool) -> None:
        """Take the lab down. `wait`: until the kernel has freed everything, not only until nothing runs in it any more."""
        freed = watch_freeing(self.namespaces) if wait else None
        if self.detached:
            self.keeper.end()
        else:
            self.namespaces.drop(sorted(self.namespaces.names()))
            self.namespaces.close()
        if freed is not None:
            freed.wait()


def count_links(topology: Topology) -> int:
    """Cables and attachments to networks."""
    return len(topology.cables) + sum(len(network.ports) for network in topology.networks)


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Building makes tens of thousands of values and no cycles: looking for some costs a tenth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
