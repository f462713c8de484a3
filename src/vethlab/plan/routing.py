"""`routing: shortest-path`: static routes that a converged routing protocol would have, equal costs shared (ECMP).

Enters: a topology; leaves: the routes of each node. Rule of the file: hops are counted over segments (cables and networks), only
nodes with `forward` are passed through, and a node that sends everything the same way gets one default route.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from ipaddress import ip_network

from vethlab.model.address import IP, IPNetwork
from vethlab.model.names import HOST
from vethlab.model.route import NextHop, Route
from vethlab.model.topology import Endpoint, Topology


@dataclass(slots=True)
class _Graph:
    """Who stands on which segment. A segment is a list of endpoints."""

    segments: list[tuple[Endpoint, ...]] = field(default_factory=list)
    places: dict[str, list[tuple[int, Endpoint]]] = field(default_factory=lambda: defaultdict(list))
    forwards: set[str] = field(default_factory=set)

    def add(self, ends: tuple[Endpoint, ...]) -> None:
        for end in ends:
            self.places[end.node].append((len(self.segments), end))
        self.segments.append(ends)


def shortest_paths(topology: Topology) -> dict[str, tuple[Route, ...]]:
    """The routes of each node to every address of the lab that is not on one of its own segments."""
    graph = _Graph(forwards={node.name for node in topology.nodes if node.forward})
    for cable in topology.cables:
        graph.add((cable.left, cable.right))
    for network in topology.networks:
        bridge = (Endpoint(network.on, network.name, network.gateway),) if network.on != HOST and network.gateway else ()
        graph.add((*(port.endpoint for port in network.ports), *bridge))
    owners = _owners(topology, graph)
    distances: dict[frozenset[str], dict[str, int]] = {}
    routes: dict[str, list[Route]] = {node.name: [] for node in topology.nodes}
    for prefix, nodes in owners.items():
        key = frozenset(nodes)
        if key not in distances:
            distances[key] = _distances(graph, key)
        distance = distances[key]
        for name, hops in distance.items():
            if hops and not _is_connected(graph, name, prefix) and (found := _next_hops(graph, name, distance, prefix)):
                routes[name].append(Route(prefix, found))
    own: dict[str, set[int]] = {
        node.name: {route.destination.version for route in node.routes if route.destination.prefixlen == 0} for node in topology.nodes
    }
    return {name: _summarise(graph, name, found, own[name]) for name, found in routes.items()}


def _owners(topology: Topology, graph: _Graph) -> dict[IPNetwork, set[str]]:
    """Each prefix of the lab with the nodes that lead to it: those on it that forward, else each address by itself."""
    owners: dict[IPNetwork, set[str]] = defaultdict(set)
    for node in topology.nodes:
        for loopback in node.loopbacks:
            owners[loopback.network].add(node.name)
    for ends in graph.segments:
        held = [(address, end.node) for end in ends for address in end.addresses]
        led = {address.network for address, name in held if name in graph.forwards}
        for address, name in held:
            if address.network not in led:
                owners[ip_network(address.ip)].add(name)
            elif name in graph.forwards:
                owners[address.network].add(name)
    return owners


def _distances(graph: _Graph, targets: frozenset[str]) -> dict[str, int]:
    """Hops from each node to the nearest target: a breadth-first search that goes on only from forwarding nodes."""
    distance = dict.fromkeys(targets, 0)
    seen: set[int] = set()
    edge = sorted(targets)
    while edge:
        found = []
        for name in edge:
            if distance[name] and name not in graph.forwards:
                continue
            for segment, _end in graph.places[name]:
                if segment in seen:
                    continue
                seen.add(segment)
                for end in graph.segments[segment]:
                    if end.node not in distance:
                        distance[end.node] = distance[name] + 1
                        found.append(end.node)
        edge = found
    return distance


def _is_connected(graph: _Graph, name: str, prefix: IPNetwork) -> bool:
    """True if one of the node's own subnets holds the prefix: the kernel's connected route leads there."""
    held = (address.network for _, end in graph.places[name] for address in end.addresses)
    return any(prefix.network_address in network and prefix.prefixlen >= network.prefixlen for network in held)


def _next_hops(graph: _Graph, name: str, distance: dict[str, int], prefix: IPNetwork) -> tuple[NextHop, ...]:
    """Every neighbour one hop nearer, by its address of the prefix's family on the shared segment."""
    hops = []
    for segment, mine in graph.places[name]:
        for other in graph.segments[segment]:
            nearer = distance.get(other.node) == distance[name] - 1 and (other.node in graph.forwards or distance[other.node] == 0)
            if nearer and other.node != name and (via := _gateway(mine, other, prefix.version)) is not None:
                hops.append(NextHop(via, mine.interface))
    return tuple(dict.fromkeys(hops))


def _gateway(mine: Endpoint, other: Endpoint, version: int) -> IP | None:
    for address in other.addresses:
        if address.version == version and any(address.ip in own.network for own in mine.addresses if own.version == version):
            return address.ip
    return None


def _summarise(graph: _Graph, name: str, routes: list[Route], own: set[int]) -> tuple[Route, ...]:
    """One default route a family where a node that does not forward sends everything the same way.

    `own`: the families in which the node declares a default route itself, which leads elsewhere: there every route is spelled out.
    """
    if name in graph.forwards:
        return tuple(routes)
    summary: list[Route] = []
    for version, width in ((4, "0.0.0.0/0"), (6, "::/0")):
        mine = [route for route in routes if route.destination.version == version]
        if version not in own and len({route.next_hops for route in mine}) == 1:
            summary.append(Route(type(mine[0].destination)(width), mine[0].next_hops))
        else:
            summary += mine
    return tuple(summary)
