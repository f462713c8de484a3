"""A lab with a node, a place on a network or a link more or less. Enters: a Topology. Leaves: the Topology, and what went along.

Rule of the file: the lab is said anew with the change in it and read as any other, so that what is no lab is a mistake here too. What
stays keeps its names and addresses, since the canonical form spells them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from vethlab.errors import NotFoundError, UsageError
from vethlab.model.names import HOST, host_of
from vethlab.model.route import Route
from vethlab.model.topology import Check, Endpoint, Network, Node, Topology
from vethlab.spec.draft import Draft
from vethlab.spec.mistakes import did_you_mean
from vethlab.spec.orphans import Gone, aimless, checks_of, kept, lost, publishers

__all__ = ["Gone", "cable_of", "node_of", "place_of", "with_link", "with_place", "without"]


def cable_of(number: int) -> Gone:
    """One cable; its nodes stay."""
    return Gone(cables=frozenset({number}))


def place_of(topology: Topology, network: str, node: str) -> Gone:
    """A node's place on a network; the node stays."""
    return _completed(topology, Gone(places=frozenset({(network, node)})))


def node_of(topology: Topology, name: str) -> Gone:
    """A node with all its links and places; a host with the nodes inside of it and the networks whose bridge it holds."""
    nodes = {one.name for one in topology.nodes if name in {one.name, host_of(one.name)}}
    if not nodes:
        help_ = did_you_mean(name, [one.name for one in topology.nodes], "`vethlab show` lists them")
        raise NotFoundError(f"the lab has no node `{name}`", where=name, slug="no-such-node", help=help_)
    return _completed(topology, Gone(frozenset(nodes)))


def _completed(topology: Topology, gone: Gone) -> Gone:
    """With what cannot be without what is gone."""
    networks = {one.name for one in topology.networks if one.type != "vxlan" and one.on in gone.nodes}
    places = {
        (one.name, port.endpoint.node) for one in topology.networks if one.name not in networks for port in one.ports
        if port.endpoint.node in gone.nodes
    }
    cables = {at for at, one in enumerate(topology.cables) if {one.left.node, one.right.node} & gone.nodes}
    return Gone(gone.nodes, gone.cables | cables, gone.places | places, gone.networks | networks)


def with_link(topology: Topology, left: str, right: str, keys: Mapping[str, Any]) -> Topology:
    """One cable more; a node that is not there yet comes with it."""
    return Draft.of(topology).link(left, right, **keys).topology()


def with_place(topology: Topology, end: str, network: str) -> Topology:
    """One node more on a network: `end` is its name, perhaps an interface, and its addresses there, host numbers among them."""
    draft = Draft.of(topology)
    places = draft.networks[network]["nodes"]
    word, *addresses = end.split()
    name, _, interface = word.partition(":")
    if name in places:
        raise UsageError(f"`{name}` is on network `{network}` already", slug="which-link", help="a node has one place on a network")
    place: dict[str, Any] = {"interface": interface} if interface else {}
    if addresses:
        place["address"] = [int(one) if one.isdecimal() else one for one in addresses]
    places[name] = place
    return draft.topology()


def without(topology: Topology, gone: Gone) -> tuple[Topology, tuple[str, ...]]:
    """The lab without these, and a sentence for each thing said of what stays that had to go along, or changes."""
    draft = Draft.of(topology)
    ends = list(lost(topology, gone))
    draft.links = [one for at, one in enumerate(draft.links) if at not in gone.cables]
    for name in gone.networks:
        del draft.networks[name]
    for network, node in gone.places:
        _off(draft.networks[network], node)
    along = [sentence for network in topology.networks for sentence in _ungated(draft, network, gone)]
    for one in topology.nodes:
        if one.name in gone.nodes:
            del draft.nodes[one.name]
        else:
            along += _unsaid(draft.nodes[one.name], one, [end for end in ends if end.node == one.name], kept(topology, gone, one.name))
            along += _unpublished(draft.nodes[one.name], one, topology, gone)
    rest, dead = _unasked(draft, topology, checks_of(topology, gone))
    along += _renumbered(topology, rest)
    rest, aims = _unasked(draft, rest, aimless(topology, rest))
    return rest, (*along, *[f"check `{one.text}`" for one in (*dead, *aims)])


def _unasked(draft: Draft, topology: Topology, dead: tuple[Check, ...]) -> tuple[Topology, tuple[Check, ...]]:
    """The drafted lab without these of its checks, which are those of `topology`."""
    draft.checks = [said for said, check in zip(draft.checks, topology.checks, strict=True) if check not in dead]
    return draft.topology(), dead


def _renumbered(before: Topology, after: Topology) -> Iterator[str]:
    """Loopback addresses are counted in node order: those behind a node that goes move up."""
    held = {node.name: node.loopbacks for node in before.nodes}
    for node in after.nodes:
        for old, new in zip(held[node.name], node.loopbacks, strict=True):
            if old != new:
                yield f"loopback address {old.ip} of `{node.name}`, which is {new.ip} now: they are counted in node order"


def _unpublished(said: dict[str, Any], node: Node, topology: Topology, gone: Gone) -> Iterator[str]:
    """Ports of a node that no host is left to publish."""
    networks = tuple(one for one in topology.networks if one.name not in gone.networks and (one.name, node.name) not in gone.places)
    if node.publish and publishers(topology, node.name) and not publishers(replace(topology, networks=networks), node.name):
        yield from (f"published port `{one}` of `{node.name}`" for one in node.publish)
        said.pop("publish", None)


def _off(network: dict[str, Any], node: str) -> None:
    del network["nodes"][node]
    network.get("tags", {}).pop(node, None)
    if node in network.get("isolated", ()):
        network["isolated"].remove(node)


def _ungated(draft: Draft, network: Network, gone: Gone) -> Iterator[str]:
    """An overlay outlives the host that holds its gateway, without it."""
    if network.type == "vxlan" and network.on in gone.nodes and network.on != HOST:
        for key in ("on", "gateway"):
            draft.networks[network.name].pop(key, None)
        yield f"the gateway of network `{network.name}`"


def _unsaid(said: dict[str, Any], node: Node, ends: list[Endpoint], left: Iterable[Endpoint]) -> Iterator[str]:
    """Takes away what is said of a node's interfaces that go: routes over them, and their settings."""
    if not ends:
        return
    names, held = {end.interface for end in ends}, [address for end in left for address in end.addresses]
    routes = []
    for sentence, route in zip(said.get("routes", ()), node.routes, strict=True):
        if _leads_away(route, names, ends, held):
            yield f"route `{sentence}` of `{node.name}`"
        else:
            routes.append(sentence)
    said["routes"] = routes
    for key in [key for key in said.get("sysctl", {}) if key.split(".")[3:4] and key.split(".")[3].replace("/", ".") in names]:
        del said["sysctl"][key]
        yield f"sysctl `{key}` of `{node.name}`"


def _leads_away(route: Route, names: set[str], ends: list[Endpoint], held: list[Any]) -> bool:
    """Whether a route needs an interface or an address that goes."""
    own = [address for end in ends for address in end.addresses]
    if any(hop.interface in names for hop in route.next_hops) or any(route.source == one.ip for one in own):
        return True
    gates = [hop.via for hop in route.next_hops if hop.interface is None and hop.via is not None]
    return any(via in one.network for via in gates for one in own) and not all(any(via in one.network for one in held) for via in gates)
