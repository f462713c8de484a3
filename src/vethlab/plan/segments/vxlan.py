"""A VXLAN network (RFC 7348): in each host a bridge with its nodes' ports, and a VXLAN device on it that leads to the other hosts.

Rule of the file: nodes find each other as on any segment, by ARP and neighbour discovery that reach them; nothing answers in their
stead. So every device has entries of the all-zero MAC, which copy broadcasts to each other host, or a multicast group that does it.
"""

from __future__ import annotations

from vethlab.model.fdb import UNKNOWN_MAC, Forward
from vethlab.model.link import BridgePort, End, Link, Vxlan
from vethlab.model.topology import Network, Topology, Vtep
from vethlab.plan.segments import bridge
from vethlab.plan.spaces import Spaces


def add(spaces: Spaces, network: Network) -> None:
    """The bridges, the devices, a pair for each node, and what each device knows."""
    for vtep in network.vteps:
        bridge.make(spaces, network, vtep.host)
        spaces.links[vtep.host][vtep.interface] = Link(
            vtep.interface, "vxlan", mtu=network.mtu, mac=spaces.mac(vtep.host, vtep.interface), master=network.name, port=BridgePort(),
            link_local=False, lower=End(vtep.host, vtep.underlay) if vtep.underlay else None,
            vxlan=device(spaces.topology, network, vtep),
        )
    macs: dict[str, list[str]] = {}
    for port in network.ports:
        bridge.join(spaces, network, port)
        mac = spaces.links[port.endpoint.node][port.endpoint.interface].mac
        macs.setdefault(port.on, []).append(mac or "")
    if network.gateway:
        spaces.address(network.on, network.name, network.gateway)
        macs.setdefault(network.on, []).append(spaces.links[network.on][network.name].mac or "")
    for vtep in network.vteps:
        spaces.fdb[vtep.host].update(_entries(network, vtep, macs))


def device(topology: Topology, network: Network, vtep: Vtep) -> Vxlan:
    """What a device is.

    An Open vSwitch in user space takes a checksum that is still to be filled in for that of the outer packet, so what crosses one has none
    open inside: then the far device sums. Devices that share a port have to agree on it (vxlan_find_sock), so all of a lab do.
    """
    in_user_space = any(one.type == "ovs" and one.datapath != "kernel" for one in topology.networks)
    return Vxlan(
        network.vni, network.udp_port, vtep.local, vtep.group, learning=network.fdb != "static", remote_sum=in_user_space,
        version=vtep.version,
    )


def _entries(network: Network, vtep: Vtep, macs: dict[str, list[str]]) -> set[Forward]:
    """Broadcasts to everybody, and with fdb static each node of the other hosts by name."""
    known = macs if network.fdb == "static" else {}
    return {Forward(vtep.interface, mac, remote) for host, remote in vtep.remotes for mac in (UNKNOWN_MAC, *known.get(host, ()))}
