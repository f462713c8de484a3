"""A lab on paper: wiring and snapshots as a kernel would have them, made from a lab file, and a kernel that answers from them.

Enters: the text of a lab file, then changes by hand; leaves: answers to the questions of `explain`. Rule of the file: what the paper
kernel decides is what net/ipv4/route.c decides for so small a lab; whatever else a test needs it says in `says`.
"""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any, TypeVar

from vethlab import spec
from vethlab.explain.fib import match
from vethlab.explain.questions import Drifted, Forward, Forwarded, Look, Observe, Question, Route, Routed
from vethlab.explain.scene import Scene
from vethlab.explain.settings import effective
from vethlab.explain.story import explain
from vethlab.explain.walk import walk
from vethlab.explain.way import Way
from vethlab.lab.wiring import tunnels_of
from vethlab.model.address import IP
from vethlab.model.finding import Explanation
from vethlab.model.flow import PING, Flow, Side
from vethlab.model.journey import Observed, Sighting
from vethlab.model.link import LOOPBACK, End
from vethlab.model.snapshot import (
    LOCAL_TABLE,
    Drift,
    FibRoute,
    HeldAddress,
    Hop,
    Interface,
    Listener,
    NeighbourEntry,
    PortFlags,
    Snapshot,
    Wire,
    Wiring,
)
from vethlab.model.state import Netns, State
from vethlab.model.switch import SwitchPort, SwitchSeen
from vethlab.model.topology import Network, Topology
from vethlab.model.translation import Hidden, Published
from vethlab.plan import nat
from vethlab.plan.desired import desired

T = TypeVar("T")
CABLE = "name: paper\nlinks: [a 10.0.0.1/24 fd00::1/64 -- b 10.0.0.2/24 fd00::2/64]\n"
ROUTED = """\
name: paper
nodes:
  a: {routes: [default via 10.0.1.1, "default via fd01::1"]}
  r: {forward: true}
  b: {routes: [default via 10.0.2.1, "default via fd02::1"]}
links:
  - a 10.0.1.2/24 fd01::2/64 -- r:left 10.0.1.1/24 fd01::1/64
  - r:right 10.0.2.1/24 fd02::1/64 -- b 10.0.2.2/24 fd02::2/64
"""
BRIDGED = """\
name: paper
networks:
  br0: {subnet: [10.0.0.0/24, "fd00::/64"], nodes: {a: 1, b: 2, c: 3}}
"""
ERRNO = {"blackhole": errno.EINVAL, "unreachable": errno.EHOSTUNREACH, "prohibit": errno.EACCES}
SHARED = frozenset({"up", "carrier", "mac", "master"})  # what interface and wire both have


def end(place: str) -> End:
    """`b:eth0` as a value."""
    return End(*place.split(":"))


def route(destination: str, interface: str | None = None, via: str | None = None, **keys: Any) -> FibRoute:
    """A line of a routing table."""
    hop = (Hop(interface, None if via is None else ip_address(via)),) if interface is not None or via is not None else ()
    return FibRoute(ip_network(destination), hops=keys.pop("hops", hop), **keys)


def entry(interface: str, address: str, mac: str | None, state: str = "reachable") -> NeighbourEntry:
    """A neighbour entry."""
    return NeighbourEntry(interface, ip_address(address), mac, state)


def sighting(place: str, direction: str, what: str = "request", *, about: str | None = None, **keys: Any) -> Sighting:
    """A frame that was seen."""
    found = end(place)
    return Sighting(found.netns, found.interface, direction, what, keys.pop("ns", 0), None if about is None else ip_address(about), **keys)


