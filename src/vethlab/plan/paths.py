"""Checks to paths: who sends to which address. Topology -> tuple[Path, ...], pure.

Enters: a Topology and the seed of its samples; leaves: one Path for each probe, in the order of the checks, sources first. Rule of the
file: declared addresses only. A node without an address gives a path to the unspecified address, which `probe` reports as
`no-address`, because a check that is silently dropped would count as passed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, ip_address
from typing import NamedTuple

from vethlab.errors import UsageError
from vethlab.model.address import IP, IPInterface
from vethlab.model.names import HOST, WORLD
from vethlab.model.outside import UPLINK
from vethlab.model.path import Landing, Path
from vethlab.model.topology import Check, CheckEnd, Endpoint, Topology
from vethlab.plan.nat import mapped
from vethlab.plan.world import CABLE
from vethlab.plan.world import node as world

NO_ADDRESS = IPv4Address(0)
HTTP_PORT = 80
_ALL_PAIRS = Check("ping", CheckEnd(word="all"), CheckEnd(word="all"), text="ping all -> all")


class _Target(NamedTuple):
    """One destination of a check: a node (then `interface` may narrow it) or an address that no node of the lab owns."""

    node: str | None
    interface: str | None = None
    address: IP | None = None
    text: str = ""


class _Held(NamedTuple):
    """An address on an interface; `ip` is made once, because IPv4Interface.ip makes a new object at each reading."""

    interface: str
    address: IPInterface
    ip: IP


def expand(topology: Topology, *, seed: int = 0) -> tuple[Path, ...]:
    """Every path the checks name; without checks, pings between all nodes of role `node`.

    Raises UsageError for what cannot be probed: tcp and udp without a port.
    """
    book = _AddressBook(topology)
    paths: list[Path] = []
    for number, check, pairs, _of in _chosen(topology, book, seed):
        paths += [book.path(check, number, source, target) for source, target in pairs]
    return tuple(paths)


def samples(topology: Topology, *, seed: int = 0) -> tuple[str, ...]:
    """One sentence for each check of which only a sample is probed, with the seed that repeats the choice."""
    return tuple(
        f"`{check.text}`: {len(pairs)} of {of} pairs, chosen with seed {seed}"
        for _number, check, pairs, of in _chosen(topology, _AddressBook(topology), seed) if len(pairs) < of
    )


def _chosen(topology: Topology, book: _AddressBook, seed: int) -> Iterator[tuple[int, Check, list[tuple[str, _Target]], int]]:
    """(index of the check, check, its pairs after sampling, how many there were)."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice is the point
    for number, check in enumerate(topology.checks) if topology.checks else [(-1, _ALL_PAIRS)]:
        pairs = list(_pairs(check, book))
        of = len(pairs)
        if check.sample is not None and check.sample < of:
            pairs = [pairs[position] for position in sorted(chance.sample(range(of), check.sample))]
        yield number, check, pairs, of


def _pairs(check: Check, book: _AddressBook) -> Iterator[tuple[str, _Target]]:
    """Each source with each target; where either side is a set, a node is not paired with itself."""
    sources, targets = book.sources(check.source), book.targets(check.target)
    several = _is_set(check.source) or _is_set(check.target)
    for source in sources:
        for target in targets:
            if not (several and target.node == source):
                yield source, target


def _is_set(end: CheckEnd) -> bool:
    return end.word == "all" or len(end.nodes) > 1


