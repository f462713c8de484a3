"""Open vSwitch: the daemons and the bridge in its host's namespace, a veth pair for each node, the gateway's address on the bridge.

User space reads a port by a packet socket, so that the host's own stack gets every frame as well, and would answer ARP on the port itself,
past all tags and rules (Open vSwitch's documentation, intro/install/userspace): its ports are told not to.
"""

from __future__ import annotations

from vethlab.model.link import End, Link
from vethlab.model.switch import KIND, SwitchBridge, SwitchPort
from vethlab.model.topology import Network
from vethlab.plan.spaces import Spaces

SILENT = "net.ipv4.conf.{}.arp_ignore"  # 8: do not reply for any local address (Documentation/networking/ip-sysctl.rst)


def add(spaces: Spaces, network: Network) -> None:
    """The bridge, a pair for each node, and each pair's end as a port."""
    place, mac = spaces.links[network.on], spaces.mac(network.on, network.name)
    spaces.bridged.add(network.on)
    place[network.name] = Link(network.name, KIND, mtu=network.mtu, mac=mac, link_local=spaces.topology.ipv6 != "none")
    spaces.link_local(network.on, network.name, mac, network.mtu)
    for port in network.ports:
        end = port.endpoint
        place[port.name] = Link(
            port.name, "veth", mtu=network.mtu, peer=End(end.node, end.interface), alias=port.alias, link_local=False,
        )
        spaces.interface(end, End(network.on, port.name), network.mtu)
        spaces.sysctls.setdefault(network.on, {})[SILENT.format(port.name.replace(".", "/"))] = "8"
        if network.name in spaces.around.unfilled:
            spaces.filled[end.node].add(end.interface)
    spaces.switches.setdefault(network.on, {})[network.name] = SwitchBridge(
        network.datapath, {port.name: SwitchPort(port.tag, port.isolated) for port in network.ports},
        tuple([flow.text for flow in network.flows]),
    )
    spaces.address(network.on, network.name, network.gateway)
