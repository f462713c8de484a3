"""Small topologies that many tests share, written as values."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from vethlab.model.route import NextHop, Route
from vethlab.model.topology import Cable, Endpoint, Network, Node, Port, Topology


def end(node: str, interface: str, *addresses: str) -> Endpoint:
    """An endpoint from text."""
    return Endpoint(node, interface, tuple(ip_interface(text) for text in addresses))


def via(gateway: str, destination: str = "0.0.0.0/0") -> Route:
    """A route through a gateway."""
    return Route(ip_network(destination), (NextHop(ip_address(gateway)),))


def direct(**keys: Any) -> Topology:
    """Two nodes on one cable."""
    cable = Cable(end("ns1", "veth0", "30.1.1.10/24"), end("ns2", "veth1", "30.1.1.11/24"))
    return Topology("direct", (Node("ns1"), Node("ns2")), (cable,), **keys)


def campus(**keys: Any) -> Topology:
    """Three hosts and a router on one bridge, a fourth host behind the router."""
    hosts = {"a": "11", "b": "12", "c": "13", "r": "1"}
    ports = tuple(Port(end(name, "eth0", f"10.9.1.{number}/24"), f"p-{name}") for name, number in hosts.items())
    nodes = (
        *[Node(name, routes=(via("10.9.1.1"),)) for name in "abc"], Node("r", forward=True), Node("d", routes=(via("10.9.2.1"),)),
    )
    cable = Cable(end("r", "wan", "10.9.2.1/24"), end("d", "eth0", "10.9.2.14/24"))
    return Topology("campus", nodes, (cable,), (Network("br0", ports),), **keys)


def star(size: int, **keys: Any) -> Topology:
    """`size` hosts on one bridge."""
    ports = tuple(Port(end(f"h{n}", "eth0", f"10.20.{n // 250}.{n % 250 + 1}/16"), f"p-h{n}") for n in range(size))
    return Topology("star", tuple(Node(f"h{n}") for n in range(size)), (), (Network("br0", ports),), **keys)
