"""What a lab file says, in full: every shorthand resolved, every name and address present. Enters `plan`, leaves `spec`.

Rule of the file: declared facts only, in file order; nothing the kernel decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vethlab.model.address import IP, IPInterface, IPNetwork
from vethlab.model.names import HOST, WORLD
from vethlab.model.nat import Publish
from vethlab.model.route import Route
from vethlab.model.shaping import NONE, Shaping


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a cable or of a network's attachment, in a node."""

    node: str
    interface: str
    addresses: tuple[IPInterface, ...] = ()
    mac: str | None = None

    def __str__(self) -> str:
        return f"{self.node}:{self.interface}"


@dataclass(frozen=True, slots=True)
class Cable:
    """A link of the lab file: a veth pair between two endpoints (which may sit in one node)."""

    left: Endpoint
    right: Endpoint
    mtu: int = 1500
    shaping: Shaping = NONE
    tuned: bool = False


@dataclass(frozen=True, slots=True)
class Port:
    """A node's place on a network: its endpoint and the name of the bridge-side interface, which is in the namespace `on`.

    On a macvlan there is none, and the name is empty.
    """

    endpoint: Endpoint
    name: str
    alias: str | None = None  # the full name, where `name` had to be shortened
    isolated: bool = False
    tag: int | None = None  # of a network of type ovs: its VLAN
    on: str = "host"


@dataclass(frozen=True, slots=True)
class Flow:
    """One OpenFlow rule in the words of ovs-ofctl(8), and where it stands in the lab file (0: it comes from no file)."""

    text: str
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Vtep:
    """A host's place on a VXLAN network: its device, its outer address, and the address of each other host as seen from here.

    `local` None: the hosts reach this one at different addresses, so the route chooses. `underlay`, `group`: with fdb multicast.
    """

    host: str
    interface: str
    version: int = 4
    local: IP | None = None
    remotes: tuple[tuple[str, IP], ...] = ()
    underlay: str | None = None
    group: IP | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """A shared segment; `name` is the interface name of its bridge in the namespace `on`, or of the host's side of a macvlan's parent.

    A VXLAN network has a bridge of that name in each of its hosts; `on` is then the one whose bridge has the gateway's address.
    """

    name: str
    ports: tuple[Port, ...]
    type: str = "bridge"
    on: str = "host"
    subnets: tuple[IPNetwork, ...] = ()
    gateway: tuple[IPInterface, ...] = ()
    stp: bool = False
    mtu: int = 1500
    nat: str = "none"  # none | masquerade
    flows: tuple[Flow, ...] = ()
    datapath: str = "auto"  # of type ovs: auto | kernel | userspace
    shaping: Shaping = NONE
    tuned: bool = False
    vni: int = 0
    udp_port: int = 4789
    fdb: str = "static"  # static | learning | multicast
    vteps: tuple[Vtep, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The namespaces that hold a bridge of it."""
        return tuple(vtep.host for vtep in self.vteps) or (self.on,)


@dataclass(frozen=True, slots=True)
class Node:
    """A namespace that plays a machine. `loopbacks` go on its `lo`; `routes` include the default route a network's gateway gives."""

    name: str
    role: str = "node"
    forward: bool = False
    run: str | None = None
    sysctl: tuple[tuple[str, str], ...] = ()
    nft: str | None = None
    routes: tuple[Route, ...] = ()
    private: tuple[str, ...] = ()
    loopbacks: tuple[IPInterface, ...] = ()
    publish: tuple[Publish, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckEnd:
    """One side of a check: nodes (a spelled-out range), an address, or a word (`all`, `world`, `localhost`, `host`)."""

    nodes: tuple[str, ...] = ()
    interface: str | None = None
    address: IP | None = None
    port: int | None = None
    word: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `checks`: what to send from where to where, and what is expected. `within` is in seconds, a bound on the round trip."""

    kind: str  # ping | tcp | udp | http
    source: CheckEnd
    target: CheckEnd
    expect: str = "ok"  # ok | blocked
    sample: int | None = None
    via: str | None = None
    within: float | None = None
    text: str = ""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole lab. `nodes` holds neither `host`, which always exists, nor `world`; both can be named in checks and `exec`."""

    name: str
    nodes: tuple[Node, ...] = ()
    cables: tuple[Cable, ...] = ()
    networks: tuple[Network, ...] = ()
    checks: tuple[Check, ...] = ()
    routing: str = "none"  # none | shortest-path
    ipv6: str = "link-local"  # link-local | none
    host: str = "private"  # private | machine: whose network namespace `host` is
    uplink: str = "none"  # none | machine | pasta: what is outside, nothing but a world that is played, or the real one
    source: str = field(default="", compare=False)  # the path of the lab file, for messages

    @property
    def joins_machine(self) -> bool:
        """True if bridges and their ports live in the machine's own network namespace, among others' interfaces."""
        return self.host == "machine"

    @property
    def machine(self) -> str:
        """Which namespace of the lab is the machine's own, among whose interfaces a few are the lab's: `host`, `world`, or none."""
        return HOST if self.joins_machine else WORLD if self.uplink == "machine" else ""

    @property
    def has_world(self) -> bool:
        """True where outside is a namespace of the lab (plan/world.py): a network hides behind its host, or a check has to do with it."""
        return self.uplink == "none" and self._leads_out

    @property
    def goes_out(self) -> bool:
        """True where there is anything outside of the lab's host."""
        return self.uplink != "none" or self._leads_out

    @property
    def _leads_out(self) -> bool:
        return any(network.nat != "none" and network.on == HOST for network in self.networks) or any(
            WORLD in {check.source.word, check.target.word} for check in self.checks
        )

    @property
    def namespaces(self) -> tuple[str, ...]:
        """What the lab is made of: its host, its nodes, and its world where it has one."""
        return (HOST, *(node.name for node in self.nodes), *([WORLD] if self.has_world or self.machine == WORLD else []))
