"""Set a sysctl of a namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action


@dataclass(frozen=True, slots=True)
class SetSysctl:
    """Write `value` to `key` (dotted, `net.` first; a dot inside an interface name is written `/`, as sysctl(8) does)."""

    netns: str
    key: str
    value: str
    before: str | None = None
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "change"

    @property
    def object(self) -> str:
        return f"sysctl {self.key} in {self.netns}"

    def commands(self) -> tuple[str, ...]:
        value = self.value if " " not in self.value and "\t" not in self.value else f'"{self.value}"'
        return (f"sysctl --write {self.key}={value}",)
