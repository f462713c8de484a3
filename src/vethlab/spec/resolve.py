"""Fills in a lab: shorthand to full. Enters: the root Item of a document. Leaves: the Topology, or SpecErrors with all mistakes.

Rule of the file: the order of the work and nothing else; each step is in the module of its name, rules about the whole in `rules`.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from vethlab.model.address import IPInterface, IPNetwork
from vethlab.model.names import host_of
from vethlab.model.route import NextHop, Route
from vethlab.model.topology import Cable, Endpoint, Flow, Network, Node, Port, Topology
from vethlab.spec import addressing, checks, links, naming, networks, nodes, publish, rules
from vethlab.spec.addresses import last_host, with_prefix
from vethlab.spec.fields import Fields, take
from vethlab.spec.keys import ADDRESSING, LAB
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.raw import Place, RawLink, RawNetwork
from vethlab.spec.tree import Item


def resolve(root: Item, mistakes: Mistakes, *, infer: bool = False) -> Topology:
    """The Topology that the document means. SpecErrors names every mistake of it. `infer` adds nodes to declared ones."""
    lab = take(root, LAB, "the lab", mistakes)
    entries = root.mapping() or {}
    declared = nodes.read(entries.get("nodes"), mistakes)
    cables = links.read(entries.get("links"), mistakes)
    segments = networks.read(entries.get("networks"), mistakes)
    wanted = checks.read(entries.get("checks"), mistakes)
    given = take(entries.get("addressing") or Item(None), ADDRESSING, "`addressing`", mistakes)
    order = [key for key in entries if key in {"links", "networks"}]
    inferred = _inferred(cables, segments, networks_first=order[:1] == ["networks"])
    known = dict.fromkeys([*(declared or ()), *(name for name in inferred if declared is None or infer or host_of(name) in declared)])
    by_node = naming.name_interfaces(cables, segments)
    aliases = naming.name_ports(cables, segments)
    addressing.assign(cables, segments, given, mistakes, networks_first=order[:1] == ["networks"])
    loopbacks = _loopbacks(list(known), given, mistakes)
    if any(segment.type == "vxlan" for segment in segments):
        from vethlab.spec import underlay  # noqa: PLC0415 - only overlays have one

        underlay.join(cables, segments, declared or {}, loopbacks, mistakes)
    whole = rules.Whole(lab, declared, known, cables, segments, wanted, by_node, loopbacks)
    rules.check(whole, mistakes)
    publish.check(whole, mistakes)
    mistakes.finish()
    defaults, hosts = _default_routes(segments), {host_of(name) for name in known}
    return Topology(
        lab.get("name"),
        tuple(
            _node(name, (declared or {}).get(name), "host" if name in hosts else "node", defaults.get(name, {}), loopbacks.get(name, ()))
            for name in known
        ),
        tuple(Cable(_endpoint(cable.left), _endpoint(cable.right), cable.mtu, cable.shaping, cable.tuned) for cable in cables),
        tuple(_network(segment, aliases) for segment in segments),
        tuple(check.check for check in wanted),
        lab.get("routing", "none"), lab.get("ipv6", "link-local"), lab.get("host", "private"), lab.get("uplink", "none"),
        source=mistakes.path,
    )


def _inferred(cables: list[RawLink], segments: list[RawNetwork], *, networks_first: bool) -> list[str]:
    """Nodes in the order of their first mention in the file, a host before what is inside of it."""
    linked = [place.node for cable in cables for place in (cable.left, cable.right)]
    attached = [place.node for segment in segments for place in segment.places]
    named = attached + linked if networks_first else linked + attached
    return [one for name in named for one in (host_of(name), name) if one]


def _loopbacks(names: list[str], given: Fields, mistakes: Mistakes) -> dict[str, tuple[IPInterface, ...]]:
    """An address of each loopback prefix for every node, counted from .1 in node order: /32 and /128."""
    prefixes: tuple[IPNetwork, ...] = given.get("loopbacks", ())
    for prefix in prefixes:
        if last_host(prefix) < len(names):
            mistakes.add(given.at("loopbacks"), "subnet-too-small",
                         f"{prefix} has {last_host(prefix)} loopback addresses for {len(names)} nodes",
                         why="too small", help="take a shorter prefix", topic="addressing.loopbacks")
            return {}
    if not prefixes:
        return {}
    return {name: tuple(with_prefix(prefix[number], prefix.max_prefixlen) for prefix in prefixes) for number, name in enumerate(names, 1)}


def _default_routes(segments: list[RawNetwork]) -> dict[str, dict[int, Route]]:
    """The default routes that gateways give, by node and family; of several networks the first in the file."""
    routes: dict[str, dict[int, Route]] = {}
    for segment in segments:
        for gateway in segment.gateway:
            default: IPNetwork = IPv4Network("0.0.0.0/0") if gateway.version == 4 else IPv6Network("::/0")
            for place in segment.places:
                if any(gateway.ip in address.network for address in place.addresses):
                    routes.setdefault(place.node, {}).setdefault(gateway.version, Route(default, (NextHop(gateway.ip),)))
    return routes


def _node(name: str, raw: nodes.RawNode | None, role: str, defaults: dict[int, Route], loopbacks: tuple[IPInterface, ...]) -> Node:
    """One node, with the default routes it has none of its own for."""
    routes = [route for route, _ in raw.routes] if raw else []
    has = {route.destination.version for route in routes if route.destination.prefixlen == 0}
    routes += [route for version, route in sorted(defaults.items()) if version not in has]
    if raw is None:
        return Node(name, role, routes=tuple(routes), loopbacks=loopbacks)
    return Node(
        name, raw.get("role", role), forward=raw.get("forward", False), run=raw.get("run"),
        sysctl=tuple((key, value) for key, value, _ in raw.sysctl), nft=raw.get("nft"), routes=tuple(routes),
        private=raw.get("private", ()), loopbacks=loopbacks, publish=tuple(port for port, _ in raw.publish),
    )


def _endpoint(place: Place) -> Endpoint:
    return Endpoint(place.node, place.interface, tuple(place.addresses), place.mac)


def _network(segment: RawNetwork, aliases: dict[int, str]) -> Network:
    isolated = segment.isolated
    return Network(
        segment.name,
        tuple(
            Port(
                _endpoint(place), place.port, aliases.get(id(place)), place.node in isolated, segment.tags.get(place.node),
                segment.space(place),
            )
            for place in segment.places
        ),
        type=segment.type, on=segment.on, vni=segment.vni, udp_port=segment.fields.get("udp_port", 4789),
        fdb=segment.fields.get("fdb", "static"), vteps=segment.vteps, subnets=tuple(segment.subnets),
        gateway=tuple(segment.gateway), stp=segment.stp, mtu=segment.mtu, nat=segment.fields.get("nat", "none"), flows=_flows(segment),
        datapath=segment.fields.get("datapath", "auto"), shaping=segment.shaping,
        tuned=segment.fields.get("tuned", False),
    )


def _flows(segment: RawNetwork) -> tuple[Flow, ...]:
    """OpenFlow rules with their places: whether they are well said only Open vSwitch knows."""
    texts: tuple[str, ...] = segment.fields.get("flows", ())
    written = segment.fields.at("flows")
    items = written.sequence() or [written]
    return tuple(Flow(text, item.line, item.column) for text, item in zip(texts, items, strict=False))
