"""Make or drop a namespace.

Rule of the package: a change knows the namespace it happens in (`netns`), whether it adds, changes or removes (`action`), its
`object` in the lab's words, its `reason`, and `commands()`: the equivalent long-form command lines, to be run inside `netns`
(or on the machine where `netns` is empty).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from vethlab.model.names import dotted

Action = Literal["add", "change", "remove"]


@dataclass(frozen=True, slots=True)
class AddNetns:
    """Make the namespace of a node."""

    netns: str
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"node {self.netns}"

    def commands(self) -> tuple[str, ...]:
        return (f"ip netns add {dotted(self.netns)}",)


@dataclass(frozen=True, slots=True)
class RemoveNetns:
    """Drop the namespace of a node; its interfaces, and their peers, go with it."""

    netns: str
    reason: str = "no longer in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"node {self.netns}"

    def commands(self) -> tuple[str, ...]:
        return (f"ip netns delete {dotted(self.netns)}",)
