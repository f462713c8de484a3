"""The /etc/hosts that every node of a lab sees (hosts(5)).

Enters: a topology; leaves: the file's text. Rule of the file: every address of a node under its name, loopback addresses first, because
they stay reachable when one interface is down. A name has no slash there: `h1/pod1` is `h1.pod1`, and `pod1` too if no other node is.
"""

from __future__ import annotations

from collections import Counter

from vethlab.model.address import IPInterface
from vethlab.model.names import dotted, host_of, inner_name
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
    said = _names(list(found))
    return _HEAD + "".join([f"{address.ip}\t{said[name]}\n" for name, addresses in found.items() for address in addresses])


def _names(nodes: list[str]) -> dict[str, str]:
    """What each node is called there."""
    count = Counter(inner_name(name) for name in nodes)
    return {
        name: name if not host_of(name) else dotted(name) if count[inner_name(name)] > 1 else f"{dotted(name)} {inner_name(name)}"
        for name in nodes
    }
