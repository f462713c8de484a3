"""A capture: frames of all interfaces of some nodes in one order of time, until somebody says stop.

Enters: a lab's namespaces, the places to look at, a filter; leaves: batches of frames, and what was counted. Rule of the file: looking
changes nothing. A ring would keep its namespace alive, so a node that leaves the lab is let go of, and the end of the lab ends the capture.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

from vethlab.errors import NotFoundError, UsageError
from vethlab.kernel.packet import Held, Instruction, Ring, accept, only_interfaces
from vethlab.kernel.port import Namespaces
from vethlab.observe.interfaces import Interface, Interfaces
from vethlab.observe.merge import Merge
from vethlab.observe.ring import RETIRE_MS, WHOLE, Shape, close_rings, open_rings

__all__ = ["SNAPLEN", "Capture", "Place", "Tally"]

SNAPLEN = 262_144  # what tcpdump and Wireshark keep of a frame: all of it
WINDOW = 5 * RETIRE_MS / 1000  # a block times out after one to two periods, in ticks of a few ms
PACE = 0.02
_LOOK_ROUND = 1.0  # seconds between two looks at which nodes the lab has
_MOST_INTERFACES = 255  # a jump of classic BPF is 8 bits wide


class Place(NamedTuple):
    """A node, or one interface of it."""

    node: str
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the frames. Times are Unix time in ns.

    `seen` passed the filter, and `dropped` of them found a full ring. `delivered` are fewer than the rest where `count` was reached, and
    by those that `lo` shows twice. `late` were delivered out of order.
    """

    delivered: int
    seen: int
    dropped: int
    late: int
    started: int
    ended: int


