"""What of a lab cannot stay when something of it goes: interfaces, and the checks that were about them.

Enters: a Topology and what is taken out; leaves: parts of the Topology. Rule of the file: a check goes with what it asks for, whether it
names that, or an address of it, or the port of a host that leads there. One that expects nothing to get through holds without it as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from vethlab.model.address import IP
from vethlab.model.names import HOST
from vethlab.model.nat import Publish
from vethlab.model.outside import NEAR
from vethlab.model.topology import Check, Endpoint, Topology

__all__ = ["Gone", "aimless", "checks_of", "kept", "lost", "publishers"]


class Gone(NamedTuple):
    """What is taken out: nodes by name, cables by number, places by (network, node), networks by name."""

    nodes: frozenset[str] = frozenset()
    cables: frozenset[int] = frozenset()
    places: frozenset[tuple[str, str]] = frozenset()
    networks: frozenset[str] = frozenset()


def lost(topology: Topology, gone: Gone) -> Iterator[Endpoint]:
    """The interfaces that go."""
    for number, cable in enumerate(topology.cables):
        if number in gone.cables:
            yield from (cable.left, cable.right)
    for network in topology.networks:
        for port in network.ports:
            if network.name in gone.networks or (network.name, port.endpoint.node) in gone.places:
                yield port.endpoint


def kept(topology: Topology, gone: Gone, node: str) -> list[Endpoint]:
    """The interfaces that a node keeps, a bridge in it included."""
    return [end for end in _ends(topology, gone) if end.node == node]


def checks_of(topology: Topology, gone: Gone) -> tuple[Check, ...]:
    """The checks that name what is gone, or ask for a node that has no address left."""
    ends = list(lost(topology, gone))
    bare = {
        one.name for one in topology.nodes
        if any(end.node == one.name and end.addresses for end in ends)
        and not one.loopbacks and not any(end.addresses for end in kept(topology, gone, one.name))
    }
    return tuple(one for one in topology.checks if _names(one, gone.nodes, ends) or {*one.target.nodes} & bare)


def aimless(before: Topology, after: Topology) -> tuple[Check, ...]:
    """Of the checks that are left those that ask for an address that nobody has any more, or a port that leads nowhere now."""
    addresses = _addresses(before) - _addresses(after)
    ports = [(at, one) for at, one in _published(before) if (at, one) not in set(_published(after))]
    still = list(_published(after))
    return tuple(
        one for one in after.checks
        if one.expect == "ok" and (
            one.target.address in addresses
            or (any(_leads(before, one, *port) for port in ports) and not any(_leads(after, one, *port) for port in still))
        )
    )


def publishers(topology: Topology, node: str) -> frozenset[str]:
    """The namespaces on which a node's ports are published: those with an address on a network of it."""
    return frozenset(
        one.on for one in topology.networks if one.gateway and any(port.endpoint.node == node for port in one.ports)
    )


def _ends(topology: Topology, gone: Gone) -> Iterator[Endpoint]:
    yield from (end for at, one in enumerate(topology.cables) if at not in gone.cables for end in (one.left, one.right))
    for network in topology.networks:
        if network.name not in gone.networks:
            yield from (port.endpoint for port in network.ports if (network.name, port.endpoint.node) not in gone.places)
            yield Endpoint(network.on, network.name, network.gateway)


def _names(check: Check, nodes: frozenset[str], ends: list[Endpoint]) -> bool:
    """Whether a check names a node or an interface that goes."""
    places = {(end.node, end.interface) for end in ends}
    named = {*check.source.nodes, *check.target.nodes, *([check.via] if check.via else [])}
    return bool(named & nodes) or any(
        (node, end.interface) in places for end in (check.source, check.target) for node in end.nodes
    )


def _addresses(topology: Topology) -> set[IP | None]:
    ends = {one.ip for end in _ends(topology, Gone()) for one in end.addresses}
    return {*ends, *(one.ip for node in topology.nodes for one in node.loopbacks)}


def _published(topology: Topology) -> Iterator[tuple[str, Publish]]:
    """Every published port with the namespace on which it is."""
    for node in topology.nodes:
        if node.publish:
            yield from ((at, one) for at in sorted(publishers(topology, node.name)) for one in node.publish)


def _leads(topology: Topology, check: Check, at: str, publish: Publish) -> bool:
    """Whether a check asks for that port: of the namespace, of an address of it, or of itself where it begins there."""
    target, protocol = check.target, "udp" if check.kind == "udp" else "tcp"
    if check.kind == "ping" or (target.port, protocol) != (publish.port, publish.protocol):
        return False
    if target.address is not None:
        own = {one.ip for end in _ends(topology, Gone()) if end.node == at for one in end.addresses}
        own |= {one.ip for one in NEAR} if at == HOST else set()
        return target.address in own and (publish.anywhere() or publish.address == target.address)
    if target.word == "localhost":
        return at in check.source.nodes or check.source.word == at
    return at in target.nodes or target.word == at
