"""Load nftables rules into a namespace, as one transaction (nft(8) `-f`): a whole ruleset, or one table beside all others."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action
from vethlab.model.nat import Table


@dataclass(frozen=True, slots=True)
class LoadRuleset:
    """Replace the namespace's whole ruleset by `text`, the table of ours excepted; an empty text leaves no rules but those."""

    netns: str
    text: str
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "change"

    @property
    def object(self) -> str:
        return f"nft ruleset in {self.netns}"

    def commands(self) -> tuple[str, ...]:
        return (f"printf '%s\\n' 'flush ruleset' {shlex.quote(self.text.rstrip())} | nft --file -",)


@dataclass(frozen=True, slots=True)
class LoadTable:
    """Put a table of ours in place of the one of that name, if there is one; nobody else's is touched."""

    netns: str
    table: Table
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "change"

    @property
    def object(self) -> str:
        return f"table {self.table.family} {self.table.name} in {self.netns}"

    def commands(self) -> tuple[str, ...]:
        return (f"printf '%s\\n' {shlex.quote(replacing(self.table).rstrip())} | nft --file -",)


@dataclass(frozen=True, slots=True)
class RemoveTable:
    """Take a table of ours away."""

    netns: str
    table: Table
    reason: str = "no longer in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"table {self.table.family} {self.table.name} in {self.netns}"

    def commands(self) -> tuple[str, ...]:
        return (f"nft delete table {self.table.family} {self.table.name}",)


def replacing(table: Table) -> str:
    """The transaction that leaves exactly this table under its name. `delete` alone would fail where there is none."""
    name = f"table {table.family} {table.name}"
    return f"{name}\ndelete {name}\n{table.text}"
