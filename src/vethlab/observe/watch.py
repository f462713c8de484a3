"""Deaths of packets while they happen: rings, traces of nftables, counters, and the kernel's own word, joined.

Enter: a lab's namespaces, the nodes to watch; leave: batches of Deaths. Rule of the file: looking changes nothing. What stands in the lab
for it (tables that trace) and in the kernel (BPF programs) goes with this process, however it ends; nothing that is remembered grows
without bound; a node that leaves the lab is let go of.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

from vethlab.errors import HostError, KernelError, NotFoundError
from vethlab.kernel.bpf import tracer
from vethlab.kernel.packet import Held
from vethlab.kernel.port import Namespaces
from vethlab.observe.answers import Answers
from vethlab.observe.capture import WINDOW, Capture, Place
from vethlab.observe.counted import Counters
from vethlab.observe.death_filter import death_filter
from vethlab.observe.deaths import Book, Death
from vethlab.observe.decode import decode, decode_ip
from vethlab.observe.freed import LinkState, death_of
from vethlab.observe.ring import RETIRE_MS, Shape
from vethlab.observe.rounds import Look, look
from vethlab.observe.traces import Traces

__all__ = ["Told", "Watch"]

TICK = 0.05  # seconds between two looks into the ring of BPF events, which wakes nobody
ROUND = 1.0  # between two looks at counters, rulesets, and which nodes there are
_PATIENCE = 150_000_000  # ns for which a death waits for other witnesses; frames come last, when their order is certain
_SETTLE = int(1.5 * WINDOW * 1e9)  # and after it was told: frames that were handed over meanwhile are in order then
_LATE = int(3 * WINDOW * 1e9)  # ns after which every frame has been taken in
_STALLED = 0.5  # seconds without a turn: nobody read, so answers may still wait in the rings
_QUIET = Shape(1 << 12, 1 << 19, RETIRE_MS)  # heads of few frames


class Told(NamedTuple):
    """How many deaths were told, and how many frames and events found no room and were not looked at."""

    deaths: int
    missed: int


class Watch:
    """A watch that is open while its context lasts. `nodes` empty: every node of the lab, those that come later too.

    `truth`: ask the kernel by BPF where that is possible; `without` says why it is not. `alive` as in Capture.
    """

    def __init__(self, namespaces: Namespaces, nodes: Sequence[str] = (), *, truth: bool = True, alive: int | None = None) -> None:
        self._namespaces, self._chosen = namespaces, frozenset(nodes)
        places = [Place(node) for node in nodes]
        self._capture = Capture(namespaces, places, program=death_filter(), alive=alive, shape=_QUIET)
        self.without = tracer.available() if truth else "it was switched off"
        self._tracer: tracer.Tracer | None = None
        self._held = ExitStack()
        self._answers, self._book, self._counters = Answers(), Book(_PATIENCE, _SETTLE), Counters()
        self._traces = Traces(namespaces, self._capture, self._bridge)
        self._inodes: dict[int, str] = {}
        self._states: dict[tuple[str, int], tuple[float, LinkState]] = {}
        self._freed: dict[tuple[str, str], int] = {}
        self._refused = self._deaths = self._lost = 0
        self._missed: int | None = None
        self._next = self._turned = self._judge = 0.0
        self._ended = False

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._capture)
            opened.callback(self._traces.close)
            self._round()
            if not self.without:
                self._open_tracer(opened)
            self._held = opened.pop_all()
        self._turned = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._missed = self.told().missed
        self._tracer = None
        self._held.close()

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that are watched now."""
        return tuple(sorted({one.node for one in self._capture.shown()}))

    @property
    def truth(self) -> bool:
        """Whether the kernel is asked by BPF."""
        return self._tracer is not None

    @property
    def lab_ended(self) -> bool:
        """Whether it was the end of the lab that ended the watch."""
        return self._ended or self._capture.lab_ended

    def stop(self) -> None:
        """End the watch. For signal handlers and other threads too."""
        self._capture.stop()

    def batches(self, *, count: int | None = None, seconds: float | None = None) -> Iterator[list[Death]]:
        """Deaths in order of time, until `stop`, `count` of them, `seconds`, or the end of the lab.

        A batch comes several times a second even if it is empty, so that the caller can look at something else too.
        """
        for frames in self._capture.batches(seconds=seconds, tick=TICK):
            batch = self._counted(self._turn(frames), count)
            yield batch
            if count is not None and self._deaths >= count:
                return
        if not self.lab_ended:
            self._take_in([])
            self._round()
        yield self._counted(self._book.release(time.time_ns() + _PATIENCE), count)

    def told(self) -> Told:
        """What was told until now, and what was missed."""
        if self._missed is not None:
            return Told(self._deaths, self._missed)
        lost = self._tracer.lost if self._tracer is not None else 0
        return Told(self._deaths, self._capture.tally().dropped + self._traces.lost + lost)

    def _counted(self, batch: list[Death], count: int | None) -> list[Death]:
        if count is not None:
            batch = batch[: count - self._deaths]
        self._deaths += len(batch)
        return batch

    def _turn(self, frames: list[Held]) -> list[Death]:
        began, now = time.time_ns(), time.monotonic()  # before anybody is heard: who died until then waits for nobody new
        if now - self._turned > _STALLED:
            self._judge = now + _LATE / 1e9
        self._turned = now
        self._take_in(frames)
        if now >= self._next:
            self._round()
        if now >= self._judge:
            self._add(self._answers.overdue(began - _LATE))
        return self._book.release(began)

    def _add(self, deaths: Sequence[Death | None]) -> None:
        for death in deaths:
            if death is not None:
                self._book.add(death, time.time_ns())

    def _take_in(self, frames: list[Held]) -> None:
        self._add(self._traces.deaths())
        self._hear_kernel()
        for frame in frames:
            one = self._capture.interface(frame)
            packet = decode(frame.data) if one.ethernet else decode_ip(frame.data)
            self._add([self._answers.take(frame, one.node, one.name, packet)])

    def _hear_kernel(self) -> None:
        if self._tracer is None:
            return
        ahead = time.time_ns() - time.monotonic_ns()
        for event in self._tracer.events():
            node = self._inodes.get(event.netns)
            if node is None:
                continue
            place = (node, event.interface)
            self._freed[place] = self._freed.get(place, 0) + 1
            self._refused += event.reason == "NEIGH_CREATEFAIL"
            function = self._tracer.function(event.location)
            self._add([death_of(event, node, function, event.ns + ahead, partial(self._state, node, event.ifindex))])

    def _state(self, node: str, index: int) -> LinkState | None:
        """What an interface is now, or was a moment ago."""
        at, state = self._states.get((node, index), (0.0, None))
        if time.monotonic() - at > TICK:
            with suppress(NotFoundError, KernelError):
                self._know(look(self._namespaces, [node]))
            state = self._states.get((node, index), (0.0, None))[1]
        return state

    def _bridge(self, node: str, index: int) -> int:
        """The bridge of which an interface is a port, its index."""
        state = self._states.get((node, index), (0.0, None))[1]
        return 0 if state is None else state.master

    def _know(self, seen: Look) -> None:
        now = time.monotonic()
        self._states |= {key: (now, state) for key, state in seen.states.items()}

    def _round(self) -> None:
        """What is looked at once in a second: nodes, rulesets, counters, the neighbour table."""
        self._next = time.monotonic() + ROUND
        try:
            names = self._namespaces.names()
            wanted = names & self._chosen if self._chosen else names
            seen = look(self._namespaces, sorted(wanted), inodes=not self.without)
            self._traces.keep(seen.places)
        except (NotFoundError, KernelError) as error:  # a node left meanwhile, and the next round knows; or all of the lab
            self._end(ended=error.slug == "keeper-gone")
            return
        self._end(ended=not names)
        self._states.clear()
        self._know(seen)
        self._learn(seen.inodes)
        self._hear_kernel()
        self._add(self._counters.look(seen.counted, self._freed, time.time_ns()))
        self._add(self._counters.refusals(seen.refused, self._refused, time.time_ns()))
        self._freed, self._refused = {}, 0
        lost = self._capture.tally().dropped
        if lost > self._lost:
            self._lost = lost
            self._answers.forget()

    def _end(self, *, ended: bool) -> None:
        if ended:
            self._ended = True
            self.stop()

    def _learn(self, inodes: dict[int, str]) -> None:
        if self._tracer is not None:
            for inode in inodes.keys() - self._inodes.keys():
                with suppress(HostError):  # more nodes than there is room for
                    self._tracer.add(inode)
        self._inodes = inodes

    def _open_tracer(self, opened: ExitStack) -> None:
        try:
            self._tracer = opened.enter_context(tracer.Tracer(list(self._inodes), kinds=["drop"]))
        except HostError as error:
            self.without = f"{error.message} {error.why}".strip()
