"""What is slowed down, delayed and lost: as a lab file says it of a link, and as the queue of one interface does it (tc(8)).

Rule of the file: whole numbers in the units of its fields, so that two values are equal if they mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PPM = 1_000_000  # loss is counted in millionths of all packets


@dataclass(frozen=True, slots=True)
class Shaping:
    """Of a link or network: `rate` in bit/s (0: no limit), `delay` in microseconds one way, `loss` in packets of a million."""

    rate: int = 0
    delay: int = 0
    loss: int = 0

    def __bool__(self) -> bool:
        return bool(self.rate or self.delay or self.loss)


NONE = Shaping()


@dataclass(frozen=True, slots=True)
class Queue:
    """The root queueing discipline of an interface, in the units of Shaping. `kind`: tbf (a rate alone) or netem.

    Of tbf `burst` is the bucket in bytes; `limit` is what may wait, in bytes of tbf, in packets of netem. `handle` is the major
    number that somebody gave it, 0 if the kernel chose one; no lab file asks for any.
    """

    kind: str
    rate: int = 0
    burst: int = 0
    limit: int = 0
    delay: int = 0
    loss: int = 0
    handle: int = field(default=0, compare=False)
