"""Rules about the lab as a whole. Enters: everything read, named and addressed. Leaves: mistakes.

Rule of the file: one function a rule, each told only what the parts cannot know by themselves. Where a part of the file could not be
read, rules that would blame its absence keep still: one mistake gives one message.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from vethlab.model.address import IPInterface
from vethlab.model.names import HOST, host_of, parent_name, vxlan_name
from vethlab.spec import host_rules, mtu_rules, route_rules
from vethlab.spec.addresses import first_host, last_host
from vethlab.spec.checks import RawCheck
from vethlab.spec.fields import Fields
from vethlab.spec.mistakes import Mistakes, Part
from vethlab.spec.mtu_rules import Segment
from vethlab.spec.naming import MACVLAN
from vethlab.spec.nodes import RawNode
from vethlab.spec.raw import Place, RawLink, RawNetwork
from vethlab.spec.tree import Item, shown

MAX_PORTS = 1023  # BR_MAX_PORTS is 1 << 10 and port number 0 is not used (net/bridge/br_private.h)
COUNTS_EVERYWHERE = "a host number counts in every subnet of the network: say the number alone, or the addresses alone"


class Whole(NamedTuple):
    """A lab before it becomes a Topology."""

    lab: Fields
    declared: dict[str, RawNode] | None
    known: dict[str, None]
    links: list[RawLink]
    networks: list[RawNetwork]
    checks: list[RawCheck]
    by_node: dict[str, list[Place]]
    loopbacks: dict[str, tuple[IPInterface, ...]]

    def interfaces(self, node: str) -> list[Place]:
        """Every interface of a node: its own and those of the networks whose bridge is in it."""
        return [*self.by_node.get(node, []), *host_rules.bridges(node, self.networks)]


def check(whole: Whole, mistakes: Mistakes) -> None:
    """Applies every rule."""
    for rule in (
        _unknown_nodes, _interface_names, _port_names, _too_many_ports, _network_members, _host_addresses, _duplicates, _gateways,
    ):
        rule(whole, mistakes)
    mtu_rules.check(_segments(whole), (whole.declared or {}).values(), mistakes)
    host_rules.check(whole.declared or {}, whole.known, whole.networks, mistakes)
    if whole.declared is not None:
        for node in whole.declared.values():
            route_rules.check(node, whole.interfaces(node.name), mistakes)
    for one in whole.checks:
        _check_end(whole, one, source=True, mistakes=mistakes)
        _check_end(whole, one, source=False, mistakes=mistakes)
        _check_via(whole, one, mistakes)


def unknown_node(name: str, known: dict[str, None], where: Item, part: Part | None, what: str, mistakes: Mistakes) -> None:
    """Records a name that no node has."""
    if mistakes.nodes_lost:
        return
    mistakes.add(where, "unknown-node", f"{what} names `{shown(name)}`, which is not a node", why="not declared", part=part, topic="nodes",
                 help=mistakes.meant(name, known, f"add `{shown(name)}` to `nodes`"))


def _unknown_nodes(whole: Whole, mistakes: Mistakes) -> None:
    """With a `nodes` key every name on a link or network must be declared."""
    if whole.declared is None:
        return
    for what, mine, _, _ in _segments(whole):
        for place in mine:
            host = host_of(place.node)
            if place.node not in whole.known and host:
                unknown_node(host, whole.known, place.item, place.name_part, f"`{place.node}` on {what}", mistakes)
            elif place.node not in whole.known:
                unknown_node(place.node, whole.known, place.item, place.name_part, what, mistakes)


def _interface_names(whole: Whole, mistakes: Mistakes) -> None:
    """An interface name exists once in a node."""
    for node, mine in whole.by_node.items():
        if len({place.interface for place in mine}) == len(mine):
            continue
        seen: set[str] = set()
        for place in mine:
            if place.interface in seen:
                mistakes.add(place.item, "duplicate-interface", f"node `{node}` has two interfaces named `{place.interface}`",
                             why="the name is taken", help="choose another name, or leave it away", part=place.name_part,
                             topic="links.ends")
            seen.add(place.interface)


def _port_names(whole: Whole, mistakes: Mistakes) -> None:
    """Bridges and their ports share the names of their namespace with each other and with the node's own interfaces."""
    seen = {(node, place.interface): f"an interface of node `{node}`" for node, mine in whole.by_node.items() for place in mine}
    for network in whole.networks:
        for host in network.hosts():
            for name, what in _brought(network):
                if (host, name) in seen:
                    mistakes.add(network.item, "duplicate-interface",
                                 f"`{name}` in `{host}`, the {what} of network `{network.name}`, is {seen[host, name]} too",
                                 why="the name is taken", help="choose another name for one of them", topic="networks")
                seen[host, name] = f"the {what} of network `{network.name}`"
    for network in whole.networks:
        for place in network.places:
            if network.type == MACVLAN:
                _portless(network, place, mistakes)
                continue
            key = (network.space(place), place.port)
            if key in seen:
                mistakes.add(place.item, "duplicate-port",
                             f"the port `{place.port}` of `{place.node}` on `{network.name}` is {seen[key]} too",
                             why="the name is taken", help="choose another `port`, or leave it away", topic="networks.nodes.port")
            seen[key] = f"the port of `{place.node}` on `{network.name}`"


