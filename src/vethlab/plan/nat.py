"""Address translation of a lab: what hides behind a host, and which ports of a host lead into it.

Enters: a topology; leaves: for each host the table of rules and the sysctls that they need. Rule of the file: nothing for a lab that asks
for nothing, and no rule that a packet between two nodes of one bridge could meet: with br_netfilter, which a new namespace has on, such
packets pass the host's inet hooks too, so every rule here names where a packet leaves, or asks whether it was translated already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from vethlab.model.address import IPNetwork
from vethlab.model.names import HOST, mark
from vethlab.model.nat import TABLE_PREFIX, Publish, Table
from vethlab.model.outside import UPLINK
from vethlab.model.topology import Network, Topology
from vethlab.plan.spaces import FORWARDING

_NFPROTO = {4: "ipv4", 6: "ipv6"}
_IP = {4: "ip", 6: "ip6"}
_HOOKS = (("prerouting", "prerouting", "dstnat"), ("output", "output", "-100"), ("postrouting", "postrouting", "srcnat"))
# To the real world goes what bears an address of the host's own: no other would find its way back, and some might be somebody's out there.
_LEAVING = (
    "\tchain leaving {", "\t\ttype filter hook postrouting priority 300; policy accept;",
    f'\t\toifname "{UPLINK}" fib saddr type != local drop', "\t}",
)


class Mapped(NamedTuple):
    """A published port as a rule makes it: what a packet is for, and where it goes instead."""

    publish: Publish
    version: int
    node: str
    network: str
    address: str

    def rule(self) -> str:
        """The rule of the prerouting and output chains.

        Without an address every local one counts, but not ::1: the kernel lets no packet from there out of a host, translated or not
        (net/ipv6/ip6_input.c ip6_rcv_core), and a refused connection says so at once.
        """
        ip, publish = _IP[self.version], self.publish
        if publish.address is not None and not publish.anywhere():
            head = f"{ip} daddr {publish.address}"
        else:
            head = f"meta nfproto {_NFPROTO[self.version]} fib daddr type local" + (" ip6 daddr != ::1" if self.version == 6 else "")
        target = f"[{self.address}]" if self.version == 6 else self.address
        return f"{head} {publish.protocol} dport {publish.port} dnat {ip} to {target}:{publish.to}"


def mapped(topology: Topology, host: str) -> Iterator[Mapped]:
    """Every published port of a host, once for each IP version: the node's first address on a network on which the host has one too."""
    for node in topology.nodes:
        for publish in node.publish:
            for version in publish.versions():
                found = next((
                    (network.name, address.ip) for network in topology.networks if network.on == host
                    and any(gateway.version == version for gateway in network.gateway)
                    for port in network.ports if port.endpoint.node == node.name
                    for address in port.endpoint.addresses if address.version == version
                ), None)
                if found is not None:
                    yield Mapped(publish, version, node.name, found[0], str(found[1]))


def table(topology: Topology, host: str) -> Table | None:
    """The table of a host; None where it translates nothing."""
    ports = list(mapped(topology, host))
    ways = [one.rule() for one in ports]
    chains = {"prerouting": ways, "output": ways, "postrouting": [*_masquerade(topology, host), *_returned(topology, host, ports)]}
    leaving = host == HOST and topology.uplink != "none" and not topology.joins_machine
    if not any(chains.values()) and not leaving:
        return None
    name = f"{TABLE_PREFIX}{topology.name}"
    lines = [f"table inet {name} {{"]
    for chain, hook, priority in _HOOKS:
        if chains[chain]:
            lines += [f"\tchain {chain} {{", f"\t\ttype nat hook {hook} priority {priority}; policy accept;"]
            lines += [f"\t\t{rule}" for rule in chains[chain]]
            lines.append("\t}")
    if leaving:
        lines += _LEAVING
    return Table("inet", name, "\n".join([*lines, "}", ""]))


def marked(one: Table, owner: str) -> Table:
    """The table as a guest beside tables of others: under the name of its owner, with a comment that says whose it is."""
    name = f"{TABLE_PREFIX}{owner}"
    head, rest = f"table {one.family} {one.name} {{\n", one.text.partition("\n")[2]
    return Table(one.family, name, f'{head.replace(one.name, name)}\tcomment "{mark(owner, "nat")}"\n{rest}')


def sysctls(topology: Topology, host: str) -> dict[str, str]:
    """What the host's kernel has to be told: to forward, and that 127.0.0.1 may lead to a bridge (IPv4 only, there is no such for IPv6)."""
    found: dict[str, str] = {}
    ports = list(mapped(topology, host))
    versions = {one.version for one in ports} | {
        subnet.version for network in topology.networks if network.on == host and network.nat != "none" for subnet in subnets(network)
    }
    if host == HOST and topology.goes_out:
        versions |= {subnet.version for network in topology.networks if network.on == host for subnet in subnets(network)}
    found.update({key: value for key, value in FORWARDING if (6 if "ipv6" in key else 4) in versions})
    for one in ports:
        address = one.publish.address
        if one.version == 4 and (one.publish.anywhere() or (address is not None and address.is_loopback)):
            found[f"net.ipv4.conf.{one.network.replace('.', '/')}.route_localnet"] = "1"
    return found


def hairpins(topology: Topology, network: Network) -> frozenset[str]:
    """Nodes that may reach themselves by a port they publish.

    br_netfilter translates such a packet before it leaves the bridge, which then would have to send it out where it came in.
    """
    return frozenset(one.node for one in mapped(topology, network.on) if one.network == network.name)


def subnets(network: Network) -> tuple[IPNetwork, ...]:
    """The subnets of a network, those included that only its addresses tell."""
    told = (address.network for port in network.ports for address in port.endpoint.addresses)
    return tuple(dict.fromkeys([*network.subnets, *(address.network for address in network.gateway), *told]))


def _masquerade(topology: Topology, host: str) -> Iterator[str]:
    for network in topology.networks:
        if network.on == host and network.nat == "masquerade":
            for subnet in subnets(network):
                yield f'{_IP[subnet.version]} saddr {subnet} oifname != {{ "lo", "{network.name}" }} masquerade'


def _returned(topology: Topology, host: str, ports: list[Mapped]) -> Iterator[str]:
    """Who reaches a published port from the host itself, or from the node's own bridge, is hidden behind the bridge's address.

    Otherwise 127.0.0.1 would be sent to the node, and an answer between two nodes of one bridge would go past the host that has to turn
    its address back.
    """
    sent: Mapping[str, set[int]] = {name: {one.version for one in ports if one.network == name} for name in (one.network for one in ports)}
    for network in topology.networks:
        if network.on != host:
            continue
        for version in sorted(sent.get(network.name, ())):
            head = f'oifname "{network.name}" ct status dnat'
            yield f"meta nfproto {_NFPROTO[version]} {head} fib saddr type local masquerade"
            yield from (f"{_IP[version]} saddr {subnet} {head} masquerade" for subnet in subnets(network) if subnet.version == version)


__all__ = ["Mapped", "hairpins", "mapped", "marked", "subnets", "sysctls", "table"]
