"""Topology -> State(desired): every cable and network becomes links, addresses and routes of namespaces.

Enters: a resolved topology and the sysctls in which a fresh namespace of this machine differs from the kernel's defaults. Leaves: a
State without indexes. Rule of the file: nothing is asked of the kernel, so the same file gives the same state on every machine.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace

from vethlab.model.address import IPInterface
from vethlab.model.link import DEFAULT_MTU, LOOPBACK, LOOPBACK_MTU, Bridge, BridgePort, End, Link
from vethlab.model.names import HOST
from vethlab.model.route import Route
from vethlab.model.state import Address, Netns, Process, State
from vethlab.model.topology import Endpoint, Network, Node, Topology
from vethlab.plan.routing import shortest_paths

QUIET_PORTS = "net.ipv6.conf.default.addr_gen_mode"  # 1: bridge ports, made after it is set, get no link-local address of their own
FORWARDING = (("net.ipv4.ip_forward", "1"), ("net.ipv6.conf.all.forwarding", "1"))
LO = Link(LOOPBACK, "loopback", mtu=LOOPBACK_MTU)


def desired(topology: Topology, baseline: Mapping[str, str] | None = None) -> State:
    """The state a topology asks for. `baseline`: sysctls every namespace gets, because the machine's own would leak in otherwise."""
    spaces = _Spaces(topology, dict(baseline or {}))
    for cable in topology.cables:
        for end, other in ((cable.left, cable.right), (cable.right, cable.left)):
            spaces.interface(end, End(other.node, other.interface), cable.mtu)
    for network in topology.networks:
        _add_network(spaces, network)
    routes = shortest_paths(topology) if topology.routing == "shortest-path" else {}
    return State({
        name: spaces.netns(name, nodes.get(name), routes.get(name, ()))
        for nodes in ({node.name: node for node in topology.nodes},) for name in (HOST, *nodes)
    })


class _Spaces:
    """Collects what each namespace holds while cables and networks are walked."""

    def __init__(self, topology: Topology, baseline: dict[str, str]) -> None:
        self.topology, self.baseline = topology, baseline
        names = [HOST, *[node.name for node in topology.nodes]]
        self.links: dict[str, dict[str, Link]] = {name: {LOOPBACK: LO} for name in names}
        self.addresses: dict[str, set[Address]] = {name: set() for name in names}
        self._macs: set[str] = set()

    def interface(self, end: Endpoint, peer: End, mtu: int) -> None:
        """A node's end of a pair, with its addresses."""
        self.links[end.node][end.interface] = Link(
            end.interface, "veth", mtu=mtu, mac=end.mac or self.mac(end.node, end.interface), peer=peer,
            link_local=self.topology.ipv6 != "none",
        )
        self.address(end.node, end.interface, end.addresses)

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
        sysctls = dict(self.baseline)
        if node is None:
            sysctls[QUIET_PORTS] = "1"
            return Netns(self.links[name], frozenset(self.addresses[name]), frozenset(routes), frozenset(), sysctls)
        self.address(name, LOOPBACK, node.loopbacks)
        if node.forward:
            sysctls.update(FORWARDING)
        sysctls.update(node.sysctl)
        declared = {route.destination for route in node.routes}
        return Netns(
            links=self.links[name], addresses=frozenset(self.addresses[name]),
            routes=frozenset([*node.routes, *[route for route in routes if route.destination not in declared]]),
            sysctls=sysctls, nft=node.nft, processes=(Process(node.run, node.private),) if node.run else (),
        )


def _add_network(spaces: _Spaces, network: Network) -> None:
    link_local = spaces.topology.ipv6 != "none"
    place = spaces.links[network.on]
    place[network.name] = Link(
        network.name, "bridge", mtu=network.mtu, mac=spaces.mac(network.on, network.name), bridge=Bridge(stp=network.stp),
        link_local=link_local,
    )
    for port in network.ports:
        end = port.endpoint
        place[port.name] = Link(
            port.name, "veth", mtu=network.mtu, master=network.name, peer=End(end.node, end.interface), alias=port.alias,
            port=BridgePort(isolated=port.isolated), link_local=False,
        )
        spaces.interface(end, End(network.on, port.name), network.mtu)
    spaces.address(network.on, network.name, network.gateway)


def _spell(number: int) -> str:
    return "02:" + number.to_bytes(5, "big").hex(":")


def with_sysctls(state: State, extra: Mapping[str, Mapping[str, str]]) -> State:
    """The same state with further sysctls expected, where the state says nothing of them."""
    return State({
        name: replace(one, sysctls={**extra.get(name, {}), **one.sysctls}) if extra.get(name) else one for name, one in state.netns.items()
    })


__all__ = ["DEFAULT_MTU", "desired", "with_sysctls"]
