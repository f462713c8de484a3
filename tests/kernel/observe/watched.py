"""A watch beside a test: a thread that reads it, and waits for what should be told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vethlab import Lab
from vethlab.observe.deaths import Death
from vethlab.observe.watch import Watch

__all__ = ["DEADLINE", "Told", "spelt", "watched"]

DEADLINE = 10.0  # seconds; far more than it takes


class Told:
    """What a watch has told until now."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._news = threading.Condition()
        self._deaths: list[Death] = []
        self._turns = 0
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def wait(self, enough: Callable[[list[Death]], bool]) -> list[Death]:
        """What was told, once that is enough, or after the deadline."""
        with self._news:
            self._news.wait_for(lambda: enough(self._deaths), DEADLINE)
            return list(self._deaths)

    def first(self, reason: str) -> Death:
        """The first death of that reason."""
        found = self.wait(lambda deaths: any(one.reason == reason for one in deaths))
        return next(one for one in found if one.reason == reason)

    def settled(self, seconds: float = 0.5) -> list[Death]:
        """What was told when so much more time has passed: enough for every other witness to speak, and for many turns of the watch."""
        until, turns = time.monotonic() + seconds, self._turns
        return self.wait(lambda _: time.monotonic() >= until and self._turns >= turns + 4)

    def joined(self) -> bool:
        """Whether the watch has ended by itself."""
        self._thread.join(DEADLINE)
        return not self._thread.is_alive()

    def stop(self) -> list[Death]:
        """Everything, at the end."""
        self.watch.stop()
        self._thread.join()
        return self._deaths

    def _read(self) -> None:
        for batch in self.watch.batches():
            with self._news:
                self._deaths += batch
                self._turns += 1
                self._news.notify_all()


@contextmanager
def watched(lab: Lab, *nodes: str, truth: bool) -> Iterator[Told]:
    """Watch a lab while the context lasts; `truth`: with BPF, which has to work then."""
    with lab.watch(*nodes, truth=truth) as watch:
        assert truth == watch.truth, watch.without
        told = Told(watch)
        try:
            yield told
        finally:
            told.stop()


def spelt(death: Death) -> tuple[str, str, str]:
    """Type, place, finding."""
    return death.type, f"{death.node}:{death.interface}", death.reason
