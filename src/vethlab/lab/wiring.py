"""The wiring of a running lab, as `explain` wants it: what the kernel has, and what the lab file means it to be.

Enters: the namespaces and the topology; leaves: a Wiring, and the drift between the two. Rule of the file: it joins facts, it judges none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from vethlab.change import SetSysctl
from vethlab.change.argv import argvs
from vethlab.kernel.wiring import read_wiring
from vethlab.model.address import IPInterface
from vethlab.model.link import LOOPBACK, End
from vethlab.model.names import HOST, WORLD
from vethlab.model.outside import UPLINK
from vethlab.model.snapshot import Drift, Tunnel, Wire, Wiring
from vethlab.model.switch import KIND, SwitchPort, SwitchSeen
from vethlab.model.translation import Hidden, Published
from vethlab.plan import nat, world
from vethlab.plan.segments import vxlan

if TYPE_CHECKING:
    from vethlab.change import Change
    from vethlab.kernel.port import Namespaces
    from vethlab.model.topology import Topology

__all__ = ["drift_of", "tunnels_of", "wiring_of"]


def wiring_of(namespaces: Namespaces, topology: Topology) -> Wiring:
    """Every interface of the lab, with what the lab file says of it."""
    meant = {End(port.on, port.name): network.name for network in topology.networks for port in network.ports if port.name}
    meant |= {End(vtep.host, vtep.interface): network.name for network in topology.networks for vtep in network.vteps}
    wires = {
        end: replace(wire, should_join=meant[end]) if end in meant else wire
        for end, wire in read_wiring(namespaces, sorted(namespaces.names())).items()
    }
    wires, switches = _switched(namespaces, topology, wires)
    out = End(HOST, UPLINK)
    if topology.uplink != "none" and not topology.joins_machine and out in wires:
        wires[out] = replace(wires[out], outlet=True, beyond=topology.uplink == "pasta")
    forwarding = {node.name for node in topology.nodes if node.forward} | ({HOST} if nat.sysctls(topology, HOST) else set())
    published, hidden, hiders = _translated(topology)
    hidden += tuple(_hidden_by_machine(wires)) if topology.uplink == "machine" else ()
    return Wiring(wires, _declared(topology), frozenset(forwarding), published, hidden, hiders, tunnels_of(topology), switches)


def _hidden_by_machine(wires: Mapping[End, Wire]) -> Iterator[Hidden]:
    """The host's own addresses on the way out, which the machine's table hides behind the machine's (plan/uplink.py)."""
    near = wires.get(End(HOST, UPLINK))
    if near is not None and near.peer is not None:
        yield from (Hidden(WORLD, ip_network(one.ip), near.peer.interface) for one in near.addresses if not one.ip.is_link_local)


def _translated(topology: Topology) -> tuple[tuple[Published, ...], tuple[Hidden, ...], frozenset[str]]:
    """What the lab file means to be translated, by every host of it."""
    hosts = dict.fromkeys(network.on for network in topology.networks)
    published = [Published(host, one.publish, one.node, ip_address(one.address)) for host in hosts for one in nat.mapped(topology, host)]
    hidden = [
        Hidden(network.on, subnet, network.name) for network in topology.networks if network.nat == "masquerade"
        for subnet in nat.subnets(network)
    ]
    hiders = {node.name for node in topology.nodes if node.nft is not None and ("masquerade" in node.nft or "snat" in node.nft)}
    return tuple(published), tuple(hidden), frozenset(hiders)


def tunnels_of(topology: Topology) -> dict[End, Tunnel]:
    """What the lab file says of every VXLAN device. By multicast each host is as good as known by its own address."""
    found = {}
    for network in topology.networks:
        ends = {vtep.host: End(vtep.host, vtep.interface) for vtep in network.vteps}
        known = tuple((vtep.host, vtep.local) for vtep in network.vteps if vtep.local is not None)
        for vtep in network.vteps:
            meant = vxlan.device(topology, network, vtep)
            remotes = vtep.remotes or tuple(one for one in known if one[0] != vtep.host)
            found[ends[vtep.host]] = Tunnel(meant, tuple((ends[host], address) for host, address in remotes), vtep.underlay or None)
    return found


def _switched(
    namespaces: Namespaces, topology: Topology, wires: dict[End, Wire],
) -> tuple[dict[End, Wire], dict[End, SwitchSeen]]:
    """The wires with what Open vSwitch joins; a switch of the lab file that does not run is told as such."""
    declared = {End(network.on, network.name): network for network in topology.networks if network.type == "ovs"}
    if not declared:
        return wires, {}
    from vethlab.kernel.switch_wiring import joined, read_switches  # noqa: PLC0415 - only for labs with Open vSwitch

    found = read_switches(namespaces, wires)
    wires = joined(wires, found)
    for bridge, network in declared.items():
        ports = {port.name: SwitchPort(port.tag, port.isolated) for port in network.ports}
        found[bridge] = replace(found.get(bridge, SwitchSeen(running=False)), declared={network.name: SwitchPort(), **ports})
        wires[bridge] = replace(wires[bridge], kind=KIND) if bridge in wires else Wire(bridge, KIND, up=False, carrier=False)
    return wires, found


def _declared(topology: Topology) -> dict[End, tuple[IPInterface, ...]]:
    ends = [end for cable in topology.cables for end in (cable.left, cable.right)]
    ends += [port.endpoint for network in topology.networks for port in network.ports]
    found = {End(end.node, end.interface): end.addresses for end in ends}
    found |= {End(network.on, network.name): network.gateway for network in topology.networks}
    found |= {End(node.name, LOOPBACK): node.loopbacks for node in topology.nodes}
    outside = world.node(topology)
    if outside is not None:
        found |= {End(outside.name, LOOPBACK): outside.loopbacks}
        found |= {End(end.node, end.interface): end.addresses for end in (world.CABLE.left, world.CABLE.right)}
    return found


def drift_of(changes: Iterable[Change]) -> tuple[Drift, ...]:
    """The changes that would bring the lab back to its file, as drift. What is done to one interface in several steps is one drift."""
    found: list[Drift] = []
    told: dict[tuple[str, str, str], int] = {}
    for change in changes:
        kind, _, subject = change.object.partition(" ")
        subject = subject.removesuffix(f" in {change.netns}")
        if isinstance(change, SetSysctl):
            written = ("sysctl", "-w", f"{change.key}={change.value}")
            found.append(Drift(change.netns, kind, change.key, change.reason, (written,), change.before or ""))
            continue
        commands = argvs(change)
        one = Drift(change.netns, kind, subject, change.reason, commands)
        place = told.setdefault((one.node, kind, subject), len(found)) if kind == "interface" else len(found)
        if place < len(found):
            held = found[place]
            found[place] = replace(held, reason=f"{held.reason}, {one.reason}", commands=held.commands + commands)
        else:
            found.append(one)
    return tuple(found)