class Paper:
    """A lab on paper. `drift`, `seen` and `says` (answers to single questions) may be set."""

    def __init__(self, text: str = CABLE) -> None:
        topology = spec.loads(text, "paper")
        state = desired(topology)
        self.wires = dict(_wires(topology, state))
        self.nodes = {name: _snapshot(one, name, topology) for name, one in state.netns.items()}
        self.declared = _declared(topology)
        self.forwards = frozenset(node.name for node in topology.nodes if node.forward)
        self.published = tuple(Published("host", one.publish, one.node, ip_address(one.address)) for one in nat.mapped(topology, "host"))
        self.hidden = tuple(Hidden("host", one, net.name) for net in topology.networks if net.nat != "none" for one in nat.subnets(net))
        self.hiders: frozenset[str] = frozenset()
        self.tunnels = tunnels_of(topology)
        self.drift: tuple[Drift, ...] = ()
        self.seen = Observed(ok=False)
        self.says: dict[Question, Any] = {}
        self.switches = {End(one.on, one.name): _switch(one) for one in topology.networks if one.type == "ovs"}
        for bridge, seen in self.switches.items():
            for port in set(seen.ports) - {bridge.interface}:
                self.wire(f"{bridge.netns}:{port}", master=bridge.interface)
        self.asked: list[Question] = []

    @property
    def wiring(self) -> Wiring:
        """What leads where."""
        meant = self.published, self.hidden, self.hiders
        return Wiring(self.wires, self.declared, self.forwards, *meant, tunnels=self.tunnels, switches=self.switches)

    def scene(self, *looked: str) -> Scene:
        """A scene in which these namespaces, or all, were looked into."""
        scene = Scene(self.wiring)
        scene.snapshots = {name: self.nodes[name] for name in looked or self.nodes}
        return scene

    def mac(self, place: str) -> str:
        """The MAC of an interface."""
        return self.wires[end(place)].mac

    def wire(self, place: str, **changes: Any) -> None:
        """Change how an interface is wired."""
        self.wires[end(place)] = replace(self.wires[end(place)], **changes)

    def interface(self, place: str, **changes: Any) -> None:
        """Change an interface, and its wire where that says the same."""
        node, name = place.split(":")
        interfaces = self.nodes[node].interfaces
        self.node(node, interfaces={**interfaces, name: replace(interfaces[name], **changes)})
        self.wire(place, **{key: value for key, value in changes.items() if key in SHARED})

    def switch(self, place: str, **changes: Any) -> None:
        """Change a switch."""
        self.switches[end(place)] = replace(self.switches[end(place)], **changes)

    def port(self, place: str, **flags: Any) -> None:
        """Change the flags of a bridge port."""
        node, name = place.split(":")
        self.interface(place, port=replace(self.nodes[node].interfaces[name].port or PortFlags(), **flags))

    def node(self, node: str, **changes: Any) -> None:
        """Change what a namespace holds."""
        self.nodes[node] = replace(self.nodes[node], **changes)

    def add(self, node: str, **more: Iterable[Any]) -> None:
        """Add to tuples of a namespace: routes, rules, neighbours, fdb, listeners."""
        self.node(node, **{key: (*getattr(self.nodes[node], key), *values) for key, values in more.items()})

    def without(self, node: str, *destinations: str) -> None:
        """Take routes of the main table away."""
        gone = {ip_network(one) for one in destinations}
        kept = tuple(one for one in self.nodes[node].routes if one.table == LOCAL_TABLE or one.destination not in gone)
        self.node(node, routes=kept)

    def address(self, place: str, *texts: str, flags: tuple[str, ...] = ()) -> None:
        """Give an interface these addresses instead of its own, with the routes that stand on them."""
        node, name = place.split(":")
        old, held = self.nodes[node], tuple(ip_interface(text) for text in texts)
        others = tuple(one for one in old.addresses if one.interface != name)
        routes = tuple(one for one in old.routes if not any(hop.interface == name for hop in one.hops))
        made = tuple(HeldAddress(name, one, flags) for one in held)
        self.node(node, addresses=(*others, *made), routes=(*routes, *_standing(made)))
        self.wire(place, addresses=held)

    def flow(self, source: str, target: str, **keys: Any) -> Flow:
        """A question: `a` or `a:eth0`, and an address."""
        node, _, interface = source.partition(":")
        address = ip_address(target)
        owner = (*self.wiring.meant_for(address), *self.wiring.owners(address), None)[0]
        kind = keys.pop("kind", PING)
        bound = keys.pop("bound", None)
        src = Side(node, interface or None, None if bound is None else ip_address(bound))
        return Flow(kind, src, Side(None if owner is None else owner.netns, None, address), **keys)

    def walk(self, source: str, target: str, **keys: Any) -> Way:
        """The way of a flow."""
        way: Way = self.hold(walk(Scene(self.wiring), self.flow(source, target, **keys))).way
        return way

    def obstacles(self, source: str, target: str, **keys: Any) -> list[str]:
        """What stands in the way, as `slug at place`; with a question mark if only what is seen can tell."""
        way = self.walk(source, target, **keys)
        return [f"{one.finding.slug} at {one.finding.where}{'?' if one.suspect else ''}" for one in way.obstacles]

    def explain(self, source: str, target: str, *, hasty: bool = False, **keys: Any) -> Explanation:
        """The whole conversation."""
        explanation: Explanation = self.hold(explain(self.flow(source, target, **keys), self.wiring, hasty=hasty))
        return explanation

    def hold(self, conversation: Generator[Question, Any, T]) -> T:
        """Answer until it ends."""
        try:
            question = next(conversation)
            while True:
                self.asked.append(question)
                question = conversation.send(self.answer(question))
        except StopIteration as last:
            value: T = last.value
            return value

    def answer(self, question: Question) -> Any:
        """As a kernel would, unless `says` knows better."""
        if question in self.says:
            return self.says[question]
        if isinstance(question, Look):
            return self.nodes[question.netns]
        if isinstance(question, Route):
            return _routed(self.nodes[question.netns], question)
        if isinstance(question, Forward):
            return Forwarded(tuple(self.switches[End(question.netns, question.bridge)].ports), ("table 0: priority 0: NORMAL",), plain=True)
        if isinstance(question, Drifted):
            return tuple(one for one in self.drift if one.node in question.netns)
        return self.seen if isinstance(question, Observe) else None


