"""Published ports, and what is outside. Enters: the lab as a whole. Leaves: mistakes.

Rule of the file: a port of a host leads to one place, and there is a way to it; both lines are named where two want the same port. What is
outside of a lab is not inside.
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.model.address import IP
from vethlab.model.names import HOST, WORLD
from vethlab.model.nat import Publish
from vethlab.model.outside import NEAR, OUTSIDE
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.raw import RawNetwork
from vethlab.spec.rules import Whole
from vethlab.spec.tree import Item


def check(whole: Whole, mistakes: Mistakes) -> None:
    """Every rule about published ports, and about what is outside."""
    if whole.lab.get("uplink", "none") == "none":
        _outside(whole, mistakes)
    else:
        from vethlab.spec import way_out  # noqa: PLC0415 - few labs reach the real world

        way_out.check(whole, mistakes)
    _hidden(whole, mistakes)
    seen: list[tuple[Publish, str, Item]] = []
    for name, publish, item in _all(whole):
        hosts = _hosts(whole, name)
        other = next((one for one in seen if one[0].clashes(publish) and hosts & _hosts(whole, one[1])), None)
        if other is not None:
            port = f"port {publish.port}/{publish.protocol}"
            mistakes.add(
                item, "port-taken", f"{port} of {_called(hosts)} is published twice: by `{other[1]}` and `{name}`",
                why=f"published in line {other[2].line} already", help="take another port of the host, or another of its addresses",
                topic="nodes.publish",
            )
        seen.append((publish, name, item))
        if not mistakes.unsure(name):
            _reachable(whole, name, publish, item, mistakes)


def _outside(whole: Whole, mistakes: Mistakes) -> None:
    """The host cannot have a subnet on a bridge that it has towards the world as well."""
    asked = any(one.check.target.word == WORLD for one in whole.checks)
    mine = [network for network in whole.networks if network.gateway and network.fields.get("on", HOST) == HOST]
    if not asked and all(network.fields.get("nat", "none") == "none" for network in mine):
        return
    for network in mine:
        for held in network.gateway:
            theirs = [one.network for one in (*NEAR, *OUTSIDE) if one.version == held.version]
            taken = next((one for one in theirs if one.overlaps(held.network)), None)
            if taken is not None:
                mistakes.add(
                    network.fields.at("subnet"), "overlapping-subnet",
                    f"network `{network.name}` has {held.network}, and {taken} is the world's", why="outside of this lab",
                    help="take another subnet: 10.0.0.0/8 and fd00::/8 are for labs", topic="networks.nat",
                )


def _hidden(whole: Whole, mistakes: Mistakes) -> None:
    """Nodes hide behind a host only if it is on their network: else nothing of theirs comes to it."""
    for network in whole.networks:
        given = "gateway" in (network.fields.item.mapping() or {})  # one that cannot be read has its own message
        if network.fields.get("nat", "none") != "none" and not given:
            mistakes.add(
                network.fields.at("nat"), "nat-no-way", f"network `{network.name}` hides its nodes behind a host that has no address on it",
                why="the nodes have no way to it", topic="networks.nat", help=f"give network `{network.name}` a `gateway`",
            )


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
    hosts, own = _hosts(whole, name), _own(whole, _hosts(whole, name))
    if not any(_joined(network, name, version) for network in mine for version in publish.versions()):
        mistakes.add(
            item, "publish-no-way", f"`{name}` publishes {publish}, and shares no IPv{publish.versions()[0]} subnet with the host",
            why=f"no IPv{publish.versions()[0]} address on both sides", topic="nodes.publish",
            help=f"give network `{mine[0].name}` a subnet and a `gateway` of IPv{publish.versions()[0]}",
        )
    elif publish.address is not None and not publish.anywhere() and publish.address not in own:
        if publish.address.is_loopback and publish.address.version == 4:
            return
        mistakes.add(
            item, "publish-no-address", f"`{name}` publishes {publish}, and {_called(hosts)} has no address {publish.address}",
            why="not an address of the host", topic="nodes.publish",
            help="IPv6 has no way from ::1 into a network" if publish.address.is_loopback
            else f"its addresses: {', '.join(map(str, own))}",
        )


def _joined(network: RawNetwork, name: str, version: int) -> bool:
    return any(gateway.version == version for gateway in network.gateway) and any(
        address.version == version for place in network.places if place.node == name for address in place.addresses
    )


def _hosts(whole: Whole, name: str) -> frozenset[str]:
    """The namespaces that have an address on a network of a node: there its ports are published."""
    return frozenset(
        network.fields.get("on", HOST) for network in whole.networks
        if network.gateway and any(place.node == name for place in network.places)
    )


def _called(hosts: frozenset[str]) -> str:
    others = sorted(hosts - {HOST})
    return " and ".join(f"`{name}`" for name in others) if others else "the host"


def _own(whole: Whole, hosts: frozenset[str]) -> list[IP]:
    """What the hosts can be called by."""
    inside = [network for network in whole.networks if network.fields.get("on", HOST) in hosts]
    found = [address.ip for network in inside for address in network.gateway]
    found += [address.ip for name in sorted(hosts) for place in whole.by_node.get(name, ()) for address in place.addresses]
    hidden = whole.lab.get("uplink", "none") == "none" and any(network.fields.get("nat", "none") != "none" for network in inside)
    return found + [address.ip for address in NEAR if HOST in hosts and hidden]
