"""Counters of drops that grow, as Deaths of packets that nobody saw.

Enter: what interfaces and queues have counted, look after look; leave: Deaths without a packet. Rule of the file: no clock and no sockets,
and a counter is the last to be asked: what others have told of an interface meanwhile is taken off, and what one veth could not give
to its peer is counted at both ends (net/core/dev.c, ____dev_forward_skb) and told at the sender's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from vethlab.model.finding import INFERRED, PROVEN
from vethlab.observe.deaths import COUNTER, DROPPED, UNKNOWN, Death

__all__ = ["Counted", "Counters"]


class Counted(NamedTuple):
    """What an interface has counted. `peer`: a veth's other end, its index; `queues`: of root and ingress, (kind and handle, drops).

    `silent`: why it carries nothing, link-down or no-carrier; empty if it does.
    """

    node: str
    number: int
    name: str
    kind: str
    peer: int
    received: int
    sent: int
    queues: tuple[tuple[str, int], ...] = ()
    silent: str = ""
    mtu: int = 1500


class Counters:
    """The last look, and what grew since."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], Counted] | None = None
        self._refused: dict[int, int] = {}

    def look(self, seen: Iterable[Counted], told: Mapping[tuple[str, str], int], ns: int) -> list[Death]:
        """What grew since the last look. `told`: how many drops others told meanwhile, by node and interface. The first look is silent."""
        now = {(one.node, one.number): one for one in seen}
        before, self._last = self._last, now
        if before is None:
            return []
        veths = {(one.number, one.peer): one for one in now.values() if one.kind == "veth"}
        found = []
        for key, one in now.items():
            if key not in before:
                continue
            peer = veths.get((one.peer, one.number))
            rest = told.get((one.node, one.name), 0) + (told.get((peer.node, peer.name), 0) if peer is not None else 0)
            for what, reason, grade, count in _growth(one, before[key], peer, before):
                if count > rest:
                    says = f"{what} +{count - rest}"
                    found.append(Death(ns, DROPPED, one.node, reason, COUNTER, one.name, grade=grade, says=says, count=count - rest))
                rest = max(0, rest - count)
        return found

    def refusals(self, refused: Mapping[int, tuple[int, int]], told: int, ns: int) -> list[Death]:
        """New refusals of the machine's neighbour table: by family, how often it refused and what it holds at most."""
        found = []
        for family, (count, limit) in refused.items():
            grown = count - self._refused.get(family, count) - told
            self._refused[family] = count
            if grown > 0:
                says = f"the neighbour table refused {grown} entries; it holds {limit} for the whole machine"
                found.append(Death(ns, DROPPED, "", "neighbour-table-full", COUNTER, says=says, count=grown))
        return found


def _growth(
    one: Counted, old: Counted, peer: Counted | None, before: Mapping[tuple[str, int], Counted],
) -> list[tuple[str, str, str, int]]:
    """What grew: in words, the finding, how sure that is, by how much. `peer`: the other end of a veth."""
    queues = dict(old.queues)  # one that is new has begun to count at zero
    grown = [(f"queue {name.split()[0]}: dropped", "queue-drop", PROVEN, count - queues.get(name, 0)) for name, count in one.queues]
    older = before.get((peer.node, peer.number)) if peer is not None else None
    sent_to_us = max(0, peer.sent - older.sent) if peer is not None and older is not None else 0
    grown += [
        ("tx_dropped", *_unsent(one, old, peer), one.sent - old.sent),
        ("rx_dropped", UNKNOWN, INFERRED, one.received - old.received - sent_to_us),
    ]
    return [row for row in grown if row[3] > 0]


def _unsent(one: Counted, old: Counted, peer: Counted | None) -> tuple[str, str]:
    """Why an interface did not send: a veth that carries gives every frame to its peer, unless that one's MTU or queue is too small."""
    silent = one.silent or old.silent
    if silent:
        return silent, PROVEN
    if peer is None:
        return UNKNOWN, INFERRED
    return ("mtu-blackhole" if peer.mtu < one.mtu else "queue-drop"), INFERRED
