"""Puts the frames of many rings into one order of time.

Enters: frames as each ring hands them over, with the moment of that; leaves: frames sorted by time. Rule of the file: no clock and no
sockets. A ring holds frames back until its block is full or times out; so whatever was handed over at some moment is released one
`window` later, when every ring has handed over all that is older.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from operator import attrgetter

from vethlab.kernel.packet import Held

__all__ = ["Merge"]

_time = attrgetter("ns")


class Merge:
    """The frames on their way. `late` counts those that came when younger ones were gone: they follow out of order.

    `pace` is the time between two releases, since each sorts all that waits.
    """

    def __init__(self, window: float, pace: float = 0) -> None:
        self.window, self.pace, self.late = window, pace, 0
        self._next = 0.0
        self._waiting: list[Held] = []
        self._marks: deque[tuple[float, int]] = deque()  # handed over at (monotonic time), youngest frame
        self._gone = 0

    def add(self, frames: Sequence[Held], now: float) -> None:
        """Take in frames of one ring, oldest first, handed over at `now` (any monotonic clock, seconds)."""
        if frames:
            self._waiting += frames
            self._marks.append((now, frames[-1].ns))

    def due(self) -> float | None:
        """When the next frames can be released; None while nothing waits."""
        return max(self._marks[0][0] + self.window, self._next) if self._marks else None

    def release(self, now: float) -> list[Held]:
        """The frames whose place in time is certain at `now`."""
        if now < self._next:
            return []
        self._next = now + self.pace
        youngest = 0
        while self._marks and self._marks[0][0] + self.window <= now:
            youngest = max(youngest, self._marks.popleft()[1])
        return self._take(youngest) if youngest else []

    def rest(self, until: int) -> list[Held]:
        """Everything that waits and is not younger than `until` (Unix time in ns); the younger ones are forgotten."""
        self._marks.clear()
        found = self._take(until)
        self._waiting.clear()
        return found

    def _take(self, youngest: int) -> list[Held]:
        waiting = self._waiting
        waiting.sort(key=_time)  # stable: frames of one ring and one nanosecond keep their order
        cut = bisect_right(waiting, youngest, key=_time)
        found, self._waiting = waiting[:cut], waiting[cut:]
        if found:
            if found[0].ns < self._gone:
                self.late += bisect_right(found, self._gone - 1, key=_time)
            self._gone = max(self._gone, found[-1].ns)
        return found
