"""What each namespace of a lab holds, collected while its cables and networks are walked (plan/desired.py, plan/segments).

Enters: endpoints, one by one; leaves: a Netns for each namespace. Rule of the file: names, MAC and link-local addresses are the same on
every run, because they are made of the lab's own words.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from vethlab.model.address import IPInterface, generated
from vethlab.model.link import IPV6_MIN_MTU, LOOPBACK, LOOPBACK_MTU, TAP, End, Link
from vethlab.model.names import HOST, WORLD, mark
from vethlab.model.route import Route
from vethlab.model.state import Address, Netns, Process
from vethlab.model.topology import Endpoint, Node, Topology
from vethlab.plan.settings import of_interface

if TYPE_CHECKING:
    from vethlab.model.fdb import Forward
    from vethlab.model.shaping import Queue
    from vethlab.model.switch import Switch, SwitchBridge

QUIET_PORTS = "net.ipv6.conf.default.addr_gen_mode"  # 1: bridge ports, made after it is set, get no link-local address of their own
FORWARDING = (("net.ipv4.ip_forward", "1"), ("net.ipv6.conf.all.forwarding", "1"))
LO = Link(LOOPBACK, "loopback", mtu=LOOPBACK_MTU)
_SLOTS, _SLOT, _BELOW = 0x7E00, 0x10000, 0x1000000  # where a lab takes indexes in the machine's namespace: far from what others get


class Surroundings(NamedTuple):
    """What a lab that joins the machine finds there.

    `ipv6`: new interfaces take IPv6 addresses. `unfilled`: the lab's bridges on the machine's Open vSwitch that pass a checksum on as it
    comes, so that senders have to fill it in.
    """

    ipv6: bool = True
    unfilled: frozenset[str] = frozenset()


NOTHING_AROUND = Surroundings()


class Spaces:
    """Collects links, addresses and settings by namespace. `owner`: in whose name interfaces in the machine's namespace are made."""

    def __init__(
        self, topology: Topology, baseline: dict[str, str], *, ipv6: bool, owner: str = "", around: Surroundings = NOTHING_AROUND,
    ) -> None:
        self.topology, self.baseline, self.ipv6 = topology, baseline, ipv6
        self.owner, self.around = owner or topology.name, around
        self._without = {
            node.name: {key for key, value in node.sysctl if key.endswith(".disable_ipv6") and value != "0"} for node in topology.nodes
        }
        names = [HOST, *[node.name for node in topology.nodes], WORLD]
        self.links: dict[str, dict[str, Link]] = {name: {LOOPBACK: LO} for name in names}
        self.queues: dict[str, dict[str, Queue]] = {name: {} for name in names}
        self.addresses: dict[str, set[Address]] = {name: set() for name in names}
        self.switches: dict[str, dict[str, SwitchBridge]] = {}
        self.sysctls: dict[str, dict[str, str]] = {}
        self.fdb: dict[str, set[Forward]] = {name: set() for name in names}
        self.filled: dict[str, set[str]] = {name: set() for name in names}
        self.bridged = {HOST}  # where bridges are
        self._macs: set[str] = set()

    def interface(self, end: Endpoint, peer: End, mtu: int) -> None:
        """A node's end of a pair, with its addresses."""
        mac = end.mac or self.mac(end.node, end.interface)
        self._put(end, Link(end.interface, "veth", mtu=mtu, mac=mac, peer=peer, link_local=self.topology.ipv6 != "none"), mac)

    def stacked(self, end: Endpoint, kind: str, mtu: int, *, lower: End, mode: str) -> None:
        """A node's interface that stands on another one, with its addresses."""
        mac = end.mac or self.mac(end.node, end.interface)
        link = Link(end.interface, kind, mtu=mtu, mac=mac, lower=lower, mode=mode, link_local=self.topology.ipv6 != "none")
        self._put(end, link, mac)

    def tap(self, end: Endpoint, mtu: int) -> None:
        """A node's interface whose frames a program takes, with its addresses."""
        mac = end.mac or self.mac(end.node, end.interface)
        self._put(end, Link(end.interface, TAP, mtu=mtu, mac=mac, link_local=self.topology.ipv6 != "none"), mac)

    def _put(self, end: Endpoint, link: Link, mac: str) -> None:
        self.links[end.node][end.interface] = link
        self.address(end.node, end.interface, end.addresses)
        self.link_local(end.node, end.interface, mac, link.mtu)

    def link_local(self, node: str, interface: str, mac: str, mtu: int) -> None:
        """The address the kernel would make by itself (RFC 4291 appendix A), declared, so that it is usable at once, without DAD."""
        there = self.around.ipv6 or node != self.topology.machine
        off = {f"net.ipv6.conf.{scope}.disable_ipv6" for scope in ("all", "default", interface)} & self._without.get(node, set())
        if self.ipv6 and self.topology.ipv6 != "none" and mtu >= IPV6_MIN_MTU and not off and there:
            self.address(node, interface, (generated(mac),))

    def address(self, node: str, interface: str, addresses: tuple[IPInterface, ...]) -> None:
        """Addresses of one interface."""
        self.addresses[node].update([Address(interface, address) for address in addresses])

    def mac(self, node: str, interface: str) -> str:
        """A locally administered address, the same on every run: 40 bits of two CRC-32 over lab, node and interface."""
        seed = f"{self.topology.name}/{node}/{interface}".encode()
        number = (zlib.crc32(seed) << 8 | zlib.crc32(seed, 1) & 0xFF) & 0xFF_FFFF_FFFF
        mac = _spell(number)
        while mac in self._macs:
            number = (number + 1) & 0xFF_FFFF_FFFF
            mac = _spell(number)
        self._macs.add(mac)
        return mac

    def netns(self, name: str, node: Node | None, routes: tuple[Route, ...]) -> Netns:
        """Everything collected for one namespace, with what its node declares."""
        sysctls = self.baseline | ({QUIET_PORTS: "1"} if self.ipv6 and name in self.bridged else {}) | self.sysctls.get(name, {})
        switch = self._switch(name) if name in self.switches else None
        if node is None and name == self.topology.machine:
            return self._on_the_machine(name, routes, switch)
        if node is None:
            held = frozenset(self.addresses[name])
            return Netns(self.links[name], held, frozenset(routes), frozenset(), sysctls, switch=switch, queues=self.queues[name])
        self.address(name, LOOPBACK, node.loopbacks)
        if node.forward:
            sysctls.update(FORWARDING if self.ipv6 else FORWARDING[:1])
        sysctls.update(node.sysctl)
        declared = {route.destination for route in node.routes}
        return Netns(
            links=self.links[name], addresses=frozenset(self.addresses[name]),
            routes=frozenset([*node.routes, *[route for route in routes if route.destination not in declared]]),
            sysctls=sysctls, nft=node.nft, fdb=frozenset(self.fdb[name]), switch=switch, queues=self.queues[name],
            filled=frozenset(self.filled[name]),
            processes=(Process(node.run, node.private),) if node.run else (),
        )

    def _switch(self, name: str) -> Switch:
        from vethlab.model.switch import Switch  # noqa: PLC0415 - labs with Open vSwitch only

        return Switch(self.switches[name])

    def _on_the_machine(self, name: str, routes: tuple[Route, ...], switch: Switch | None) -> Netns:
        """What is ours in the machine's namespace: marked interfaces and what is on them. Its settings and its `lo` are its own."""
        ours = {link.name: replace(link, mark=mark(self.owner, link.name)) for link in self.links[name].values() if link.kind != LO.kind}
        first = _BELOW + zlib.crc32(self.owner.encode()) % _SLOTS * _SLOT
        settings = {key: value for key, value in self.sysctls.get(name, {}).items() if of_interface(key)}
        return Netns(
            ours, frozenset(self.addresses[name]), frozenset(routes), sysctls=settings, first_index=first,
            switch=None if switch is None else replace(switch, shared=True),
        )


def _spell(number: int) -> str:
    return "02:" + number.to_bytes(5, "big").hex(":")
