"""Rules about one node's routes and settings. Enters: a RawNode and its Places. Leaves: mistakes.

Rule of the file: what the kernel would refuse (net/ipv4/fib_semantics.c, net/ipv6/route.c), said before anything is touched.
"""

from __future__ import annotations

from vethlab.model.address import IPNetwork
from vethlab.model.route import NextHop, Route
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.nodes import RawNode
from vethlab.spec.raw import Place
from vethlab.spec.tree import Item, shown


def check(node: RawNode, mine: list[Place], mistakes: Mistakes) -> None:
    """All rules of one node."""
    seen: dict[tuple[IPNetwork, int], int] = {}
    for route, item in node.routes:
        key = (route.destination, route.metric)
        if key in seen:
            mistakes.add(item, "duplicate-route", f"node `{node.name}` has two routes to {route.destination}",
                         why=f"first given in line {seen[key]}",
                         help="give one a `metric`, or share the load: `nexthop via A nexthop via B`", topic="nodes.routes")
        seen[key] = item.line
        if not mistakes.unsure(node.name):
            for hop in route.next_hops:
                _hop(node, hop, item, mine, mistakes)
            _source(node, route, item, mine, mistakes)
    if not mistakes.unsure(node.name):
        _settings(node, mine, mistakes)


def _hop(node: RawNode, hop: NextHop, item: Item, mine: list[Place], mistakes: Mistakes) -> None:
    """A next hop leads through an interface that exists to a neighbour on it."""
    names = [place.interface for place in mine]
    if hop.interface is not None and hop.interface not in names and hop.interface != "lo":
        mistakes.add(item, "unknown-interface", f"node `{node.name}` has no interface `{shown(hop.interface)}`",
                     part=_part(item, hop.interface),
                     why="no such interface", help=mistakes.meant(hop.interface, names, f"it has {', '.join(names) or 'none'}"),
                     topic="nodes.routes")
        return
    if hop.via is None or hop.onlink:
        return
    addresses = [address for place in mine for address in place.addresses if hop.interface in {None, place.interface}]
    part = _part(item, str(hop.via))
    if any(address.ip == hop.via for place in mine for address in place.addresses):
        mistakes.add(item, "gateway-is-self", f"the gateway {hop.via} is node `{node.name}` itself", why="its own address", part=part,
                     help="name the router's address on the same segment", topic="nodes.routes")
    elif hop.via.version == 6 and hop.via.is_link_local:
        if hop.interface is None:
            mistakes.add(item, "gateway-off-link", f"the gateway {hop.via} is on every interface of node `{node.name}`",
                         why="which interface?", part=part,
                         help=f"write `via {hop.via} dev INTERFACE`", topic="nodes.routes")
    elif not any(hop.via in address.network for address in addresses) and not _by_device(node, hop):
        reach = ", ".join(str(address.network) for address in addresses) or "nothing"
        mistakes.add(item, "gateway-off-link", f"node `{node.name}` cannot reach the gateway {hop.via} directly",
                     why="on none of its segments",
                     help=f"it reaches {reach}; or say `dev INTERFACE onlink`", part=part, topic="nodes.routes")


def _by_device(node: RawNode, hop: NextHop) -> bool:
    """True if another route of the node says behind which interface the gateway is."""
    return any(
        hop.via in route.destination and any(one.via is None and hop.interface in {None, one.interface} for one in route.next_hops)
        for route, _ in node.routes
    )


def _source(node: RawNode, route: Route, item: Item, mine: list[Place], mistakes: Mistakes) -> None:
    """A preferred source is one of the node's own addresses (loopbacks are not listed here, so any node with them is let through)."""
    if route.source is not None and not any(address.ip == route.source for place in mine for address in place.addresses):
        mistakes.add(item, "unknown-source", f"{route.source} is not an address of node `{node.name}`", why="not its own address",
                     part=_part(item, str(route.source)), help="`src` names one of the node's own addresses", topic="nodes.routes")


def _settings(node: RawNode, mine: list[Place], mistakes: Mistakes) -> None:
    """A setting of an interface names one that exists."""
    seen: set[str] = set()
    names = ["all", "default", "lo", *(place.interface for place in mine)]
    for name, _, item in node.sysctl:
        parts = name.split(".")
        if name in seen:
            mistakes.add(item, "duplicate-key", f"`{name}` of node `{node.name}` is given twice", why="the same setting",
                         help="keep one of them",
                         topic="nodes.sysctl")
        seen.add(name)
        interface = parts[3].replace("/", ".") if len(parts) > 4 else ""
        if parts[1] in {"ipv4", "ipv6"} and parts[2] in {"conf", "neigh"} and interface not in names:
            mistakes.add(item, "unknown-interface", f"`{name}`: node `{node.name}` has no interface `{shown(interface)}`",
                         why="no such interface",
                         help=mistakes.meant(interface, names, f"it has {', '.join(names[2:])}"), topic="nodes.sysctl")


def _part(item: Item, word: str) -> tuple[int, int] | None:
    """Where a word stands in the sentence."""
    start = item.text.find(word)
    return (start, len(word)) if start >= 0 else None
