"""Start and stop the `run:` process of a node."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action
from vethlab.model.state import Process


@dataclass(frozen=True, slots=True)
class StartProcess:
    """Start a command in its node; the keeper is its parent and writes its output to the node's log."""

    netns: str
    process: Process
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"process of {self.netns}"

    def commands(self) -> tuple[str, ...]:
        return (f"sh -c {shlex.quote(self.process.command)} &",)


@dataclass(frozen=True, slots=True)
class StopProcess:
    """End a command and all it started."""

    netns: str
    process: Process
    reason: str = "no longer in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"process of {self.netns}"

    def commands(self) -> tuple[str, ...]:
        return (f"pkill --full {shlex.quote(self.process.command)}",)


def starts(argv: tuple[str, ...]) -> bool:
    """Whether a command line, given to a shell, starts what a node runs (StartProcess)."""
    return len(argv) == 3 and argv[:2] == ("sh", "-c") and argv[2].startswith("sh -c ") and argv[2].endswith(" &")
