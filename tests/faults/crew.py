"""Several labs at once: what a run of cases spends most of its time on is waiting for packets that never come.

Enters: a function and its arguments, one call for each lab; leaves: futures. Rule of the file: every lab is held by a process of its own
kind, so that nothing of one can be seen in another but what the kernel shares.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

__all__ = ["HANDS", "crew"]

HANDS = 4  # on two processors: a question keeps one busy for a seventh of its time


@contextmanager
def crew(hands: int = HANDS) -> Iterator[ProcessPoolExecutor]:
    """Processes that work off what is submitted; what has not begun when the context ends is forgotten."""
    with ProcessPoolExecutor(hands, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
