"""Rules about MTUs that are too small for IPv6. Enters: segments and declared nodes. Leaves: mistakes.

Rule of the file: on an interface below IPv6's least MTU the kernel has no IPv6 (`model.link.has_ipv6`), so nothing of it can be said there:
no address, no route, no setting. Link-local addresses, which no file asks for by name, are simply not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from vethlab.model.link import IPV6_MIN_MTU
from vethlab.spec import host_rules
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.nodes import RawNode
from vethlab.spec.raw import Place, RawNetwork

SLUG = "mtu-too-small"


class Segment(NamedTuple):
    """What it is called, who is on it, the network if it is one, its mtu."""

    what: str
    places: list[Place]
    network: RawNetwork | None
    mtu: int


def check(segments: Iterable[Segment], declared: Iterable[RawNode], mistakes: Mistakes) -> None:
    """Applies every rule."""
    small = [one for one in segments if one.mtu < IPV6_MIN_MTU]
    if not small:
        return
    for one in small:
        _addresses(one, mistakes)
    interfaces = {(place.node, place.interface): one for one in small for place in (*one.places, *_of_hosts(one.network))}
    for node in declared:
        _routes(node, interfaces, mistakes)
        _settings(node, interfaces, mistakes)


def _of_hosts(network: RawNetwork | None) -> Iterable[Place]:
    """The bridge, its ports and its VXLAN device, wherever they are."""
    return [place for host in network.hosts() for place in host_rules.bridges(host, [network])] if network else []


def _addresses(one: Segment, mistakes: Mistakes) -> None:
    network = one.network
    addresses = [address for place in one.places for address in place.addresses] + (network.gateway if network else [])
    if not any(address.version == 6 for address in addresses):
        return
    where, help_ = network.fields.at("mtu") if network else one.places[0].item, f"set `mtu: {IPV6_MIN_MTU}` or more"
    if network and network.type == "vxlan" and network.fields.get("mtu", "auto") == "auto":
        where, help_ = network.item, "raise the mtu of the links between its hosts"
    mistakes.add(where, SLUG, f"the mtu {one.mtu} of {one.what} is too small for IPv6", why=f"IPv6 needs {IPV6_MIN_MTU} bytes",
                 help=f"{help_}, or remove the IPv6 addresses", topic="networks.mtu" if network else "links.mtu")


def _routes(node: RawNode, small: dict[tuple[str, str], Segment], mistakes: Mistakes) -> None:
    for route, item in node.routes:
        for hop in route.next_hops:
            one = small.get((node.name, hop.interface or ""))
            if one is not None and route.destination.version == 6:
                mistakes.add(item, SLUG, f"the mtu {one.mtu} of {one.what} is too small for an IPv6 route of node `{node.name}`",
                             why=f"{hop.interface} has no IPv6", topic="nodes.routes",
                             help=f"IPv6 needs {IPV6_MIN_MTU} bytes: raise the mtu, or remove the route")


def _settings(node: RawNode, small: dict[tuple[str, str], Segment], mistakes: Mistakes) -> None:
    for name, _, item in node.sysctl:
        parts = name.split(".")
        one = small.get((node.name, parts[3].replace("/", "."))) if len(parts) > 4 else None
        if one is not None and parts[1] == "ipv6":
            mistakes.add(item, SLUG, f"the mtu {one.mtu} of {one.what} is too small for `{name}` of node `{node.name}`",
                         why="IPv6 is not there, nor are its settings", topic="nodes.sysctl",
                         help=f"IPv6 needs {IPV6_MIN_MTU} bytes: raise the mtu, or remove the setting")