def _brought(network: RawNetwork) -> Iterator[tuple[str, str]]:
    """What a network brings to each host beside ports: the name of an interface, and what it is."""
    yield network.name, "bridge"
    if network.type == "vxlan":
        yield vxlan_name(network.name), "VXLAN device"
    if network.type == MACVLAN:
        yield parent_name(network.name), "parent"


def _portless(network: RawNetwork, place: Place, mistakes: Mistakes) -> None:
    """A macvlan stands on one parent with all others: no interface of the host's is its own."""
    if place.port:
        mistakes.add(
            place.item, "wrong-network-type", f"`{place.node}` on `{network.name}` has a `port`, and a macvlan network has none",
            why="no ports here", help="remove `port`, or make it a network of `type: bridge`", topic="networks.nodes.port",
        )


def _too_many_ports(whole: Whole, mistakes: Mistakes) -> None:
    for network in whole.networks:
        if network.type == "bridge" and len(network.places) > MAX_PORTS:
            mistakes.add(
                network.item, "too-many-ports",
                f"network `{network.name}` has {len(network.places)} nodes, a Linux bridge takes {MAX_PORTS} ports",
                why="too many nodes", topic="networks.type",
                help="say `type: macvlan`, which takes more, or join several networks by a router",
            )


def _network_members(whole: Whole, mistakes: Mistakes) -> None:
    """Names inside a network other than in `nodes`."""
    for network in whole.networks:
        on = network.on
        if on != HOST and on not in whole.known and _complete(whole, mistakes, on):
            unknown_node(on, whole.known, network.fields.at("on"), None, f"`on` of network `{network.name}`", mistakes)
        there = dict.fromkeys(place.node for place in network.places)
        tags = network.fields.get("tags")
        members = [] if tags is None else list((tags.keys or {}).values())
        members += network.fields.at("isolated").sequence() or [] if "isolated" in network.fields.values else []
        for item in members:
            if item.text not in there and not mistakes.unsure(item.text):
                mistakes.add(item, "unknown-node", f"`{shown(item.text)}` is not on network `{network.name}`", why="not one of its nodes",
                             help=mistakes.meant(item.text, there, "add it to the network's `nodes`"), topic="networks.nodes")


def _segments(whole: Whole) -> Iterator[Segment]:
    """Every segment."""
    for link in whole.links:
        yield Segment(f"the link {link.left.node} -- {link.right.node}", [link.left, link.right], None, link.mtu)
    for network in whole.networks:
        yield Segment(f"network `{network.name}`", network.places, network, network.mtu)


def _host_addresses(whole: Whole, mistakes: Mistakes) -> None:
    """The first address of a subnet names the subnet (in IPv6 any of its routers, RFC 4291), the last of an IPv4 subnet everybody in it."""
    for what, mine, network, _ in _segments(whole):
        gateways = [(address, network.fields.at("gateway"), None) for address in network.gateway] if network else []
        given = [(address, *place.parts[index]) for place in mine for index, address in enumerate(place.addresses[: len(place.parts)])]
        for address, item, part in gateways + given:
            subnet = address.network
            number = int(address) - int(subnet.network_address)
            if not first_host(subnet) <= number <= last_host(subnet):
                reason = "broadcast address" if number else "address of the subnet itself"
                mistakes.add(item, "not-a-host", f"{address} on {what} is the {reason}", why="no host can have it", part=part,
                             help=f"hosts of {subnet} go from {subnet[first_host(subnet)]} to {subnet[last_host(subnet)]}",
                             topic="links.ends")
            elif network is not None and network.subnets and not any(address.ip in one for one in network.subnets):
                subnets = ", ".join(map(str, network.subnets))
                mistakes.add(item, "outside-subnet", f"{address} is outside {subnets} of {what}", why=f"not in {subnets}",
                             topic="networks.subnet",
                             help="take an address of the subnet, or change `subnet`")


