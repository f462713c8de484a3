"""A Linux bridge (net/bridge): the bridge in its host's namespace, a veth pair for each node, the gateway's address on the bridge."""

from __future__ import annotations

from vethlab.model.link import Bridge, BridgePort, End, Link
from vethlab.model.topology import Network
from vethlab.plan.nat import hairpins
from vethlab.plan.spaces import Spaces


def add(spaces: Spaces, network: Network) -> None:
    """The bridge, and a pair for each node on it."""
    place, mac = spaces.links[network.on], spaces.mac(network.on, network.name)
    place[network.name] = Link(
        network.name, "bridge", mtu=network.mtu, mac=mac, bridge=Bridge(stp=network.stp), link_local=spaces.topology.ipv6 != "none",
    )
    spaces.link_local(network.on, network.name, mac, network.mtu)
    reflecting = hairpins(spaces.topology, network)
    for port in network.ports:
        end = port.endpoint
        place[port.name] = Link(
            port.name, "veth", mtu=network.mtu, master=network.name, peer=End(end.node, end.interface), alias=port.alias,
            port=BridgePort(isolated=port.isolated, hairpin=end.node in reflecting), link_local=False,
        )
        spaces.interface(end, End(network.on, port.name), network.mtu)
    spaces.address(network.on, network.name, network.gateway)
