"""Open vSwitch of the namespaces of a lab: carries changes out and reads back what is.

Enters: changes and Namespaces; leaves: nothing, or a Switch. Rule of the file: what is changed together is one transaction, and
ovs-vswitchd works at it while veth pairs are made (it takes 0.1 s to measure its clock at the first bridge, dpif-netdev-perf.c): `settle`
waits, before anything that needs what it makes.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from vethlab import change as ops
from vethlab.errors import KernelError
from vethlab.kernel import openflow, ovs_daemons, ovs_machine, ovs_rows
from vethlab.kernel.features_ovs import kernel_datapath
from vethlab.kernel.jsonrpc import Peer
from vethlab.kernel.ovsdb import Database
from vethlab.kernel.port import Namespaces, ProcessStatus
from vethlab.model.link import SWITCH_MADE, Link
from vethlab.model.state import Netns
from vethlab.model.switch import AUTO, FAIL_MODE, KIND, USERSPACE, Switch, SwitchBridge

_DYING = {errno.ECONNRESET, errno.ECONNREFUSED, errno.EPIPE, errno.ENOENT}  # a daemon that has not been collected yet
_MAKES = (ops.AddSwitchBridge, ops.AddSwitchPort)
_DATAPATH = "ovs-system"  # the interface of the kernel's datapath (ofproto/ofproto-dpif.c open_dpif_backer)


class Switches:
    """The switches of one lab. `mark` tells its rows from those of others.

    Whether the daemons are the lab's or the machine's is a matter of where they are found (ovs_daemons.find) and of which rows are ours
    (ovs_rows.Whose); those of the machine are never started or ended, because no plan has a change for it.
    """

    def __init__(self, namespaces: Namespaces, mark: str) -> None:
        self._namespaces, self._mark = namespaces, mark
        self._pending: dict[str, tuple[Database, int, set[str]]] = {}
        self._begun: dict[str, ProcessStatus] = {}

    def begin(self, name: str) -> None:
        """Let both daemons boot beside other work: a switch will be asked for soon, in a namespace that never had one."""
        self._begun[name] = ovs_daemons.start(self._namespaces, name, ovs_daemons.database())
        ovs_daemons.start(self._namespaces, name, ovs_daemons.FORWARDER)

    def apply(self, changes: Sequence[ops.SwitchChange]) -> None:
        """Carry out changes of any number of namespaces."""
        for name in dict.fromkeys(one.netns for one in changes):
            self._apply(name, [one for one in changes if one.netns == name])

    def configure(self, one: ops.SetLink) -> ops.SetLink:
        """Tell ovs-vswitchd the address and size of a bridge's interface, which it holds to; the rest of the change is netlink's."""
        before, after = one.before, one.after
        if after.mac != before.mac or after.mtu != before.mtu:
            database = self._database(one.netns)
            try:
                database.carried_out(database.change(ovs_rows.interface(after, self._whose(one.netns))))
            finally:
                database.close()
        return replace(one, before=replace(before, mac=after.mac, mtu=after.mtu))

    def settle(self) -> None:
        """Wait until every ovs-vswitchd has done what it was told. KernelError names an interface that it could not take."""
        for name in list(self._pending):
            database, number, made = self._pending.pop(name)
            try:
                troubles = database.carried_out(number)
            except KernelError as error:
                raise self._worse(name, error) from error
            finally:
                database.close()
            for interface in made & set(troubles):  # what others put into the database is theirs
                raise KernelError("add", f"port {name}:{interface}", errno.EIO, troubles[interface])

    def read(self, name: str, one: Netns, statuses: Sequence[ProcessStatus]) -> Netns:
        """A namespace with its switch, if it has one; the interfaces that belong to bridges are told as what they are."""
        found = ovs_daemons.find(self._namespaces, name, statuses)
        if not any(found) or name in self._begun:
            return one
        shared = found.shared is not None
        if found.base is None:
            return _dead(one, shared=shared)
        self.settle()
        try:
            bridges = self._bridges(name, found.base, one.links)
        except KernelError as error:
            if error.errno not in _DYING:
                raise
            return _dead(one, shared=shared)
        return replace(one, links=_named(one.links, bridges), switch=Switch(bridges, shared=shared))

    def _bridges(self, name: str, base: str, links: Iterable[str]) -> dict[str, SwitchBridge]:
        """What both daemons say; a KernelError of _DYING if one of them is dead."""
        _open_control(base).close()
        database = Database(ovs_daemons.database_socket(base))
        try:
            rows = self._rows(name, database)
        finally:
            database.close()
        return ovs_rows.bridges_of(rows, links, self._rules(base, rows))

    def _apply(self, name: str, changes: Sequence[ops.SwitchChange]) -> None:
        if any(isinstance(one, ops.StopSwitch) for one in changes):
            self._stop(name)
        if any(isinstance(one, ops.StartSwitch) for one in changes):
            self._start(name)
        within = [one for one in changes if not isinstance(one, ops.StartSwitch | ops.StopSwitch)]
        rest = [one for one in within if not isinstance(one, ops.SetFlows)]
        if rest:
            self._transact(name, rest)
        for one in within:
            if isinstance(one, ops.SetFlows):
                self.settle()
                self._flow(one)

    def _start(self, name: str) -> None:
        begun = self._begun.pop(name, None)
        ovs_daemons.wait_for_socket(
            self._namespaces, begun or ovs_daemons.start(self._namespaces, name, ovs_daemons.database()),
        )
        if begun is None:
            ovs_daemons.start(self._namespaces, name, ovs_daemons.FORWARDER)

    def _stop(self, name: str) -> None:
        found = ovs_daemons.find(self._namespaces, name)
        if found.base is not None:
            _leave(found.base)
        for status in (found.forwarder, found.database):
            if status is not None:
                self._namespaces.stop(name, status.process)

    def _transact(self, name: str, changes: Sequence[ops.SwitchChange]) -> None:
        self.settle()
        database = self._database(name)
        try:
            rows = self._rows(name, database)
            stale = _stale(changes, rows)
            if stale:
                database.carried_out(database.change(ovs_rows.operations(stale, rows, otherwise=USERSPACE)))
            otherwise = rows.offer.datapath(AUTO, module=kernel_datapath())
            number = database.change(ovs_rows.operations(changes, rows, otherwise=otherwise))
            made = {one.name if isinstance(one, ops.AddSwitchPort) else one.link.name for one in changes if isinstance(one, _MAKES)}
            self._pending[name] = database, number, made
        except BaseException:
            database.close()
            raise

    def _flow(self, one: ops.SetFlows) -> None:
        base, database, whose = self._base(one.netns), self._database(one.netns), self._whose(one.netns)
        try:
            declared = ovs_rows.LISTED in self._rows(one.netns, database).notes(one.bridge)
            database.carried_out(database.change([ovs_rows.fail_mode(one.bridge, whose, secure=one.secure)]))
            try:
                openflow.replace(ovs_daemons.bridge_socket(base, one.bridge), one)
            except KernelError:
                database.carried_out(database.change([ovs_rows.fail_mode(one.bridge, whose, secure=declared)]))
                raise
            digest = _digest(_listing(base, one.bridge))
            database.transact(ovs_rows.note_flows(one.bridge, one.flows, digest, whose))
        finally:
            database.close()

    def _rules(self, base: str, rows: ovs_rows.Rows) -> dict[str, tuple[str, ...]]:
        """The rules of every bridge, as declared while the listing is what it was then."""
        found = {}
        for bridge in rows.bridges:
            listing, notes = _listing(base, bridge), rows.notes(bridge)
            secure = rows.secure(bridge)
            if secure and notes.get(ovs_rows.LISTED) == _digest(listing):
                found[bridge] = openflow.declared(notes[ovs_rows.FLOWS])
            elif secure or listing != openflow.PLAIN:
                found[bridge] = (*listing, f"{FAIL_MODE}{'secure' if secure else 'standalone'}")
        return found

    def _whose(self, name: str) -> ovs_rows.Whose:
        return ovs_rows.Whose(self._mark, alone=name not in self._namespaces.switches)

    def _rows(self, name: str, database: Database) -> ovs_rows.Rows:
        return ovs_rows.Rows(database.transact(ovs_rows.DUMP), self._whose(name))

    def _database(self, name: str) -> Database:
        return Database(ovs_daemons.database_socket(self._base(name)))

    def _base(self, name: str) -> str:
        base = ovs_daemons.find(self._namespaces, name).base
        if base is None:
            raise KernelError("reach", f"the Open vSwitch of {name}", errno.ESRCH, "neither of its daemons runs")
        return base

    def _worse(self, name: str, error: KernelError) -> Exception:
        """Why ovs-vswitchd does not answer: it died, or it is only late."""
        found = ovs_daemons.find(self._namespaces, name)
        if found.shared is not None and not ovs_machine.runs(found.shared):
            return ovs_machine.silent(found.shared)
        if found.forwarder is not None and found.forwarder.exited is not None:
            return ovs_daemons.died(self._namespaces, found.forwarder)
        return error


def _stale(changes: Sequence[ops.SwitchChange], rows: ovs_rows.Rows) -> list[ops.SwitchChange]:
    """What is in the database still and is to be made: its interface is gone, or is another one now."""
    found: list[ops.SwitchChange] = []
    for one in changes:
        if isinstance(one, ops.AddSwitchBridge) and one.link.name in rows.bridges:
            found.append(ops.RemoveSwitchBridge(one.netns, one.link.name))
        elif isinstance(one, ops.AddSwitchPort) and one.bridge in rows.bridges and one.name in rows.members(one.bridge):
            found.append(ops.RemoveSwitchPort(one.netns, one.bridge, one.name))
    return found


def _dead(one: Netns, *, shared: bool) -> Netns:
    """A namespace whose switch is dead or dying, without the interfaces that die with it."""
    gone = {name for name, link in one.links.items() if link.kind in SWITCH_MADE}
    return replace(
        one, switch=Switch(running=False, shared=shared), links={name: link for name, link in one.links.items() if name not in gone},
        addresses=frozenset(held for held in one.addresses if held.interface not in gone),
        routes=frozenset(route for route in one.routes if not {hop.interface for hop in route.next_hops} & gone),
    )


def _named(links: Mapping[str, Link], bridges: Iterable[str]) -> dict[str, Link]:
    """Links with the interfaces of bridges as such; the kernel module shows as the master of every port, which says nothing."""
    modules = {_DATAPATH, *(name for name, link in links.items() if link.kind == "openvswitch")}
    found = {}
    for name, link in links.items():
        if name in bridges and link.kind in SWITCH_MADE:
            found[name] = replace(link, kind=KIND, owned=True)
        else:
            found[name] = replace(link, master=None) if link.master in modules else link
    return found


def _open_control(base: str) -> Peer:
    return Peer(ovs_daemons.control_socket(base), "ovs-vswitchd")


def _leave(base: str) -> None:
    """Let ovs-vswitchd take what it made along: the kernel's datapath would stay. It may be one that somebody started by hand."""
    try:
        peer = _open_control(base)
    except KernelError:
        return  # it is killed in a moment
    try:
        peer.call("exit", ["--cleanup"])
    except KernelError:
        return
    finally:
        peer.close()


def _listing(base: str, bridge: str) -> tuple[str, ...]:
    peer = _open_control(base)
    try:
        return openflow.rules(str(peer.call("bridge/dump-flows", [bridge])))
    finally:
        peer.close()


def _digest(listing: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(listing).encode()).hexdigest()
