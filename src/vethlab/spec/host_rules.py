"""Rules about hosts and what is inside of them. Enters: declared nodes and networks. Leaves: mistakes.

Rule of the file: as in `rules`, one function a rule.
"""

from __future__ import annotations

from collections.abc import Iterable

from vethlab.model.names import HOST, host_of, vxlan_name
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.nodes import RawNode
from vethlab.spec.raw import Place, RawNetwork


def check(declared: dict[str, RawNode], known: Iterable[str], networks: list[RawNetwork], mistakes: Mistakes) -> None:
    """Applies every rule."""
    _roles(declared, known, mistakes)
    for network in networks:
        if network.type == "vxlan":
            _members(network, mistakes)
            _one_bridge(network, mistakes)


def bridges(node: str, networks: list[RawNetwork]) -> list[Place]:
    """The interfaces that networks bring to a node that holds their bridge, as Places."""
    found = []
    for network in networks:
        if node in network.hosts():
            ports = [place.port for place in network.places if network.space(place) == node]
            for name in (network.name, *([vxlan_name(network.name)] if network.type == "vxlan" else []), *ports):
                place = Place(node, network.item)
                place.interface = name
                place.addresses = list(network.gateway) if name == network.name and node == network.on else []
                found.append(place)
    return found


def _roles(declared: dict[str, RawNode], known: Iterable[str], mistakes: Mistakes) -> None:
    """A node holds others only if its role says so: a slash too many should not make a host of a router."""
    hosts = [name for name, node in declared.items() if node.get("role") == "host"]
    for name in known:
        host = host_of(name)
        if host in declared and declared[host].get("role") != "host" and not mistakes.unsure(host):
            mistakes.add(declared[host].item, "no-host-role", f"`{name}` is inside `{host}`, which is not a host", topic="nodes.role",
                         why="an ordinary node", help=f"write `{host}: {{role: host}}`")
        if host and declared and host not in declared and name in declared and not mistakes.nodes_lost:
            mistakes.add(declared[name].item, "unknown-node", f"`{name}` is inside `{host}`, which is not a node", topic="nodes.role",
                         why="not declared",
                         help=mistakes.meant(host, hosts, f"add `{host}: {{role: host}}` to `nodes`"))


def _members(network: RawNetwork, mistakes: Mistakes) -> None:
    """Each node stands behind the bridge of its own host."""
    for place in network.places:
        if not host_of(place.node):
            mistakes.add(place.item, "no-host", f"`{place.node}` on the VXLAN network `{network.name}` is in no host",
                         topic="networks.type",
                         why="which host's bridge?", help=f"write HOST/{place.node}, where HOST is a node with `role: host`")


def _one_bridge(network: RawNetwork, mistakes: Mistakes) -> None:
    """What belongs to one bridge cannot be said of a network that has several."""
    if network.gateway and network.on == HOST:
        mistakes.add(network.fields.at("gateway"), "no-host",
                     f"network `{network.name}` has a bridge in each of its hosts, and one gateway",
                     why="which host's bridge?", help="say `on: HOST`", topic="networks.on")
