"""Add and remove static neighbour entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action
from vethlab.model.neighbour import Neighbour


@dataclass(frozen=True, slots=True)
class AddNeighbour:
    """Put a static entry in place."""

    netns: str
    neighbour: Neighbour
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"neighbour {self.neighbour.address} on {self.netns}:{self.neighbour.interface}"

    def commands(self) -> tuple[str, ...]:
        entry = self.neighbour
        return (f"ip neighbour replace {entry.address} lladdr {entry.mac} dev {entry.interface} nud permanent",)


@dataclass(frozen=True, slots=True)
class RemoveNeighbour:
    """Remove a static entry."""

    netns: str
    neighbour: Neighbour
    reason: str = "not in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"neighbour {self.neighbour.address} on {self.netns}:{self.neighbour.interface}"

    def commands(self) -> tuple[str, ...]:
        return (f"ip neighbour delete {self.neighbour.address} dev {self.neighbour.interface}",)
