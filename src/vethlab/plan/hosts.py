"""The /etc/hosts that every node of a lab sees (hosts(5)).

Enters: a topology; leaves: the file's text. Rule of the file: every address of a node under its name, loopback addresses first, because
they stay reachable when one interface is down.
"""

from __future__ import annotations

from vethlab.model.address import IPInterface
from vethlab.model.topology import Topology
from vethlab.plan.world import node as world

_HEAD = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


def hosts(topology: Topology) -> str:
    """The text of the file."""
    found: dict[str, list[IPInterface]] = {node.name: list(node.loopbacks) for node in topology.nodes}
    for cable in topology.cables:
        for end in (cable.left, cable.right):
            found[end.node] += end.addresses
    for network in topology.networks:
        found.setdefault(network.on, []).extend(network.gateway)
        for port in network.ports:
            found[port.endpoint.node] += port.endpoint.addresses
    outside = world(topology)
    if outside is not None:
        found[outside.name] = list(outside.loopbacks)
    return _HEAD + "".join([f"{address.ip}\t{name}\n" for name, addresses in found.items() for address in addresses])
