"""What one namespace holds, in all that the kernel consults on a packet's way through it.

Rule of the file: values as the kernel told them. State (model/state.py) is what a lab should be; a Snapshot is what decides a packet's
fate now, learned entries, port flags and other people's tables included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vethlab.model.address import IP, IPInterface, IPNetwork
from vethlab.model.fdb import Forward
from vethlab.model.link import End, Vxlan
from vethlab.model.switch import SwitchSeen
from vethlab.model.translation import Hidden, NatChain, Published

MAIN_TABLE, LOCAL_TABLE = 254, 255


@dataclass(frozen=True, slots=True)
class PortFlags:
    """A bridge port (net/bridge/br_private.h). `state`: 0 disabled, 1 listening, 2 learning, 3 forwarding, 4 blocking."""

    state: int = 3
    isolated: bool = False
    learning: bool = True
    flood: bool = True
    multicast_flood: bool = True
    broadcast_flood: bool = True
    suppresses_neighbours: bool = False
    hairpin: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """A queueing discipline (tc(8)). `dropped` counts since it was made; `waiting`: bytes; `text` is how a person would name it."""

    kind: str
    handle: str = ""
    parent: str = "root"
    dropped: int = 0
    text: str = ""
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface. `arp` False is IFF_NOARP; `xdp` the id of its program; `filters` the places (ingress, egress, root) with tc filters.

    `xdp_modes` are the words by which ip-link(8) takes programs off, one for each mode in use: xdpgeneric, xdpdrv, xdpoffload.

    `lower` is the interface that a VXLAN device sends out of, if it was told one.

    `ipv4` and `ipv6` are its net.ipv4.conf and net.ipv6.conf values by leaf name.
    """

    name: str
    index: int
    kind: str
    up: bool = True
    carrier: bool = True
    mtu: int = 1500
    mac: str = ""
    arp: bool = True
    master: str | None = None
    port: PortFlags | None = None
    stp: bool = False
    xdp: int = 0
    xdp_modes: tuple[str, ...] = ()
    queues: tuple[Queue, ...] = ()
    filters: tuple[str, ...] = ()
    ipv4: Mapping[str, int] = field(default_factory=dict)
    ipv6: Mapping[str, int] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    vxlan: Vxlan | None = None
    lower: str | None = None


@dataclass(frozen=True, slots=True)
class HeldAddress:
    """An address of an interface. `flags`: tentative, dadfailed, secondary, deprecated, noprefixroute."""

    interface: str
    address: IPInterface
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hop:
    """A next hop of a route. `flags`: dead, linkdown, onlink."""

    interface: str | None = None
    via: IP | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FibRoute:
    """A route of any table. `type`: unicast, local, broadcast, blackhole, unreachable, prohibit; `protocol`: kernel, boot, static, ra.

    `mtu` and `hop_limit` are those of the route itself, 0 for none; `locked`: the MTU is not lowered by what routers say.
    """

    destination: IPNetwork
    type: str = "unicast"
    table: int = MAIN_TABLE
    hops: tuple[Hop, ...] = ()
    metric: int = 0
    protocol: str = "static"
    source: IP | None = None
    mtu: int = 0
    locked: bool = False
    hop_limit: int = 0


@dataclass(frozen=True, slots=True)
class FibRule:
    """A policy rule (ip-rule(8)). `action`: lookup, blackhole, unreachable, prohibit, goto, nop."""

    priority: int
    version: int
    action: str = "lookup"
    table: int = MAIN_TABLE
    source: IPNetwork | None = None
    destination: IPNetwork | None = None
    iif: str | None = None
    oif: str | None = None
    mark: int = 0
    other: bool = False  # it looks at something that is not read here (ports, protocol, tos, uid)


@dataclass(frozen=True, slots=True)
class NeighbourEntry:
    """A neighbour entry (ip-neighbour(8)). `state`: incomplete, reachable, stale, delay, probe, failed, noarp, permanent."""

    interface: str
    address: IP
    mac: str | None
    state: str

    @property
    def valid(self) -> bool:
        """Whether the kernel sends to its MAC now (NUD_VALID)."""
        return self.mac is not None and self.state in {"permanent", "noarp", "reachable", "probe", "stale", "delay"}


