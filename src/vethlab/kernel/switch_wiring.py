"""The switches of a lab as a question about packets needs them: which interfaces are ports, in which VLAN, and what troubles them.

Enters: Namespaces and the wires that the kernel told; leaves: what each bridge of Open vSwitch has, and the wires with their masters.
Rule of the file: reading only; a switch that does not answer does not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vethlab.errors import KernelError
from vethlab.kernel import openflow_ports, ovs_daemons, ovs_rows, switch_trace
from vethlab.kernel.ethtool import leaving_checksums
from vethlab.kernel.jsonrpc import Peer
from vethlab.kernel.ovsdb import Database, read_set, trouble_of
from vethlab.kernel.port import Namespaces, ProcessStatus
from vethlab.model.link import End
from vethlab.model.question import Forward, Forwarded
from vethlab.model.snapshot import Wire
from vethlab.model.switch import KIND, SwitchSeen

__all__ = ["forwarded", "joined", "read_switches"]


def read_switches(namespaces: Namespaces, wires: Mapping[End, Wire]) -> dict[End, SwitchSeen]:
    """Every bridge of every Open vSwitch that runs in these namespaces."""
    statuses = namespaces.processes()
    names = [*namespaces.switches, *(one.netns for one in statuses if ovs_daemons.is_daemon(one.process))]
    found: dict[End, SwitchSeen] = {}
    for name in dict.fromkeys(names):
        found |= _of(namespaces, name, statuses, wires)
    return found


def joined(wires: Mapping[End, Wire], switches: Mapping[End, SwitchSeen]) -> dict[End, Wire]:
    """The wires, each port with its switch as master, and each switch's own interface as what it is."""
    found = dict(wires)
    for bridge, seen in switches.items():
        if bridge in found:
            found[bridge] = replace(found[bridge], kind=KIND, master=None)
        for port in seen.ports:
            end = End(bridge.netns, port)
            if end in found and end != bridge:
                found[end] = replace(found[end], master=bridge.interface)
    return found


def forwarded(namespaces: Namespaces, question: Forward) -> Forwarded:
    """What a switch would do with a frame; no output at all where it does not answer."""
    base = ovs_daemons.find(namespaces, question.netns).base
    if base is None:
        return Forwarded(failed="it does not run")
    try:
        peer = Peer(ovs_daemons.control_socket(base), "ovs-vswitchd")
    except KernelError as error:
        return Forwarded(failed=error.message)
    try:
        return switch_trace.read(str(peer.call("ofproto/trace", ["--names", question.bridge, question.match])), question.bridge)
    except KernelError as error:
        return Forwarded(failed=error.kernel_says or error.message)
    finally:
        peer.close()


def _of(
    namespaces: Namespaces, name: str, statuses: list[ProcessStatus], wires: Mapping[End, Wire],
) -> dict[End, SwitchSeen]:
    found = ovs_daemons.find(namespaces, name, statuses)
    base = found.base
    if base is None:
        return {}
    try:
        Peer(ovs_daemons.control_socket(base), "ovs-vswitchd").close()
        database = Database(ovs_daemons.database_socket(base))
    except KernelError:
        return {}
    try:
        dumped = database.transact(ovs_rows.DUMP)
    finally:
        database.close()
    rows = ovs_rows.Rows(dumped, ovs_rows.Whose(namespaces.joined.get(name, ""), alone=found.shared is None))
    seen = {
        bridge: _seen(
            namespaces, End(name, bridge), rows, wires, offloads=not rows.offer.fills, in_user_space=row["datapath_type"] == "netdev",
        )
        for bridge, row in rows.bridges.items()
    }
    return {
        End(name, bridge): replace(one, flags=openflow_ports.read(ovs_daemons.bridge_socket(base, bridge))) for bridge, one in seen.items()
    }


def _seen(
    namespaces: Namespaces, bridge: End, rows: ovs_rows.Rows, wires: Mapping[End, Wire], *, offloads: bool, in_user_space: bool,
) -> SwitchSeen:
    ports, troubles = {}, {}
    for port, uuid in rows.members(bridge.interface).items():
        row = rows.ports[uuid]
        trouble = next((words for one in read_set(row["interfaces"]) if (words := trouble_of(rows.interfaces[one[1]]))), "")
        if trouble:
            troubles[port] = trouble
        else:
            ports[port] = ovs_rows.port_of(row)
    far = [wire.peer for port in ports if (wire := wires.get(End(bridge.netns, port))) is not None and wire.peer is not None]
    if not in_user_space:
        return SwitchSeen(ports=ports, troubles=troubles)
    tunnels = [end for end, wire in wires.items() if wire.vxlan is not None and not wire.vxlan.remote_sum]
    return SwitchSeen(
        ports=ports, troubles=troubles, offloading=leaving_checksums(namespaces, far) if offloads else (),
        carrying=leaving_checksums(namespaces, tunnels),
    )
