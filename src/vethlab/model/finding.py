"""What an explanation says: findings with their evidence, and the changes that would mend them.

Rule of the file: values. `grade` is `proven` only if evidence has the kernel as its source.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PROVEN, INFERRED, UNKNOWN = "proven", "inferred", "unknown"
REQUEST, REPLY = "request", "reply"


@dataclass(frozen=True, slots=True)
class Where:
    """A place. `stage`: link, egress, ingress, route, neighbour, input, forward, output, prerouting, postrouting, bridge."""

    node: str
    interface: str | None = None
    stage: str = ""

    def __str__(self) -> str:
        return self.node if self.interface is None else f"{self.node}:{self.interface}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was found out. `kernel`: the kernel itself said or showed it."""

    source: str  # route-oracle | configuration | observation | counters | neighbour-table | nft-trace | kernel-drop | socket-table | icmp
    says: str
    kernel: bool = True


@dataclass(frozen=True, slots=True)
class Command:
    """A command line to be run in a node. `undo`: what takes it back, where that is known beforehand and no state holds it.

    `lost`: what it takes away for good, because nobody can say it again in a command line.
    """

    node: str
    argv: tuple[str, ...]
    undo: tuple[tuple[str, ...], ...] = ()
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that should mend one obstacle. `policy`: it changes what somebody decided (a filter, a firewall), not what broke."""

    title: str
    commands: tuple[Command, ...]
    policy: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One obstacle on a packet's way. `where`: whose configuration is at fault. `fixes`: in the order in which to try them."""

    slug: str
    where: Where
    summary: str
    direction: str = REQUEST
    grade: str = INFERRED
    evidence: tuple[Evidence, ...] = ()
    fixes: tuple[Fix, ...] = ()
    ruled_out: tuple[str, ...] = ()
    last_seen: Where | None = None
    inner: Finding | None = None


@dataclass(frozen=True, slots=True)
class PathHop:
    """A step of a path that was seen. `ns` counts from the first step."""

    node: str
    interface: str
    direction: str
    ns: int
    note: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer. `verdict` None: the probe passed. `also`: further obstacles on the same way; `warnings`: what will bite later.

    `expected` are the places the packet should pass, as `node:interface`; `reached` grows with the nodes that lie
    in front of the obstacle, those of the reply after all of the request.
    """

    ok: bool
    verdict: Finding | None = None
    also: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    request: tuple[PathHop, ...] = ()
    reply: tuple[PathHop, ...] = ()
    expected: tuple[str, ...] = ()
    reached: int = 0
    rtt_us: float | None = None
    reason: str = ""
    notes: tuple[str, ...] = field(default=())