@dataclass(frozen=True, slots=True)
class FdbEntry:
    """A forwarding entry of a bridge (bridge(8) fdb). `local`: the frame is for the bridge itself; `static`: put there by hand."""

    bridge: str
    port: str
    mac: str
    static: bool = False
    local: bool = False
    sticky: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket that takes what comes. `address` unspecified: any."""

    protocol: str
    port: int
    address: IP


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One namespace. `all4` and `all6`: net.ipv4.conf.all and net.ipv6.conf.all by leaf; `sysctls`: further keys, dotted, in full.

    `tables`: nftables tables as (family, name); `nat`: the chains that translate addresses. `forwards`: what VXLAN devices know, learned or
    put there.
    """

    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    addresses: tuple[HeldAddress, ...] = ()
    routes: tuple[FibRoute, ...] = ()
    rules: tuple[FibRule, ...] = ()
    neighbours: tuple[NeighbourEntry, ...] = ()
    fdb: tuple[FdbEntry, ...] = ()
    listeners: tuple[Listener, ...] = ()
    all4: Mapping[str, int] = field(default_factory=dict)
    all6: Mapping[str, int] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[tuple[str, str], ...] = ()
    nat: tuple[NatChain, ...] = ()
    forwards: tuple[Forward, ...] = ()


@dataclass(frozen=True, slots=True)
class Wire:
    """An interface as the wiring of the whole lab knows it. `should_join`: the bridge that the lab file gives it.

    `lower`: what a macvlan stands on, `mode`: what it does with frames for others there. `beyond`: what leaves by it leaves the lab.
    `outlet`: it leads out of the lab's host, and lets nothing pass that bears another's address.
    """

    end: End
    kind: str
    mac: str = ""
    up: bool = True
    carrier: bool = True
    master: str | None = None
    peer: End | None = None
    addresses: tuple[IPInterface, ...] = ()
    should_join: str | None = None
    vxlan: Vxlan | None = None
    lower: End | None = None
    mode: str | None = None
    beyond: bool = False
    outlet: bool = False


@dataclass(frozen=True, slots=True)
class Tunnel:
    """What the lab file says of a VXLAN device: its settings, and the address at which it should reach each other one of the network.

    `lower` is the interface that frames for its group should leave by, and come in by.
    """

    meant: Vxlan
    remotes: tuple[tuple[End, IP], ...] = ()
    lower: str | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """Something that is not as the lab file says. `kind`: interface, address, route, sysctl, neighbour, nft...; `subject`: which one.

    `commands` bring it back to what the file says; `before` is what a sysctl has now.
    """

    node: str
    kind: str
    subject: str
    reason: str
    commands: tuple[tuple[str, ...], ...] = ()
    before: str = ""


@dataclass(frozen=True, slots=True)
class Wiring:
    """Every interface of every namespace of a lab, what leads where, and which addresses the lab file declares where.

    `published` and `hidden`: how the lab file means addresses to be translated.
    """

    wires: Mapping[End, Wire] = field(default_factory=dict)
    declared: Mapping[End, tuple[IPInterface, ...]] = field(default_factory=dict)
    forwards: frozenset[str] = frozenset()  # nodes that are meant to forward
    published: tuple[Published, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    hiders: frozenset[str] = frozenset()  # nodes with rulesets in the lab file that translate sources
    tunnels: Mapping[End, Tunnel] = field(default_factory=dict)
    switches: Mapping[End, SwitchSeen] = field(default_factory=dict)  # bridges of Open vSwitch

    def owners(self, address: IP) -> tuple[End, ...]:
        """The interfaces that have an address now."""
        return tuple(end for end, wire in self.wires.items() if any(one.ip == address for one in wire.addresses))

    def meant_for(self, address: IP) -> tuple[End, ...]:
        """The interfaces that should have it, says the lab file."""
        return tuple(end for end, held in self.declared.items() if any(one.ip == address for one in held))

    def of(self, netns: str) -> tuple[Wire, ...]:
        """The interfaces of a namespace."""
        return tuple(wire for end, wire in self.wires.items() if end.netns == netns)
