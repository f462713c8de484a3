"""The real kernel: executes changes and reads state through sockets that live inside the namespaces.

Enters: changes in order; leaves: nothing, or KernelError of the first refusal. Rule of the file: changes of one namespace that follow
each other share one system call; what is not netlink (namespaces, sysctls, nft, processes) goes to the keeper, in runs of one kind; what is
Open vSwitch's goes to its database.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from vethlab import change as ops
from vethlab.errors import KernelError
from vethlab.kernel import ovs_daemons, rulesets
from vethlab.kernel.encode import encode
from vethlab.kernel.netlink.message import Request
from vethlab.kernel.port import Namespaces, ProcessStatus
from vethlab.kernel.reach import Reach
from vethlab.kernel.rulesets import Loaded, LoadedTable
from vethlab.kernel.snapshot import join
from vethlab.model.link import SWITCH_KIND
from vethlab.model.state import Netns, State

if TYPE_CHECKING:
    from vethlab.change import Change
    from vethlab.kernel.switches import Switches

# What is to be removed is gone already: the kernel took it along with something else (a route with its link, an address with IPv6).
_GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL})
_SWITCH = frozenset(ops.WHERE["switch"])
_BESIDE = frozenset({"AddVeth", "AddBridge"})  # what can be done while Open vSwitch is at work
_BATCH = 24 * 1024  # bytes in one send: well below the default socket buffer of 208 KiB


class Linux:
    """Implements kernel.port.Kernel. `loaded`, `tables`: nft texts in force with the kernel's listing of them, kept in the lab's record.

    `label` is the mark on what is made in a database that may not be ours alone.
    Of a namespace that was joined only what bears the lab's mark is read.
    """

    def __init__(
        self, namespaces: Namespaces, *, loaded: Mapping[str, Loaded] | None = None, tables: Mapping[str, LoadedTable] | None = None,
        label: str = "lab",
    ) -> None:
        self.namespaces = namespaces
        self.reach = Reach(namespaces)
        self.loaded: dict[str, Loaded] = dict(loaded or {})
        self.tables: dict[str, LoadedTable] = dict(tables or {})
        self._fresh: set[str] = set()
        self._label = label
        self._switches: Switches | None = None
        self._runs: dict[str, Callable[[Sequence[Change]], None]] = {
            "AddNetns": self._create, "RemoveNetns": self._drop, "SetSysctl": self._write_sysctls, "LoadRuleset": self._load,
            "LoadTable": self._load_tables, "RemoveTable": self._remove_tables,
            "StartProcess": self._start, "StopProcess": self._stop, "SetChecksums": self._fill, "AddTap": self._attach,
            SWITCH_KIND: self._switch,
        }

    def names(self) -> frozenset[str]:
        """The namespaces that exist."""
        return self.namespaces.names()

    def apply(self, changes: Sequence[Change]) -> None:
        """Execute in order; consecutive changes of one kind of channel and one namespace go together."""
        for (channel, place), run in groupby(changes, key=self._channel):
            if channel is None:
                self._netlink(place, list(run))
            else:
                self._runs[channel](list(run))
        self._settle()

    def _channel(self, one: Change) -> tuple[str | None, str]:
        """By what way a change goes, and to which namespace, where that tells runs apart."""
        name = type(one).__name__
        if name in _SWITCH:
            return SWITCH_KIND, ""
        return (name, "") if name in self._runs else (None, one.netns)

    def read(self, names: Iterable[str], sysctls: Iterable[tuple[str, str]] = (), *, idle: bool = False) -> State:
        """The state of these namespaces. One made here and not read since holds no pinned neighbours and is not asked.

        `idle`: nothing has been started in them.
        """
        wanted = list(names)
        self.reach.open(wanted)
        joined = join({name: self.reach.dump(name, pinned=name not in self._fresh, switched=self._claimed(name)) for name in wanted})
        self._fresh.difference_update(wanted)
        values = self._sysctls(wanted, sysctls)
        running: dict[str, list[ProcessStatus]] = {name: [] for name in joined}
        for status in () if idle else self.namespaces.processes():
            if status.netns in running:
                running[status.netns].append(status)
        state = State({name: self._complete(name, one, values[name], running[name]) for name, one in joined.items()})
        return self._with_checksums(state) if self.namespaces.switches else state

    def begin_switch(self, name: str) -> None:
        """Let Open vSwitch boot in a namespace beside other work: changes that ask for it follow."""
        self._switching().begin(name)

    def _netlink(self, place: str, changes: Sequence[Change]) -> None:
        batch: list[Request] = []
        owners: list[Change] = []
        size = 0
        for change in changes:
            one = change if self._switches is None or type(change).__name__ in _BESIDE else self._settled(change)
            for request in encode(one, self.reach):
                batch.append(request)
                owners.append(one)
                size += len(request.body) + 16
            if size > _BATCH:
                self._send(place, batch, owners)
                batch, owners, size = [], [], 0
        if batch:
            self._send(place, batch, owners)

    def _send(self, place: str, batch: Sequence[Request], owners: Sequence[Change]) -> None:
        answers = self.reach.connection(place).attempt(batch)
        if answers:
            from vethlab.kernel.marks import unmarked  # noqa: PLC0415 - when something was refused only

            if lost := unmarked(batch, {one.position for one in answers}):
                self.reach.connection(place).attempt(lost)
        for refused in answers:
            failed = owners[refused.position]
            if failed.action != "remove" or refused.code not in _GONE:
                raise KernelError(failed.action, failed.object, refused.code, refused.says) from refused

    def _complete(self, name: str, one: Netns, values: Mapping[str, str], statuses: Sequence[ProcessStatus]) -> Netns:
        """With what is no netlink. `statuses`: the processes of this namespace."""
        one = self._switching().read(name, one, statuses) if any(ovs_daemons.find(self.namespaces, name, statuses)) else one
        nft = rulesets.current(self.namespaces, name, self.loaded[name]) if name in self.loaded else None
        table = rulesets.current_table(self.namespaces, name, self.tables[name]) if name in self.tables else None
        # A command that ended well has done what it was for (`run: ip route add ...`); one that failed counts as missing.
        running = tuple(found.process for found in ovs_daemons.others(statuses) if found.exited in {None, 0})
        if not values and nft is None and not running and table is None:
            return one
        return replace(one, sysctls=values, nft=nft, processes=running, table=table)

    def _sysctls(self, names: Sequence[str], pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {name: {} for name in names}
        asked = [pair for pair in pairs if pair[0] in found]
        for (name, key), value in zip(asked, self.namespaces.read_sysctls(asked) if asked else [], strict=True):
            if value is not None:
                found[name][key] = value
        return found

    def _create(self, changes: Sequence[Change]) -> None:
        names = [one.netns for one in changes]
        self.namespaces.create(names)
        self._fresh.update(names)

    def _drop(self, changes: Sequence[Change]) -> None:
        names = [one.netns for one in changes]
        for name in names:
            self.reach.forget(name)
            self.loaded.pop(name, None)
            self.tables.pop(name, None)
        self.namespaces.drop(names)

    def _write_sysctls(self, changes: Sequence[Change]) -> None:
        self.namespaces.write_sysctls([(one.netns, one.key, one.value) for one in changes if isinstance(one, ops.SetSysctl)])

    def _load(self, changes: Sequence[Change]) -> None:
        for one in changes:
            if isinstance(one, ops.LoadRuleset):
                beside = self.tables.get(one.netns)
                self.loaded[one.netns] = rulesets.load(self.namespaces, one.netns, one.text, beside.table if beside is not None else None)

    def _load_tables(self, changes: Sequence[Change]) -> None:
        for one in changes:
            if isinstance(one, ops.LoadTable):
                self.tables[one.netns] = rulesets.load_table(self.namespaces, one.netns, one.table)

    def _remove_tables(self, changes: Sequence[Change]) -> None:
        for one in changes:
            if isinstance(one, ops.RemoveTable):
                rulesets.remove_table(self.namespaces, one.netns, one.table)
                self.tables.pop(one.netns, None)

    def _attach(self, changes: Sequence[Change]) -> None:
        from vethlab.kernel import tap  # noqa: PLC0415 - few labs have one

        for one in changes:
            if isinstance(one, ops.AddTap):
                tap.start(self.namespaces, one.netns, one.link)
                self.reach.forget_link(one.netns, one.link.name)  # the kernel chose its index
                self._send(one.netns, [tap.claim(one.link)], [one])

    def _start(self, changes: Sequence[Change]) -> None:
        for one in changes:
            if isinstance(one, ops.StartProcess):
                self.namespaces.start(one.netns, one.process)

    def _stop(self, changes: Sequence[Change]) -> None:
        for one in changes:
            if isinstance(one, ops.StopProcess):
                self.namespaces.stop(one.netns, one.process)

    def _switch(self, changes: Sequence[Change]) -> None:
        for one in changes:
            if isinstance(one, ops.AddSwitchBridge):
                self.reach.forget_link(one.netns, one.link.name)  # ovs-vswitchd chooses the index
        self._switching().apply([one for one in changes if isinstance(one, ops.SwitchChange)])

    def _claimed(self, name: str) -> frozenset[str]:
        """The bridges of ours on an Open vSwitch of others."""
        base = self.namespaces.switches.get(name)
        if base is None:
            return frozenset()
        from vethlab.kernel.ovs_machine import claimed  # noqa: PLC0415 - as below

        return claimed(base, self._label)

    def _with_checksums(self, state: State) -> State:
        from vethlab.kernel.ethtool import with_checksums  # noqa: PLC0415 - for labs on an Open vSwitch that is not theirs

        return with_checksums(self.namespaces, state)

    def _fill(self, changes: Sequence[Change]) -> None:
        from vethlab.kernel.ethtool import set_checksums  # noqa: PLC0415 - as above

        set_checksums(self.namespaces, [one for one in changes if isinstance(one, ops.SetChecksums)])

    def _switching(self) -> Switches:
        if self._switches is None:
            from vethlab.kernel.switches import Switches  # noqa: PLC0415 - json and sockets, for labs with Open vSwitch

            self._switches = Switches(self.namespaces, self._label)
        return self._switches

    def _settle(self) -> None:
        if self._switches is not None:
            self._switches.settle()

    def _settled(self, one: Change) -> Change:
        """What is left of a change for netlink, once the switches have done theirs."""
        self._settle()
        if isinstance(one, ops.SetLink) and one.after.kind == SWITCH_KIND and self._switches is not None:
            return self._switches.configure(one)
        return one
