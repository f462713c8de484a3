"""One path to probe and what came of it. Enters `probe`, leaves it as a Result.

Rule of the file: values; times in microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.model.address import IP


@dataclass(frozen=True, slots=True)
class Landing:
    """Where the packets of a probe are meant to arrive: a node, and the address and port that they have there."""

    node: str | None
    address: IP
    port: int | None


@dataclass(frozen=True, slots=True)
class Path:
    """One concrete probe: `kind` from a namespace to an address. `interface` binds the socket to a device, as `ping -I` does.

    `target` names the destination for people ("b", "b:eth1", an address). `check` is the index of the check in the topology it
    comes from, -1 for the implied all pairs. `leads`: where a published port that is asked for leads to.
    """

    kind: str
    src: str
    dst: IP
    target: str
    dst_node: str | None = None
    port: int | None = None
    interface: str | None = None
    expect: str = "ok"
    via: str | None = None
    within: float | None = None
    check: int = -1
    source: IP | None = None
    leads: Landing | None = None

    @property
    def end(self) -> Landing:
        """Where it arrives."""
        return self.leads or Landing(self.dst_node, self.dst, self.port)


@dataclass(frozen=True, slots=True)
class Result:
    """What happened to one path. `ok`: the probe got through; `passed`: that is what was expected (a blocked path may pass)."""

    path: Path
    ok: bool
    passed: bool
    rtt_us: float | None = None
    reason: str = ""  # one sentence where it did not pass, from what the probe saw
    finding: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All results of one `check`, in the order of the paths. `notes` say how neighbours were handled, what was sampled, with which seed."""

    results: tuple[Result, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True if every path passed and there was at least one."""
        return bool(self.results) and all(result.passed for result in self.results)
