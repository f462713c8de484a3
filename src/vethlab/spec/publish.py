"""Published ports. Enters: the lab as a whole. Leaves: mistakes.

Rule of the file: a port of a host leads to one place, and there is a way to it; both lines are named where two want the same port.
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.model.address import IP
from vethlab.model.nat import Publish
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.raw import RawNetwork
from vethlab.spec.rules import Whole
from vethlab.spec.tree import Item


def check(whole: Whole, mistakes: Mistakes) -> None:
    """Every rule about published ports."""
    seen: list[tuple[Publish, str, Item]] = []
    for name, publish, item in _all(whole):
        other = next((one for one in seen if one[0].clashes(publish)), None)
        if other is not None:
            mistakes.add(
                item, "port-taken", f"port {publish.port}/{publish.protocol} of the host is published twice: by `{other[1]}` and `{name}`",
                why=f"published in line {other[2].line} already", help="take another port of the host, or another of its addresses",
                topic="nodes.publish",
            )
        seen.append((publish, name, item))
        if not mistakes.unsure(name):
            _reachable(whole, name, publish, item, mistakes)


def _all(whole: Whole) -> Iterator[tuple[str, Publish, Item]]:
    for node in (whole.declared or {}).values():
        for publish, item in node.publish:
            yield node.name, publish, item


def _reachable(whole: Whole, name: str, publish: Publish, item: Item, mistakes: Mistakes) -> None:
    """The host needs an address on a network of the node, of the same IP version as the node has there."""
    mine = [network for network in whole.networks if any(place.node == name for place in network.places)]
    if not any(network.gateway for network in mine):
        mistakes.add(
            item, "publish-no-way", f"`{name}` publishes a port, and no network of it is one that the host is on",
            why="the host has no way to it", topic="nodes.publish",
            help=f"give network `{mine[0].name}` a `gateway`" if mine else "put the node on a network with a `gateway`",
        )
        return
    if not any(_joined(network, name, version) for network in mine for version in publish.versions()):
        mistakes.add(
            item, "publish-no-way", f"`{name}` publishes {publish}, and shares no IPv{publish.versions()[0]} subnet with the host",
            why=f"no IPv{publish.versions()[0]} address on both sides", topic="nodes.publish",
            help=f"give network `{mine[0].name}` a subnet and a `gateway` of IPv{publish.versions()[0]}",
        )
    elif publish.address is not None and not publish.anywhere() and publish.address not in (own := _own(whole)):
        if publish.address.is_loopback and publish.address.version == 4:
            return
        mistakes.add(
            item, "publish-no-address", f"`{name}` publishes {publish}, and the host has no address {publish.address}",
            why="not an address of the host", topic="nodes.publish",
            help="IPv6 has no way from ::1 into a network" if publish.address.is_loopback
            else f"its addresses: {', '.join(map(str, own))}",
        )


def _joined(network: RawNetwork, name: str, version: int) -> bool:
    return any(gateway.version == version for gateway in network.gateway) and any(
        address.version == version for place in network.places if place.node == name for address in place.addresses
    )


def _own(whole: Whole) -> list[IP]:
    """What the host can be called by, apart from its address towards the world."""
    return [address.ip for network in whole.networks for address in network.gateway]
