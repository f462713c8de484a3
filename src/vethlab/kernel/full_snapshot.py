"""Reads all of a namespace that decides about packets: a dozen dumps, one request for sysctls, no process, no privilege.

Enters: Namespaces and names; leaves: model Snapshots. Rule of the file: values as the kernel told them; what this kernel does not have is
left empty. The dumps follow each other and are no transaction: what changes in between may be told half.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vethlab.errors import KernelError
from vethlab.kernel import vxlan
from vethlab.kernel.inside import Inside, each
from vethlab.kernel.nat_rules import nat_chains
from vethlab.kernel.netlink import address as addresses
from vethlab.kernel.netlink import devconf, fdb, fib, interface, nftables, rules
from vethlab.kernel.netlink import neighbour_table as neighbours
from vethlab.kernel.netlink import queues as tc
from vethlab.kernel.netlink.interface import Told
from vethlab.kernel.netlink.link import IFLA_AF_SPEC, RTM_GETLINK
from vethlab.kernel.netlink.message import attributes, get_u32
from vethlab.kernel.netlink.neighbour import FORWARDING
from vethlab.kernel.netlink.route import RTM_GETROUTE
from vethlab.kernel.netlink.sock_diag import bound
from vethlab.kernel.port import Namespaces
from vethlab.model.fdb import Forward
from vethlab.model.snapshot import FdbEntry, FibRoute, FibRule, HeldAddress, Interface, Listener, NeighbourEntry, Queue, Snapshot
from vethlab.model.translation import NatChain

__all__ = ["full_snapshot", "full_snapshots", "look"]

# Of `all` only what the kernel looks at together with, or instead of, the interface's own (include/linux/inetdevice.h, net/ipv6).
ALL4 = (
    "accept_local", "arp_announce", "arp_filter", "arp_ignore", "bc_forwarding", "drop_unicast_in_l2_multicast", "forwarding",
    "log_martians", "proxy_arp", "route_localnet", "rp_filter", "src_valid_mark",
)
ALL6 = ("accept_dad", "disable_ipv6", "forwarding", "proxy_ndp")
KEYS = (
    "net.ipv4.ip_forward", "net.ipv4.icmp_echo_ignore_all", "net.ipv4.ip_default_ttl", "net.ipv4.fib_multipath_hash_policy",
    "net.ipv6.icmp.echo_ignore_all", "net.ipv6.conf.all.forwarding",
)
BRIDGE_KEYS = ("net.bridge.bridge-nf-call-arptables", "net.bridge.bridge-nf-call-ip6tables", "net.bridge.bridge-nf-call-iptables")
_ALL4, _ALL6 = "net.ipv4.conf.all.", "net.ipv6.conf.all."
_SYSCTLS = tuple(dict.fromkeys((*KEYS, *(_ALL4 + leaf for leaf in ALL4), *(_ALL6 + leaf for leaf in ALL6))))

_FLAGS = ((0x01, "secondary"), (0x08, "dadfailed"), (0x20, "deprecated"), (0x40, "tentative"), (0x200, "noprefixroute"))  # IFA_F_*
_STATES = {1: "incomplete", 2: "reachable", 4: "stale", 8: "delay", 16: "probe", 32: "failed", 64: "noarp", 128: "permanent"}  # NUD_*


def full_snapshot(namespaces: Namespaces, netns: str) -> Snapshot:
    """What one namespace holds now."""
    return full_snapshots(namespaces, [netns])[netns]


def full_snapshots(namespaces: Namespaces, names: Iterable[str]) -> dict[str, Snapshot]:
    """What these namespaces hold now."""
    return {name: snapshot for entered in each(namespaces, names) for name, snapshot in look(namespaces, entered).items()}


def look(namespaces: Namespaces, entered: Mapping[str, Inside]) -> dict[str, Snapshot]:
    """Read namespaces that are entered already; the sysctls of all in one request."""
    dumped = {name: _dump(name, inside) for name, inside in entered.items()}
    wanted = [
        (name, key) for name, one in dumped.items() for key in (*_SYSCTLS, *(BRIDGE_KEYS if one.bridges else ()))
    ]
    values: dict[str, dict[str, str]] = {name: {} for name in dumped}
    for (name, key), value in zip(wanted, namespaces.read_sysctls(wanted) if wanted else [], strict=True):
        if value is not None:
            values[name][key] = value
    return {
        name: one.snapshot(values[name], nat_chains(namespaces, name) if one.translates else ()) for name, one in dumped.items()
    }


@dataclass(frozen=True, slots=True)
class _Dumped:
    """What netlink tells of a namespace."""

    interfaces: dict[str, Interface]
    addresses: tuple[HeldAddress, ...]
    routes: tuple[FibRoute, ...]
    rules: tuple[FibRule, ...]
    neighbours: tuple[NeighbourEntry, ...]
    fdb: tuple[FdbEntry, ...]
    listeners: tuple[Listener, ...]
    tables: tuple[tuple[str, str], ...]
    bridges: bool
    translates: bool
    forwards: tuple[Forward, ...]

    def snapshot(self, values: Mapping[str, str], nat: tuple[NatChain, ...]) -> Snapshot:
        """Together with its sysctls."""
        return Snapshot(
            interfaces=self.interfaces, addresses=self.addresses, routes=self.routes, rules=self.rules, neighbours=self.neighbours,
            fdb=self.fdb, listeners=self.listeners, all4=_numbers(values, _ALL4, ALL4), all6=_numbers(values, _ALL6, ALL6),
            sysctls={key: value for key, value in values.items() if key in KEYS or key in BRIDGE_KEYS}, tables=self.tables, nat=nat,
            forwards=self.forwards,
        )


def _numbers(values: Mapping[str, str], prefix: str, leaves: Sequence[str]) -> dict[str, int]:
    return {leaf: int(values[prefix + leaf]) for leaf in leaves if prefix + leaf in values}


def _dump(name: str, inside: Inside) -> _Dumped:
    try:
        told = [interface.decode(*part) for part in inside.route.dump(RTM_GETLINK, interface.WITH_STATISTICS)]
        names = {one.number: one.name for one in told}
        bridges = any(one.kind == "bridge" for one in told)
        tables = _tables(inside)
        return _Dumped(
            interfaces=_interfaces(inside, told, names), addresses=_addresses(inside, names),
            routes=tuple(route for part in inside.route.dump(RTM_GETROUTE, fib.ALL) if (route := fib.decode(*part, names)) is not None),
            rules=tuple(rule for part in inside.route.dump(rules.RTM_GETRULE, rules.ALL) if (rule := rules.decode(*part)) is not None),
            neighbours=_neighbours(inside, names), fdb=_fdb(inside, names) if bridges else (),
            listeners=bound(inside.sockets) if inside.sockets is not None else (), tables=tables, bridges=bridges,
            translates=bool(tables) and _translates(inside),
            forwards=_forwards(inside, {one.number: one.name for one in told if one.kind == vxlan.KIND}),
        )
    except KernelError as error:
        raise KernelError("read", f"namespace {name}", error.errno, error.kernel_says) from error


def _interfaces(inside: Inside, told: Sequence[Told], names: Mapping[int, str]) -> dict[str, Interface]:
    held = tc.queues(inside.route)
    return {one.name: _interface(inside, one, names, held.get(one.number, ())) for one in told}


def _interface(inside: Inside, one: Told, names: Mapping[int, str], held: Sequence[Queue]) -> Interface:
    ipv4, ipv6 = devconf.decode(one.data, *one.found[IFLA_AF_SPEC]) if IFLA_AF_SPEC in one.found else ({}, {})
    return Interface(
        name=one.name, index=one.number, kind=one.kind, up=one.up, carrier=one.carrier, mtu=one.mtu, mac=one.mac, arp=one.arp,
        master=names.get(one.master), port=interface.port(one), stp=interface.runs_stp(one), xdp=interface.xdp(one),
        xdp_modes=interface.xdp_modes(one), queues=tuple(held), filters=tc.filters(inside.route, one.number, held), ipv4=ipv4, ipv6=ipv6,
        counters=interface.counters(one), vxlan=vxlan.told(one), lower=names.get(vxlan.below(one)),
    )


def _addresses(inside: Inside, names: Mapping[int, str]) -> tuple[HeldAddress, ...]:
    found = []
    for data, start, end in inside.route.dump(addresses.RTM_GETADDR, addresses.DUMP):
        _family, prefix, flags, _scope, index = addresses.MESSAGE.unpack_from(data, start)
        seen = attributes(data, start + addresses.MESSAGE.size, end)
        if addresses.IFA_FLAGS in seen:
            flags = get_u32(data, seen[addresses.IFA_FLAGS])
        span = seen.get(addresses.IFA_LOCAL) or seen.get(addresses.IFA_ADDRESS)
        if span is not None and index in names:
            words = tuple(word for bit, word in _FLAGS if flags & bit)
            found.append(HeldAddress(names[index], addresses.interface(data[span[0] : span[1]], prefix), words))
    return tuple(found)


def _neighbours(inside: Inside, names: Mapping[int, str]) -> tuple[NeighbourEntry, ...]:
    return tuple(
        NeighbourEntry(names[one.link], fib.ip(one.address), None if one.mac is None else one.mac.hex(":"), _STATES.get(one.state, "none"))
        for one in neighbours.entries(inside.route) if one.link in names and len(one.address) in {4, 16}
    )


def _fdb(inside: Inside, names: Mapping[int, str]) -> tuple[FdbEntry, ...]:
    parts = inside.route.dump(neighbours.RTM_GETNEIGH, FORWARDING)
    return tuple(dict.fromkeys(entry for part in parts if (entry := fdb.decode(*part, names)) is not None))


def _translates(inside: Inside) -> bool:
    """Whether a chain there translates addresses: only then nft is asked what its rules say."""
    try:
        return inside.filters is not None and any(one.type == "nat" for one in nftables.chains(inside.filters))
    except KernelError:
        return False


def _forwards(inside: Inside, devices: Mapping[int, str]) -> tuple[Forward, ...]:
    """What VXLAN devices know."""
    parts = inside.route.dump(neighbours.RTM_GETNEIGH, FORWARDING) if devices else []
    return tuple(entry for part in parts if (entry := vxlan.decode_entry(*part, devices, learned=True)) is not None)


def _tables(inside: Inside) -> tuple[tuple[str, str], ...]:
    """Empty where the kernel has no nftables, or lets this user not look."""
    if inside.filters is None:
        return ()
    try:
        return tuple((table.family, table.name) for table in nftables.tables(inside.filters))
    except KernelError:
        return ()