def _switch(network: Network) -> SwitchSeen:
    ports = {network.name: SwitchPort(), **{port.name: SwitchPort(port.tag, port.isolated) for port in network.ports}}
    return SwitchSeen(ports=ports, declared=ports)


def _routed(snapshot: Snapshot, asked: Route) -> Routed:
    found = match(snapshot, asked.destination, source=asked.source, iif=asked.iif, oif=asked.oif)
    if found.refuses:
        return Routed(ERRNO[found.refuses], type=found.refuses)
    if found.route is None:
        return Routed(errno.ENETUNREACH, "RTNETLINK answers: Network is unreachable", type="")
    local = found.route.type == "local"
    if asked.iif is not None and asked.destination.version == 4:
        if not local and not snapshot.interfaces[asked.iif].ipv4.get("forwarding"):
            return Routed(errno.EHOSTUNREACH, "RTNETLINK answers: No route to host", type="")
        if asked.source is not None and _unbelieved(snapshot, asked.iif, asked.source):
            return Routed(errno.EINVAL, "RTNETLINK answers: Invalid argument", type="")
    hop = found.route.hops[0]
    source = asked.source or _source(snapshot, asked, hop, local=local)
    return Routed(type=found.route.type, interface=hop.interface, via=hop.via, source=source)


def _unbelieved(snapshot: Snapshot, iif: str, source: IP) -> bool:
    """fib_validate_source: a source of our own, or one that would be answered another way."""
    if any(held.address.ip == source for held in snapshot.addresses):
        return not effective(snapshot, iif, "accept_local")
    back, strict = match(snapshot, source).route, effective(snapshot, iif, "rp_filter")
    return strict > 0 and (back is None or (strict == 1 and all(hop.interface != iif for hop in back.hops)))


