"""What may be asked of a running lab without a packet, and the kernel's answer to a route question.

Rule of the file: values only. They stand in `model` because `kernel` answers what `explain` asks, and the two do not know each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.model.address import IP


@dataclass(frozen=True, slots=True)
class Look:
    """What does this namespace hold? Answer: Snapshot."""

    netns: str


@dataclass(frozen=True, slots=True)
class Route:
    """Where would the kernel send this? Answer: Routed. RTM_GETROUTE: with `iif` it walks the input path, source validation included."""

    netns: str
    destination: IP
    source: IP | None = None
    iif: str | None = None
    oif: str | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """The kernel's answer. `error` 0 or an errno; `type`: unicast, local, blackhole...; `interface` where it leaves; `source` as chosen.

    `table` 0: none decided. With `oif` IPv4 takes a destination without a route for a neighbour on that link.
    `mtu`: of the route or learned, 0 where the interface's counts. With an error, `says` is what ip-route(8) prints, and `type` the kind of
    line that refuses: blackhole, unreachable, prohibit, or empty where the kernel does not tell (no route, a source that is not believed,
    no forwarding).
    """

    error: int = 0
    says: str = ""
    type: str = "unicast"
    interface: str | None = None
    via: IP | None = None
    source: IP | None = None
    table: int = 0
    mtu: int = 0


@dataclass(frozen=True, slots=True)
class Forward:
    """What does the Open vSwitch bridge of this namespace do with a frame? `match` as in ovs-fields(7). Answer: Forwarded."""

    netns: str
    bridge: str
    match: str


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The switch's answer. `outputs`: ports the frame leaves by as it came; `rules`: those it matched, table by table, with their actions.

    `plain`: the last of them learns and forwards (NORMAL); `flooded`: to all ports, since none was known for the address.
    `remove`: the command that takes the last rule away, where it is not plain.
    `failed`: why it did not answer.
    """

    outputs: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    plain: bool = False
    remove: tuple[str, ...] = ()
    failed: str = ""
    flooded: bool = False


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Which nftables rules of this namespace write the hops that packets have left? Answer: tuple[Rewrite, ...]."""

    netns: str


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A rule that writes a TTL or hop limit: where it stands, and its text as nft lists it. `chain`: family, table and name."""

    chain: str
    handle: int
    text: str
