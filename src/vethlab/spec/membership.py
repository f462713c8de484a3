"""A lab with a node, a place on a network or a link more or less. Enters: a Topology. Leaves: the Topology, and what went along.

Rule of the file: the lab is said anew with the change in it and read as any other, so that what is no lab is a mistake here too. What
stays keeps its names and addresses, since the canonical form spells them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from vethlab.errors import NotFoundError, UsageError
from vethlab.model.names import HOST, host_of
from vethlab.model.route import Route
from vethlab.model.topology import Check, Endpoint, Network, Node, Topology
from vethlab.spec.draft import Draft
from vethlab.spec.mistakes import did_you_mean

__all__ = ["Gone", "cable_of", "checks_of", "node_of", "place_of", "with_link", "with_place", "without"]


class Gone(NamedTuple):
    """What is taken out: nodes by name, cables by number, places by (network, node), networks by name."""

    nodes: frozenset[str] = frozenset()
    cables: frozenset[int] = frozenset()
    places: frozenset[tuple[str, str]] = frozenset()
    networks: frozenset[str] = frozenset()


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
    """The lab without these, and a sentence for each thing said of what stays that had to go along."""
    draft = Draft.of(topology)
    _refuse_renumbering(topology, gone)
    lost = list(_lost(topology, gone))
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
            along += _unsaid(draft.nodes[one.name], one, [end for end in lost if end.node == one.name], _left(topology, gone, one.name))
    dead = checks_of(topology, gone)
    draft.checks = [said for said, check in zip(draft.checks, topology.checks, strict=True) if check not in dead]
    return draft.topology(), (*along, *[f"check `{one.text}`" for one in dead])


def checks_of(topology: Topology, gone: Gone) -> tuple[Check, ...]:
    """The checks that name what is gone, or ask for a node that has no address left."""
    lost = list(_lost(topology, gone))
    bare = {
        one.name for one in topology.nodes
        if any(end.node == one.name and end.addresses for end in lost)
        and not one.loopbacks and not any(end.addresses for end in _left(topology, gone, one.name))
    }
    return tuple(one for one in topology.checks if _names(one, gone.nodes, lost) or {*one.target.nodes} & bare)


def _refuse_renumbering(topology: Topology, gone: Gone) -> None:
    """Loopback addresses are counted in node order, so nobody behind a node may outlive it."""
    names = [one.name for one in topology.nodes]
    first = min((names.index(one) for one in gone.nodes), default=len(names))
    moved = [one.name for one in topology.nodes[first:] if one.name not in gone.nodes and one.loopbacks]
    if moved:
        raise UsageError(
            f"without `{names[first]}` the loopback addresses of {', '.join(moved[:5])} would change: they are counted in node order",
            help="edit the lab file and say `vethlab up`",
        )


def _lost(topology: Topology, gone: Gone) -> Iterator[Endpoint]:
    """The interfaces that go."""
    for number, cable in enumerate(topology.cables):
        if number in gone.cables:
            yield from (cable.left, cable.right)
    for network in topology.networks:
        for port in network.ports:
            if network.name in gone.networks or (network.name, port.endpoint.node) in gone.places:
                yield port.endpoint


def _left(topology: Topology, gone: Gone, node: str) -> list[Endpoint]:
    """The interfaces that a node keeps, a bridge in it included."""
    cables = [end for at, one in enumerate(topology.cables) if at not in gone.cables for end in (one.left, one.right)]
    networks = [one for one in topology.networks if one.name not in gone.networks]
    ports = [port.endpoint for one in networks for port in one.ports if (one.name, port.endpoint.node) not in gone.places]
    bridges = [Endpoint(one.on, one.name, one.gateway) for one in networks]
    return [end for end in (*cables, *ports, *bridges) if end.node == node]


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


def _unsaid(said: dict[str, Any], node: Node, lost: list[Endpoint], left: Iterable[Endpoint]) -> Iterator[str]:
    """Takes away what is said of a node's interfaces that go: routes over them, and their settings."""
    if not lost:
        return
    names, kept = {end.interface for end in lost}, [address for end in left for address in end.addresses]
    routes = []
    for sentence, route in zip(said.get("routes", ()), node.routes, strict=True):
        if _leads_away(route, names, lost, kept):
            yield f"route `{sentence}` of `{node.name}`"
        else:
            routes.append(sentence)
    said["routes"] = routes
    for key in [key for key in said.get("sysctl", {}) if key.split(".")[3:4] and key.split(".")[3].replace("/", ".") in names]:
        del said["sysctl"][key]
        yield f"sysctl `{key}` of `{node.name}`"


def _leads_away(route: Route, names: set[str], lost: list[Endpoint], kept: list[Any]) -> bool:
    """Whether a route needs an interface or an address that goes."""
    own = [address for end in lost for address in end.addresses]
    if any(hop.interface in names for hop in route.next_hops) or any(route.source == one.ip for one in own):
        return True
    gates = [hop.via for hop in route.next_hops if hop.interface is None and hop.via is not None]
    return any(via in one.network for via in gates for one in own) and not all(any(via in one.network for one in kept) for via in gates)


def _names(check: Check, nodes: frozenset[str], lost: list[Endpoint]) -> bool:
    """Whether a check names a node or an interface that goes."""
    ends = {(end.node, end.interface) for end in lost}
    named = {*check.source.nodes, *check.target.nodes, *([check.via] if check.via else [])}
    return bool(named & nodes) or any(
        (node, end.interface) in ends for end in (check.source, check.target) for node in end.nodes
    )
