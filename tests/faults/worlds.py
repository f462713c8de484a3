"""Random labs: hosts on bridges and cables, behind a chain of routers, in IPv4, IPv6 or both.

Enters: a random source; leaves: a World, which knows its lab file and the way between any two hosts. Rule of the file: every world is
healthy, and says so only by construction: `score.py` proves it with a probe before anything is broken. Other kinds of segments and worlds
are in planes/.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

NAMES = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibex", "jay", "kite", "lynx", "mole", "newt", "owl", "pug")
PORTS = (80, 443, 5432, 8080)


@dataclass(frozen=True, slots=True)
class Seat:
    """A node's place on a segment."""

    node: str
    interface: str
    number: int
    port: str = ""  # the bridge-side interface
    on: str = "host"  # the node that has that


@dataclass(slots=True)
class Segment:
    """A cable, or a network of some type. `four` and `six` are its prefixes without the host part; `extra` further keys of the lab file."""

    name: str
    kind: str  # cable | bridge | ovs | macvlan | vxlan | world
    four: str
    six: str
    seats: list[Seat] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)

    @property
    def bridge(self) -> bool:
        """A Linux bridge."""
        return self.kind == "bridge"

    def address(self, seat: Seat, version: int) -> str:
        """The address of a seat."""
        return f"{self.four}.{seat.number}" if version == 4 else f"{self.six}::{seat.number:x}"

    def subnet(self, version: int) -> str:
        """The whole prefix."""
        return f"{self.four}.0/24" if version == 4 else f"{self.six}::/64"

    def seat(self, node: str) -> Seat:
        """Where a node sits."""
        return next(seat for seat in self.seats if seat.node == node)


@dataclass(frozen=True, slots=True)
class Leg:
    """One segment on a way: who sends into it, who receives. `source` and `target`: the packet's on it, if not the question's."""

    segment: Segment
    sender: Seat
    receiver: Seat
    source: str = ""
    target: str = ""


@dataclass(slots=True)
class World:
    """A lab and the ways through it."""

    name: str
    versions: tuple[int, ...]
    segments: list[Segment]
    routers: list[str]
    hosts: dict[str, Segment]
    uplink: dict[str, list[Segment]]  # of each router the segments it serves
    transit: list[Segment]  # between router i and i + 1
    server: str = ""
    port: int = 80
    keepers: list[str] = field(default_factory=list)  # hosts with nodes of their own

    @property
    def everybody(self) -> list[str]:
        """The nodes that know neighbours."""
        return [*self.hosts, *self.routers]

    def route(self, node: str, far: Segment, version: int) -> str | None:
        """The route by which a node sends to a far segment."""
        return "default" if node in self.hosts else far.subnet(version)

    def router_of(self, segment: Segment) -> str | None:
        """The router that serves a segment of hosts."""
        return next((router for router, served in self.uplink.items() if segment in served), None)

    def way(self, src: str, dst: str) -> list[Leg]:
        """The segments from one host to another, in order."""
        first, last = self.hosts[src], self.hosts[dst]
        if first is last:
            return [Leg(first, first.seat(src), first.seat(dst))]
        start, end = self.router_of(first), self.router_of(last)
        assert start is not None
        assert end is not None
        legs = [Leg(first, first.seat(src), first.seat(start))]
        at, to = self.routers.index(start), self.routers.index(end)
        while at != to:
            step = 1 if to > at else -1
            cable = self.transit[min(at, at + step)]
            legs.append(Leg(cable, cable.seat(self.routers[at]), cable.seat(self.routers[at + step])))
            at += step
        return [*legs, Leg(last, last.seat(end), last.seat(dst))]

    def text(self) -> str:
        """The lab file."""
        lines = [f"name: {self.name}", "nodes:"]
        lines += [f"  {node}: {{{', '.join(self.keys(node))}}}" for node in (*self.hosts, *self.routers)]
        networks = [segment for segment in self.segments if segment.kind not in {"cable", "world"}]
        cables = [segment for segment in self.segments if segment.kind == "cable"]
        if networks:
            lines.append("networks:")
        for one in networks:
            lines += self._network(one)
        if cables:
            lines.append("links:")
        for one in cables:
            keys = "".join(f", {key}" for key in one.extra)
            lines.append(f"  - {{ends: {self._end(one, one.seats[0])} -- {self._end(one, one.seats[1])}{keys}}}")
        return "\n".join(lines) + "\n"

    def _network(self, one: Segment) -> list[str]:
        subnets = ", ".join(f'"{one.subnet(version)}"' for version in self.versions)
        lines = [f"  {one.name}:", f"    type: {one.kind}", f"    subnet: [{subnets}]", *(f"    {key}" for key in one.extra), "    nodes:"]
        for seat in one.seats:
            if seat.node != "host":  # its address is the gateway
                port = f", port: {seat.port}" if seat.port else ""
                lines.append(f"      {seat.node}: {{address: {seat.number}, interface: {seat.interface}{port}}}")
        return lines

    def _end(self, segment: Segment, seat: Seat) -> str:
        lengths = {4: 24, 6: 64}
        addresses = " ".join(f"{segment.address(seat, version)}/{lengths[version]}" for version in self.versions)
        return f"{seat.node}:{seat.interface} {addresses}"

    def keys(self, node: str) -> list[str]:
        """What the lab file says of a node."""
        routes = ", ".join(f'"{route}"' for version in self.versions for route in self._routes(node, version))
        keys = [f"routes: [{routes}]"] if routes else []
        keys += ["role: host"] if node in self.keepers else []
        if node in self.routers:
            keys.append("forward: true")
        if node == self.server:
            bind = " --bind ::" if 6 in self.versions else ""
            keys.append(f'run: "python3 -m http.server {self.port}{bind}"')
        return keys

    def _routes(self, node: str, version: int) -> list[str]:
        if node in self.hosts:
            segment = self.hosts[node]
            router = self.router_of(segment)
            return [f"default via {segment.address(segment.seat(router), version)}"] if router is not None else []
        found, own = [], self.routers.index(node)
        for other in self.routers:
            step = 1 if self.routers.index(other) > own else -1
            if other == node:
                continue
            cable = self.transit[min(own, own + step)]
            gateway = cable.address(cable.seat(self.routers[own + step]), version)
            found += [f"{segment.subnet(version)} via {gateway}" for segment in self.uplink[other]]
        return found


