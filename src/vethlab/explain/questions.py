"""What an explanation may ask, and what it is told. Questions leave `explain`, answers enter.

Rule of the file: values only. `observe` answers them from the kernel, a recording answers them offline (explain/recording.py): the
same answers give the same explanation.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.model.address import IP
from vethlab.model.flow import Flow
from vethlab.model.journey import Outer
from vethlab.model.question import Forward, Forwarded, Look, Rewrite, Rewriting, Route, Routed

__all__ = ["Drifted", "Forward", "Forwarded", "Look", "Observe", "Question", "Rewrite", "Rewriting", "Route", "Routed"]


@dataclass(frozen=True, slots=True)
class Drifted:
    """What is not as the lab file says, in these namespaces? Answer: tuple[Drift, ...]."""

    netns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observe:
    """Send the probe and look on in these namespaces. Answer: Observed.

    `interface`: the one the kernel would send by, for `--arp`. `solicits`: (namespace, address) that will be asked for; `waits`: one of
    them is being asked for already, and the kernel repeats the question only once a second.
    `targets`: what the packet is for once it has been translated; `outers`: in what it will travel.
    """

    flow: Flow
    netns: tuple[str, ...]
    interface: str | None = None
    solicits: tuple[tuple[str, IP], ...] = ()
    waits: bool = False
    targets: tuple[tuple[IP, int | None], ...] = ()
    outers: tuple[Outer, ...] = ()


Question = Look | Route | Forward | Drifted | Observe | Rewriting
