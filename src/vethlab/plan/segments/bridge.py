"""A Linux bridge (net/bridge): the bridge in its host's namespace, a veth pair for each node, the gateway's address on the bridge."""

from __future__ import annotations

from vethlab.model.link import Bridge, BridgePort, End, Link
from vethlab.model.topology import Network, Port
from vethlab.plan.nat import hairpins
from vethlab.plan.spaces import Spaces


def add(spaces: Spaces, network: Network) -> None:
    """The bridge, and a pair for each node on it."""
    make(spaces, network, network.on)
    reflecting = hairpins(spaces.topology, network)
    for port in network.ports:
        join(spaces, network, port, hairpin=port.endpoint.node in reflecting)
    spaces.address(network.on, network.name, network.gateway)


def make(spaces: Spaces, network: Network, place: str) -> None:
    """The bridge in a namespace, without ports."""
    mac = spaces.mac(place, network.name)
    spaces.bridged.add(place)
    spaces.links[place][network.name] = Link(
        network.name, "bridge", mtu=network.mtu, mac=mac, bridge=Bridge(stp=network.stp), link_local=spaces.topology.ipv6 != "none",
    )
    spaces.link_local(place, network.name, mac, network.mtu)


def join(spaces: Spaces, network: Network, port: Port, *, hairpin: bool = False) -> None:
    """A node's pair, one end of it a port of the bridge."""
    end = port.endpoint
    spaces.links[port.on][port.name] = Link(
        port.name, "veth", mtu=network.mtu, master=network.name, peer=End(end.node, end.interface), alias=port.alias,
        port=BridgePort(isolated=port.isolated, hairpin=hairpin), link_local=False,
    )
    spaces.interface(end, End(port.on, port.name), network.mtu)
