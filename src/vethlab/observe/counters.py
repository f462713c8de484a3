"""Counters of interfaces and queues, read twice: what moved in between.

Enters: connections into namespaces; leaves: Counts. Rule of the file: only what counts losses, and only where it grew. A queue above others
counts their drops too, so the topmost alone is read; what waits in it now and did not before is as good as lost to whoever asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vethlab.kernel.inside import Inside
from vethlab.kernel.netlink import interface
from vethlab.kernel.netlink.link import RTM_GETLINK
from vethlab.kernel.netlink.queues import queues
from vethlab.model.journey import Count

__all__ = ["Reading", "moved", "read"]

_LOSSES = ("rx_dropped", "tx_dropped")
_QUEUES = {"root": "qdisc_dropped", "ingress": "ingress_dropped"}


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of some namespaces at one moment, and the names of their interfaces by (node, index)."""

    counted: Mapping[tuple[str, int, str], int] = field(default_factory=dict)
    names: Mapping[tuple[str, int], str] = field(default_factory=dict)

    def name(self, node: str, index: int) -> str:
        """The name of an interface; its number where it came and went unread."""
        return self.names.get((node, index), f"if{index}")


def read(inside: Mapping[str, Inside]) -> Reading:
    """Read these namespaces."""
    counted: dict[tuple[str, int, str], int] = {}
    names: dict[tuple[str, int], str] = {}
    for node, one in inside.items():
        for part in one.route.dump(RTM_GETLINK, interface.WITH_STATISTICS):
            told = interface.decode(*part)
            names[node, told.number] = told.name
            held = interface.counters(told)
            counted |= {(node, told.number, word): held[word] for word in _LOSSES if word in held}
        for index, found in queues(one.route).items():
            counted |= {(node, index, _QUEUES[queue.parent]): queue.dropped for queue in found if queue.parent in _QUEUES}
            counted |= {(node, index, word): queue.waiting for word in ("qdisc_waiting",) for queue in found if queue.parent == "root"}
    return Reading(counted, names)


def moved(before: Reading, after: Reading) -> tuple[Count, ...]:
    """The counters that grew."""
    return tuple(
        Count(node, after.name(node, index), word, value - before.counted.get((node, index, word), 0))
        for (node, index, word), value in after.counted.items() if value > before.counted.get((node, index, word), 0)
    )