def _source(snapshot: Snapshot, asked: Route, hop: Hop, *, local: bool) -> IP | None:
    if local:
        return asked.destination
    usable = [one for one in snapshot.addresses if not one.flags and not one.address.ip.is_loopback]
    held = [one for one in usable if one.address.version == asked.destination.version]
    near = hop.via or asked.destination
    held.sort(key=lambda one: (one.address.ip.is_link_local, one.interface != hop.interface, near not in one.address.network))
    return held[0].address.ip if held else None


def _wires(topology: Topology, state: State) -> Iterable[tuple[End, Wire]]:
    meant = {End(port.on, port.name): network.name for network in topology.networks for port in network.ports if port.name}
    for name, netns in state.netns.items():
        for link in netns.links.values():
            found = End(name, link.name)
            held = tuple(sorted((one.address for one in netns.addresses if one.interface == link.name), key=str))
            yield found, Wire(
                found, link.kind, link.mac or _mac(found), link.up, True, link.master, link.peer, held, meant.get(found),
                lower=link.lower if link.kind == "macvlan" else None, mode=link.mode, vxlan=link.vxlan,
            )


def _mac(found: End) -> str:
    return "" if found.interface == LOOPBACK else "02:" + ":".join(f"{byte:02x}" for byte in str(found).encode()[-5:].rjust(5, b"0"))


def _declared(topology: Topology) -> Mapping[End, Any]:
    ends = [one for cable in topology.cables for one in (cable.left, cable.right)]
    ends += [port.endpoint for network in topology.networks for port in network.ports]
    found = {End(one.node, one.interface): one.addresses for one in ends}
    return found | {End(network.on, network.name): network.gateway for network in topology.networks}


def _snapshot(netns: Netns, name: str, topology: Topology) -> Snapshot:
    forward = int(netns.sysctls.get("net.ipv4.ip_forward", "0"))
    interfaces = {
        link.name: Interface(
            link.name, number, link.kind, mtu=link.mtu, mac=link.mac or _mac(End(name, link.name)), master=link.master,
            port=None if link.port is None else PortFlags(isolated=link.port.isolated), ipv4={"forwarding": forward},
            vxlan=link.vxlan, lower=link.lower.interface if link.kind == "vxlan" and link.lower is not None else None,
        )
        for number, link in enumerate(netns.links.values(), 1)
    }
    held = tuple(HeldAddress(one.interface, one.address) for one in sorted(netns.addresses, key=str))
    held = (*held, HeldAddress(LOOPBACK, ip_interface("127.0.0.1/8")), HeldAddress(LOOPBACK, ip_interface("::1/128")))
    standing = _standing(held)
    routes = tuple(
        FibRoute(one.destination, one.type.value, hops=tuple(Hop(_leads(standing, hop.via), hop.via) for hop in one.next_hops))
        for one in sorted(netns.routes, key=str)
    )
    serves = any(node.name == name and node.run for node in topology.nodes)
    listeners = tuple(Listener("tcp", 80, ip_address(number)) for number in ("0.0.0.0", "::") if serves)  # noqa: S104
    return Snapshot(
        interfaces, held, (*standing, *routes), listeners=listeners, all6={"forwarding": forward},
        sysctls={"net.ipv4.ip_forward": str(forward), **netns.sysctls}, forwards=tuple(sorted(netns.fdb, key=str)),
    )


def _standing(held: Iterable[HeldAddress]) -> tuple[FibRoute, ...]:
    """The routes that the kernel makes with an address: the local one, and that of the segment."""
    found: list[FibRoute] = []
    for one in held:
        found.append(FibRoute(ip_network(one.address.ip), "local", LOCAL_TABLE, (Hop(one.interface),), protocol="kernel"))
        if one.address.network.prefixlen < one.address.max_prefixlen and one.interface != LOOPBACK:
            found.append(FibRoute(one.address.network, hops=(Hop(one.interface),), protocol="kernel"))
    return tuple(found)


def _leads(standing: Iterable[FibRoute], via: IP | None) -> str | None:
    near = [one for one in standing if via is not None and one.table != LOCAL_TABLE and via in one.destination]
    return near[0].hops[0].interface if near else None