def _duplicates(whole: Whole, mistakes: Mistakes) -> None:
    """An address belongs to one interface of a segment."""
    for what, mine, network, _ in _segments(whole):
        owner = {address.ip: "the gateway" for address in network.gateway} if network else {}
        if network and len(owner) < len(network.gateway):
            twice = next(one.ip for at, one in enumerate(network.gateway) if one.ip in {other.ip for other in network.gateway[:at]})
            mistakes.add(network.fields.at("gateway"), "duplicate-address", f"the gateway of {what} has {twice} twice", why="given twice",
                         help=COUNTS_EVERYWHERE, topic="networks.gateway")
        macs: dict[str, str] = {}
        for place in mine:
            for index, address in enumerate(place.addresses):
                if address.ip in owner:
                    own = owner[address.ip] == f"`{place.node}`"
                    item, part = place.parts[index] if index < len(place.parts) else (place.item, place.name_part)
                    mistakes.add(item, "duplicate-address", f"{address.ip} on {what} belongs to {owner[address.ip]} already", part=part,
                                 why="the address is taken", topic="links.ends",
                                 help=COUNTS_EVERYWHERE if own and network else "every interface of a segment needs its own")
                owner[address.ip] = f"`{place.node}`"
            if place.mac and place.mac in macs:
                mistakes.add(place.item, "duplicate-mac", f"{place.mac} on {what} belongs to `{macs[place.mac]}` already",
                             why="the address is taken",
                             help="every interface of a segment needs its own", topic="networks.nodes.mac")
            if place.mac:
                macs[place.mac] = place.node


def _gateways(whole: Whole, mistakes: Mistakes) -> None:
    """A node cannot use its own address as its gateway (fib_check_nh), even if it has that address on another network."""
    for network in whole.networks:
        for address in network.gateway:
            for place in network.places:
                mine = [one for other in whole.by_node[place.node] if other is not place for one in other.addresses]
                if any(one.ip == address.ip for one in mine):
                    mistakes.add(network.fields.at("gateway"), "gateway-is-self",
                                 f"the gateway {address.ip} of network `{network.name}` is an address of its node `{place.node}` elsewhere",
                                 why="the node would ask itself", topic="networks.gateway",
                                 help="take different subnets for different networks")


def _check_end(whole: Whole, one: RawCheck, *, source: bool, mistakes: Mistakes) -> None:
    """The nodes and interfaces of a check exist, and what is asked for has an address."""
    end, part = (one.check.source, one.source) if source else (one.check.target, one.target)
    what = f"check `{shown(one.check.text)}`"
    for name in end.nodes:
        if name not in whole.known:
            if _complete(whole, mistakes, name):
                unknown_node(name, whole.known, one.item, part, what, mistakes)
            return
    gateways = [network for network in whole.networks if "gateway" in (network.fields.item.mapping() or {}) and network.on == HOST]
    if end.word == HOST and not source and not gateways and not mistakes.lost:
        mistakes.add(one.item, "check-no-address", f"{what}: `host` has no address", why="no network has a gateway", part=part,
                     topic="checks",
                     help="give a network a `gateway`")
    for name in end.nodes:
        if mistakes.unsure(name):
            continue
        mine = whole.interfaces(name)
        if end.interface is not None:
            mine = [place for place in mine if place.interface == end.interface]
            if not mine and end.interface != "lo":
                names = [place.interface for place in whole.interfaces(name)]
                mistakes.add(one.item, "unknown-interface", f"{what}: node `{name}` has no interface `{shown(end.interface)}`",
                             why="no such interface",
                             help=mistakes.meant(end.interface, names, f"it has {', '.join(names) or 'none'}"), part=part, topic="checks")
                continue
        if not source and not any(place.addresses for place in mine) and not whole.loopbacks.get(name):
            mistakes.add(one.item, "check-no-address", f"{what}: `{name}` has no address to ask for", why="has no address", part=part,
                         help="put it on a link or network with addresses", topic="checks")


def _complete(whole: Whole, mistakes: Mistakes, name: str) -> bool:
    """True if `name` would be known if it were a node: all are declared, or everything they are inferred from could be read."""
    return whole.declared is not None or not mistakes.unsure(name)


def _check_via(whole: Whole, one: RawCheck, mistakes: Mistakes) -> None:
    via = one.check.via
    if via is not None and via != HOST and via not in whole.known and one.options and _complete(whole, mistakes, via):
        unknown_node(via, whole.known, one.options.at("via"), None, f"`via` of check `{shown(one.check.text)}`", mistakes)
