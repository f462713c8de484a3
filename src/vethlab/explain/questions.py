"""What an explanation may ask, and what it is told. Questions leave `explain`, answers enter.

Rule of the file: values only. `observe` answers them from the kernel, a recording answers them offline (explain/recording.py): the
same answers give the same explanation.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.model.address import IP
from vethlab.model.flow import Flow


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
    """The kernel's answer. `error` 0 or an errno; `type`: unicast, local, blackhole...; `interface` where it leaves; `source` as chosen."""

    error: int = 0
    says: str = ""
    type: str = "unicast"
    interface: str | None = None
    via: IP | None = None
    source: IP | None = None
    table: int = 0
    mtu: int = 0


@dataclass(frozen=True, slots=True)
class Observe:
    """Send the probe and look on in these namespaces. Answer: Observed."""

    flow: Flow
    netns: tuple[str, ...]


Question = Look | Route | Observe