class _AddressBook:
    """Which namespace has which address on which interface, in file order: cables, then networks, then loopbacks."""

    def __init__(self, topology: Topology) -> None:
        self.members = tuple(node.name for node in topology.nodes if node.role == "node")
        self._addresses: dict[str, list[_Held]] = {name: [] for name in (*(node.name for node in topology.nodes), HOST)}
        for place in _places(topology):
            held = [_Held(place.interface, address, address.ip) for address in place.addresses]
            self._addresses.setdefault(place.node, []).extend(held)
        self._outer = tuple(address.ip for address in CABLE.left.addresses) if topology.has_world else ()  # the host's, for the world
        self._owner = dict.fromkeys(self._outer, HOST)
        self._owner |= {one.ip: name for name, held in reversed(self._addresses.items()) for one in held}
        self._mapped = {host: tuple(mapped(topology, host)) for host in {network.on for network in topology.networks}}
        self._at: dict[tuple[str, str | None], list[_Held]] = {}

    def sources(self, end: CheckEnd) -> tuple[str, ...]:
        if end.word == "all":
            return self.members
        if end.word == HOST or (end.word == WORLD and self._outer):
            return (end.word,)
        if end.address is not None and end.address in self._owner:
            return (self._owner[end.address],)
        if not end.nodes:
            raise UsageError(f"a check cannot start at {end.word or end.address}", help="name a node, `all` or `host`")
        return end.nodes

    def targets(self, end: CheckEnd) -> tuple[_Target, ...]:
        if end.word == "all":
            return tuple(_Target(name, text=name) for name in self.members)
        if end.word == HOST:
            return (_Target(HOST, end.interface, text=_text(HOST, end.interface)),)
        if end.word == "localhost":
            return (_Target(None, address=IPv4Address("127.0.0.1"), text="localhost"),)
        if end.word is not None:  # world, the only word that is left
            return (_Target(WORLD, text=WORLD),)
        if end.address is not None:
            return (_Target(self._owner.get(end.address), address=end.address, text=str(end.address)),)
        return tuple(_Target(name, end.interface, text=_text(name, end.interface)) for name in end.nodes)

    def path(self, check: Check, number: int, source: str, target: _Target) -> Path:
        bound = check.source.interface
        destination = target.address or self._destination(source, bound, target)
        node = source if destination.is_loopback else target.node
        port = _port(check)
        return Path(
            kind=check.kind, src=source, dst=destination, target=target.text, dst_node=node, port=port, interface=bound,
            expect=check.expect, via=check.via, within=check.within, check=number,
            source=check.source.address or self._source(source, bound, destination),
            leads=self._published(node, "udp" if check.kind == "udp" else "tcp", destination, port),
        )

    def _published(self, node: str | None, protocol: str, destination: IP, port: int | None) -> Landing | None:
        """Where a published port of a host leads; its own localhost is one of its addresses."""
        for one in self._mapped.get(node or "", ()):
            publish = one.publish
            fits = publish.anywhere() or publish.address == destination
            if fits and (publish.port, publish.protocol, one.version) == (port, protocol, destination.version):
                return Landing(one.node, ip_address(one.address), publish.to)
        return None

    def _destination(self, source: str, bound: str | None, target: _Target) -> IP:
        """The address of a node to aim at: on a subnet shared with the source, else of a family the source has, else the first."""
        if source == WORLD and target.node == HOST and target.interface in {None, UPLINK}:  # the only ones that it has a way to
            return self._outer[0]
        there = self._held(target.node or "", target.interface)
        if len(there) > 1:
            own = self._held(source, bound)
            networks, versions = {held.address.network for held in own}, {held.ip.version for held in own}
            there = [held for held in there if held.address.network in networks] or [h for h in there if h.ip.version in versions] or there
        return there[0].ip if there else NO_ADDRESS

    def _source(self, source: str, bound: str | None, destination: IP) -> IP | None:
        """The bound interface's own address, one that shares the destination's subnet first; None leaves the choice to the kernel."""
        if bound is None:
            return None
        own = [held for held in self._held(source, bound) if held.ip.version == destination.version]
        own.sort(key=lambda held: destination not in held.address.network)
        return own[0].ip if own else None

    def _held(self, name: str, interface: str | None) -> list[_Held]:
        found = self._at.get((name, interface))
        if found is None:
            found = self._at[name, interface] = [held for held in self._addresses.get(name, ()) if interface in {None, held.interface}]
        return found


def _places(topology: Topology) -> Iterable[Endpoint]:
    for cable in topology.cables:
        yield cable.left
        yield cable.right
    for network in topology.networks:
        yield from (port.endpoint for port in network.ports)
        yield Endpoint(network.on, network.name, network.gateway)
    outside = world(topology)
    for node in (*topology.nodes, *([outside] if outside is not None else [])):
        yield Endpoint(node.name, "lo", node.loopbacks)


def _port(check: Check) -> int | None:
    if check.kind == "ping":
        return None
    if check.target.port is None and check.kind != "http":
        raise UsageError(f"`{check.text}` names no port", help=f"for example `{check.kind} {check.text.partition('-> ')[2] or 'b'}:80`")
    return check.target.port or HTTP_PORT


def _text(name: str, interface: str | None) -> str:
    return name if interface is None else f"{name}:{interface}"
