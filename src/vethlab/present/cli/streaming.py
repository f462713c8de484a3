"""What commands that print until they are stopped have in common: signals that end them well, and readers that go away.

Rule of the file: ending is normal. A signal that ends programs ends the looking, and then the program by itself; what nobody reads any more
is not written.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["reader_gone", "silence", "stopped_by_signals"]

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stopped_by_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Within, signals that end programs call `stop`; what ignores them (a shell's background job) goes on doing so."""
    before = {number: signal.getsignal(number) for number in _STOPPING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda *_: stop())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def reader_gone() -> bool:
    """Whether standard output is a pipe that nobody reads any more: who has little to write would find out late."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors are told unasked (poll(2)): of a pipe, that its last reader has closed it
    return bool(poll.poll(0))


def silence() -> None:
    """Write no more: the interpreter flushes standard output when it ends, and must not fail then."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
