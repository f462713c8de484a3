"""A macvlan segment (drivers/net/macvlan.c): a pair in its host's namespace, and a macvlan in bridge mode on one end of it for each node.

The other end, named like the network, has the gateway's address: what the nodes send to nobody among themselves comes out there. A macvlan
for the host beside them would do as well, but then the parent's far end would hear every broadcast a second time
(docs/decisions/macvlan-parent.md).
"""

from __future__ import annotations

from vethlab.model.link import End, Link
from vethlab.model.names import parent_name
from vethlab.model.topology import Network
from vethlab.plan.spaces import Spaces

MODE = "bridge"


def add(spaces: Spaces, network: Network) -> None:
    """The pair, and a macvlan for each node."""
    on, parent = network.on, parent_name(network.name)
    place, mac = spaces.links[on], spaces.mac(on, network.name)
    spaces.bridged.add(on)
    place[network.name] = Link(
        network.name, "veth", mtu=network.mtu, mac=mac, peer=End(on, parent), link_local=spaces.topology.ipv6 != "none",
    )
    spaces.link_local(on, network.name, mac, network.mtu)
    place[parent] = Link(
        parent, "veth", mtu=network.mtu, mac=spaces.mac(on, parent), peer=End(on, network.name), link_local=False,
    )
    for port in network.ports:
        spaces.stacked(port.endpoint, "macvlan", network.mtu, lower=End(on, parent), mode=MODE)
    spaces.address(on, network.name, network.gateway)