def world(chance: Random, number: int) -> World:
    """A random lab."""
    versions = chance.choice(((4,), (4,), (4,), (4, 6), (6,)))
    routers = [f"r{at + 1}" for at in range(chance.choice((0, 1, 1, 2, 3)))]
    made = World(f"gen{number}", versions, [], routers, {}, {router: [] for router in routers}, [])
    names = chance.sample(NAMES, len(NAMES))
    prefix = chance.choice(("10.{}.{}", "172.20.{}{}", "192.168.{}{}"))

    def segment(*, bridge: bool) -> Segment:
        at = len(made.segments) + 1
        four = prefix.format(chance.randint(1, 9), at)
        one = Segment(f"sw{at}" if bridge else f"c{at}", "bridge" if bridge else "cable", four, f"fd{chance.randint(0x10, 0xff):x}:{at}")
        made.segments.append(one)
        return one

    for _ in routers[1:]:
        made.transit.append(segment(bridge=False))
    for at, cable in enumerate(made.transit):
        cable.seats += [Seat(routers[at], f"t{at}r", 1), Seat(routers[at + 1], f"t{at + 1}l", 2)]
    if not routers:
        _fill(made, segment(bridge=chance.random() < 0.75), names, chance, least=2)
    for router in routers:
        for _ in range(chance.choice((1, 2)) if len(routers) < 3 else 1):
            _fill(made, segment(bridge=chance.random() < 0.6), names, chance, least=1, router=router)
    if len(made.hosts) < 2:
        _fill(made, segment(bridge=True), names, chance, least=2, router=routers[0] if routers else None)
    made.server, made.port = chance.choice(list(made.hosts)), chance.choice(PORTS)
    return made


def _fill(made: World, one: Segment, names: list[str], chance: Random, *, least: int, router: str | None = None) -> None:
    """Seat hosts, and the router that serves them."""
    count = chance.randint(least, 4) if one.bridge else 1 if router is not None else 2
    numbers = chance.sample(range(10, 200), count)
    for number in numbers:
        node = names.pop()
        interface = chance.choice(("eth0", "eth0", "lan", f"if-{node}"))
        one.seats.append(Seat(node, interface, number, f"x-{node}" if one.bridge else ""))
        made.hosts[node] = one
    if router is not None:
        one.seats.append(Seat(router, f"s{len(made.segments)}", 1, f"x-{router}-{len(made.segments)}" if one.bridge else ""))
        made.uplink[router].append(one)
