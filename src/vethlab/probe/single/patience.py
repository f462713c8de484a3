"""How long one probe waits, and when it asks again.

Enters: a conversation; leaves: how it ended. Rule of the file: silence is decided behind the deadline only, by one last look at the
sockets: a process that the machine kept from running finds there what came meanwhile. Every attempt has its full time, late as it may be.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator, Sequence
from itertools import pairwise
from time import monotonic
from typing import Protocol

from vethlab.model.journey import Observed

__all__ = ["AGAIN", "Conversation", "converse"]

AGAIN = (0.1, 0.25)  # seconds after the first attempt: a packet that a full queue lost is no loss
_LOOK = 0.05  # seconds between two looks: what a conversation decides by the clock waits no longer


class Conversation(Protocol):
    """One probe under way. `send` and `take` return how it ended, None while it goes on."""

    def send(self) -> Observed | None:
        """Make one more attempt."""

    def take(self) -> Observed | None:
        """Take what has come."""

    def silent(self) -> Observed:
        """How it ended if nothing more comes."""

    def listening(self) -> Sequence[tuple[socket.socket, int]]:
        """The sockets to wait for, and for what (poll(2))."""


def converse(one: Conversation, timeout: float) -> Observed:
    """Send, wait, send again, until something came or `timeout` seconds are over."""
    for wait in _waits(timeout):
        found = one.send() or _wait(one, wait)
        if found is not None:
            return found
    return one.silent()


def _waits(timeout: float) -> Iterator[float]:
    """The time from each attempt to the next, and from the last one to the end."""
    moments = [0.0, *(moment for moment in AGAIN if moment < timeout), timeout]
    return (later - earlier for earlier, later in pairwise(moments))


def _wait(one: Conversation, wait: float) -> Observed | None:
    deadline = monotonic() + wait
    while True:
        left = deadline - monotonic()
        found = one.take()
        if found is not None or left <= 0:
            return found
        poller = select.poll()
        for sock, events in one.listening():
            poller.register(sock, events)
        poller.poll(min(left, _LOOK) * 1000 + 1)
