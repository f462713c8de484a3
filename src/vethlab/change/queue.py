"""Give an interface the queueing discipline that slows, delays or loses what leaves by it, or take it off (tc(8)).

Rule of the file: one discipline, at the root; `replace` makes it whatever was there before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action
from vethlab.model.shaping import PPM, Queue


@dataclass(frozen=True, slots=True)
class SetQueue:
    """What leaves by `interface` waits in `after` from now on; `before` is None where nothing held it back."""

    netns: str
    interface: str
    before: Queue | None
    after: Queue
    reason: str = "declared in the lab file"

    @property
    def action(self) -> Action:
        return "add" if self.before is None else "change"

    @property
    def object(self) -> str:
        return f"queue {self.netns}:{self.interface}"

    def commands(self) -> tuple[str, ...]:
        handle = f" handle {self.after.handle:x}:" if self.after.handle else ""
        return (f"tc qdisc replace dev {self.interface} root{handle} {words(self.after)}",)


@dataclass(frozen=True, slots=True)
class RemoveQueue:
    """Nothing holds back what leaves by `interface` any more."""

    netns: str
    interface: str
    before: Queue
    reason: str = "no longer in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"queue {self.netns}:{self.interface}"

    def commands(self) -> tuple[str, ...]:
        return (f"tc qdisc delete dev {self.interface} root",)


def words(queue: Queue) -> str:
    """As tc(8) is told of it."""
    if queue.kind == "tbf":
        return f"tbf rate {queue.rate}bit burst {queue.burst}b limit {queue.limit}b"
    parts = [f"netem limit {queue.limit}"]
    parts += [f"delay {queue.delay}us"] if queue.delay else []
    parts += [f"loss {100 * queue.loss / PPM:g}%"] if queue.loss else []
    parts += [f"rate {queue.rate}bit"] if queue.rate else []
    return " ".join(parts)