class Capture:
    """A capture that is open while its context lasts. `places` empty: every node of the lab, those that come later too.

    `alive` is a descriptor that becomes readable when the lab ends (a pidfd of its keeper); the capture closes it.
    """

    def __init__(
        self, namespaces: Namespaces, places: Sequence[Place] = (), *, program: Sequence[Instruction] = (), snaplen: int = SNAPLEN,
        alive: int | None = None, shape: Shape = WHOLE,
    ) -> None:
        self._namespaces, self._alive, self._shape = namespaces, alive, shape
        self._program = list(program) or (accept(snaplen) if snaplen < SNAPLEN else [])
        self._follows = not places
        self.interfaces = Interfaces(namespaces)
        self._wanted = _resolved(places, sorted(namespaces.names()), self.interfaces)
        self._rings: dict[int, Ring] = {}
        self._nodes: list[str] = []
        self._merge = Merge(WINDOW, PACE)
        self._poll = select.poll()
        self._bell = -1
        self._delivered = self._seen = self._dropped = self._started = self._ended = 0
        self.lab_ended = False

    def __enter__(self) -> Self:
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll.register(self._bell, select.POLLIN)
        if self._alive is not None:
            self._poll.register(self._alive, select.POLLIN)
        try:
            self._add(list(self._wanted))
        except BaseException:
            self._close()
            raise
        self._started = time.time_ns()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._count()
        close_rings(list(self._rings.values()))
        self._rings.clear()
        self._close()

    def shown(self) -> list[Interface]:
        """The interfaces that are looked at now."""
        return [
            one for node in self._wanted for one in self.interfaces.of(node)
            if not (chosen := self._wanted.get(node)) or one.index in chosen
        ]

    def interface(self, frame: Held) -> Interface:
        """Where a frame was seen."""
        return self.interfaces.find(self._nodes[frame.source], frame.interface)

    def stop(self) -> None:
        """End the capture; what passed until now is still delivered. For signal handlers and other threads too."""
        with suppress(OSError):  # closed, or rung already
            os.eventfd_write(self._bell, 1)

    def listen(self, descriptor: int) -> None:
        """Wake up for this descriptor too: `batches` with a `tick` gives a batch then, perhaps an empty one."""
        self._poll.register(descriptor, select.POLLIN)

    def leave(self, descriptor: int) -> None:
        """No longer; before it is closed."""
        self._poll.unregister(descriptor)

    def batches(self, *, count: int | None = None, seconds: float | None = None, tick: float | None = None) -> Iterator[list[Held]]:
        """Frames in order of time, until `stop`, `count` frames, `seconds`, or the end of the lab.

        `tick`: a batch at least so often (seconds), which may be empty, for callers who look at something else as well.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        look_round = time.monotonic() + _LOOK_ROUND
        while True:
            until = None if tick is None else time.monotonic() + tick
            stopped = self._wait(min(at for at in (deadline, self._merge.due(), look_round, until) if at is not None))
            now = time.monotonic()
            self._drain()
            if stopped or (deadline is not None and now >= deadline):
                break
            batch = self._merge.release(now)
            if batch or tick is not None:
                yield self._counted(batch, count)
                if count is not None and self._delivered >= count:
                    self._end()
                    return
            if now >= look_round:
                look_round = now + _LOOK_ROUND
                self._follow()
        yield from self._last(count)

    def tally(self) -> Tally:
        """What was counted; final once the context is left."""
        self._count()
        return Tally(self._delivered, self._seen, self._dropped, self._merge.late, self._started, self._ended or time.time_ns())

    def _close(self) -> None:
        os.close(self._bell)
        if self._alive is not None:
            os.close(self._alive)

    def _last(self, count: int | None) -> Iterator[list[Held]]:
        """What passed before the end and is still in blocks that wait for their time-out."""
        self._end()
        end = time.monotonic() + WINDOW
        while (now := time.monotonic()) < end:
            time.sleep(min(RETIRE_MS / 1000, end - now))
            self._drain()
        batch = self._merge.rest(self._ended)
        if batch:
            yield self._counted(batch, count)

    def _counted(self, batch: list[Held], count: int | None) -> list[Held]:
        if count is not None:
            batch = batch[: count - self._delivered]
        self._delivered += len(batch)
        return batch

    def _wait(self, until: float) -> bool:
        """Sleep until a block is handed over or a moment; True if it was the bell."""
        stopped = False
        for descriptor, _ in self._poll.poll(max(0.0, (until - time.monotonic()) * 1000)):
            self.lab_ended = self.lab_ended or descriptor == self._alive
            stopped = stopped or descriptor in {self._bell, self._alive}
        return stopped

    def _drain(self) -> None:
        for ring in self._rings.values():
            for frames in ring.drain():
                self._merge.add(frames, time.monotonic())

    def _end(self) -> None:
        """From here on nothing is counted any more."""
        self._count()
        self._ended = time.time_ns()

    def _count(self) -> None:
        if self._ended:
            return
        for ring in self._rings.values():
            counts = ring.counts()
            self._seen += counts.seen
            self._dropped += counts.dropped

    def _follow(self) -> None:
        """Nodes that left the lab are let go of; new ones are looked at too, unless nodes were chosen."""
        try:
            names = self._namespaces.names()
        except NotFoundError:  # the keeper is gone, its pidfd will say so
            return
        for number, ring in list(self._rings.items()):
            node = self._nodes[number]
            if node not in names:
                self._count()
                self._poll.unregister(ring)
                ring.close()
                del self._rings[number], self._wanted[node]
        new = sorted(names - self._wanted.keys()) if self._follows else []
        if new:
            self._wanted |= dict.fromkeys(new, frozenset[int]())
            self._add(new)

    def _add(self, nodes: Sequence[str]) -> None:
        wanted = []
        for node in nodes:
            chosen = self._wanted[node]
            program = only_interfaces(sorted(chosen), self._program or accept(SNAPLEN)) if chosen else self._program
            wanted.append((len(self._nodes), node, program))
            self._nodes.append(node)
        for ring in open_rings(self._namespaces, wanted, among=len(self._wanted), shape=self._shape):
            self._rings[ring.number] = ring
            self._poll.register(ring, select.POLLIN)


def _resolved(places: Sequence[Place], names: Sequence[str], interfaces: Interfaces) -> dict[str, frozenset[int]]:
    """Of each node the indexes of the chosen interfaces, none of them for all."""
    if not places:
        return dict.fromkeys(names, frozenset[int]())
    found: dict[str, frozenset[int]] = {}
    whole = {place.node for place in places if place.interface is None}
    for place in places:
        if place.node not in names:
            raise NotFoundError(
                f"the lab has no node `{place.node}`", where=place.node, slug="no-such-node", help=f"its nodes: {', '.join(names[:12])}",
            )
        by_name = {one.name: one.index for one in interfaces.of(place.node)}
        if place.interface is not None and place.interface not in by_name:
            raise NotFoundError(
                f"node `{place.node}` has no interface `{place.interface}`", where=f"{place.node}:{place.interface}",
                slug="no-such-interface", help=f"its interfaces: {', '.join(list(by_name)[:12])}",
            )
        chosen = found.get(place.node, frozenset())
        found[place.node] = chosen if place.interface is None else chosen | {by_name[place.interface]}
        if len(found[place.node]) > _MOST_INTERFACES:
            raise UsageError(f"more than {_MOST_INTERFACES} interfaces of `{place.node}` are named", help="name the node alone")
    return {node: frozenset() if node in whole else chosen for node, chosen in found.items()}
