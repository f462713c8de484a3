"""Gives every interface and bridge port its name. Enters: the raw links and networks. Leaves: the same, every Place named.

Rule of the file: names that the file gives come first; the others are the next free number, links before networks, in file order.
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.model.names import IFNAME_MAX, full_port_name, parent_name, port_name
from vethlab.spec.raw import Place, RawLink, RawNetwork

MACVLAN = "macvlan"


def places(links: list[RawLink], networks: list[RawNetwork]) -> Iterator[Place]:
    """Every Place in the order interfaces are numbered."""
    for link in links:
        yield link.left
        yield link.right
    for network in networks:
        yield from network.places


def name_interfaces(links: list[RawLink], networks: list[RawNetwork]) -> dict[str, list[Place]]:
    """Names what has no name yet: eth0, eth1... per node. Leaves each node's Places in that order."""
    by_node: dict[str, list[Place]] = {}
    for place in places(links, networks):
        by_node.setdefault(place.node, []).append(place)
    for mine in by_node.values():
        taken = {place.interface for place in mine if place.interface}
        number = 0
        for place in mine:
            if not place.interface:
                while f"eth{number}" in taken:
                    number += 1
                place.interface = f"eth{number}"
                number += 1
    return by_node


def name_ports(links: list[RawLink], networks: list[RawNetwork]) -> dict[int, str]:
    """Names the bridge side of every Place; on a macvlan there is none.

    Bridges of one namespace share its names, so a node's further port there is numbered.

    Leaves, by id() of the Place, the full name of each port whose name had to be shortened: it goes into the interface's alias.
    """
    taken = {(host, network.name) for network in networks for host in network.hosts()}
    taken |= {(place.node, place.interface) for network in networks for place in network.places}
    taken |= {(place.node, place.interface) for link in links for place in (link.left, link.right)}
    taken |= {(network.space(place), place.port) for network in networks for place in network.places if place.port}
    aliases: dict[int, str] = {}
    count: dict[tuple[str, str], int] = {}
    for network in networks:
        if network.type == MACVLAN:
            taken.add((network.on, parent_name(network.name)))
            continue
        for place in network.places:
            space = network.space(place)
            number = count[space, place.node] = count.get((space, place.node), 0) + 1
            if place.port:
                alias = _full_name(place.node, place.port, number)
            else:
                while (space, name := port_name(place.node, number)) in taken:
                    number += 1
                place.port, alias = name, full_port_name(place.node, number)
                taken.add((space, name))
            if alias and alias != place.port:
                aliases[id(place)] = alias
    return aliases


def _full_name(node: str, port: str, number: int) -> str:
    """The full name a given port name was shortened from, as the canonical form of a file gives it."""
    if len(port) != IFNAME_MAX or not port.startswith("p-"):
        return ""
    return next((full_port_name(node, n) for n in range(1, number + 64) if port_name(node, n) == port), "")
