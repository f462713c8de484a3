"""What was seen of one probe: sightings at interfaces, drops that something told of, and how it ended.

Rule of the file: values that an observer fills and an explainer reads; times in nanoseconds, those of one probe on one clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vethlab.model.address import IP

SOLICIT, ANSWER, REQUEST, REPLY, ERROR = "solicit", "answer", "request", "reply", "error"
OUTER = "outer"  # a tunnel's own packet while its way is walked; where it is seen, what it carries is
IN, OUT = "in", "out"


@dataclass(frozen=True, slots=True)
class Outer:
    """Packets that carry others from one host to another: what they are known by."""

    sender: str
    receiver: str
    source: IP
    target: IP
    port: int
    vni: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """A frame of the probe at an interface.

    `what`: solicit and answer are ARP or neighbour discovery `about` an address; request and reply are the probe's own packets; error is
    an ICMP error that quotes one of them.

    `carried`: in what the frame travels here, empty where it travels by itself, and `towards` which address that brings it; MAC addresses
    are its own all the same.

    `foreign`: its destination MAC is not this interface's (PACKET_OTHERHOST), or it bears the header of a `vlan`, whose frames no protocol
    gets from here either (__netif_receive_skb_core makes them PACKET_OTHERHOST behind the packet sockets). `hops`: TTL or hop limit.
    `sender`: who sends, by address; `ends`: of the probe's own packets source and target, with their ports, as text.
    """

    node: str
    interface: str
    direction: str
    what: str
    ns: int
    about: IP | None = None
    sender: IP | None = None
    source_mac: str = ""
    target_mac: str = ""
    foreign: bool = False
    hops: int = 0
    length: int = 0
    ends: tuple[str, ...] = ()
    carried: str = ""
    towards: IP | None = None
    vlan: int = 0


@dataclass(frozen=True, slots=True)
class FirewallDrop:
    """A rule or policy that an nft trace saw end the packet, or take it out of tracking (Observed.untracked).

    `what` as in Sighting; `handle` None: the chain's policy.

    `outer`: it ended a packet that carries others; `what` is then not told.

    `specific`: the rule matches something, so deleting it says less than deleting a bare `drop`; `position`: its place in the chain.
    `source`, `target` and `port` are those of the packet there, which may have been translated; `port` is that of whoever was asked.
    """

    node: str
    family: str
    table: str
    chain: str
    hook: str
    what: str
    interface: str | None = None
    handle: int | None = None
    text: str = ""
    rejects: bool = False
    specific: bool = True
    position: int = 0
    outer: Outer | None = None
    source: IP | None = None
    target: IP | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class KernelDrop:
    """A packet of the probe that the kernel freed with a drop reason (kfree_skb), and in which function."""

    node: str
    interface: str
    reason: str
    function: str
    what: str
    ns: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """A counter that moved while the probe ran."""

    node: str
    interface: str
    name: str
    by: int


@dataclass(frozen=True, slots=True)
class IcmpError:
    """An ICMP error that came back to the sender."""

    type: int
    code: int
    sender: IP
    mtu: int = 0


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A neighbour entry that the probe left unresolved (`state`: incomplete, failed); it is taken away again."""

    node: str
    interface: str
    address: IP
    state: str


@dataclass(frozen=True, slots=True)
class Observed:
    """One probe. `errno`: the sender's own kernel refused; `lost`: frames that no ring had room for, so that absence proves nothing.

    `untracked`: rules that ended no packet and took it out of connection tracking. `truth`: the BPF layer looked on.
    `table_full`: the machine's neighbour table refused entries meanwhile.
    """

    ok: bool
    rtt_us: float | None = None
    reason: str = ""
    errno: int = 0
    refused: bool = False
    answered_by: IP | None = None
    sightings: tuple[Sighting, ...] = ()
    firewall: tuple[FirewallDrop, ...] = ()
    untracked: tuple[FirewallDrop, ...] = ()
    drops: tuple[KernelDrop, ...] = ()
    counts: tuple[Count, ...] = ()
    errors: tuple[IcmpError, ...] = ()
    lost: int = 0
    truth: bool = False
    table_full: bool = False
    unanswered: tuple[Unanswered, ...] = ()
    watched: tuple[str, ...] = field(default=())
