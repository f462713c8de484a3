"""Add and remove forwarding entries of a VXLAN device.

Rule of the file: entries of the all-zero MAC stand beside each other, one for each far end, so they are appended; any other MAC has one
far end (drivers/net/vxlan vxlan_fdb_update).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action
from vethlab.model.fdb import UNKNOWN_MAC, Forward


@dataclass(frozen=True, slots=True)
class AddForward:
    """Put an entry in place."""

    netns: str
    entry: Forward
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"fdb {self.entry.mac} to {self.entry.remote} on {self.netns}:{self.entry.interface}"

    def commands(self) -> tuple[str, ...]:
        verb = "append" if self.entry.mac == UNKNOWN_MAC else "replace"
        return (f"bridge fdb {verb} {_words(self.entry)}",)


@dataclass(frozen=True, slots=True)
class RemoveForward:
    """Remove an entry."""

    netns: str
    entry: Forward
    reason: str = "not in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"fdb {self.entry.mac} to {self.entry.remote} on {self.netns}:{self.entry.interface}"

    def commands(self) -> tuple[str, ...]:
        return (f"bridge fdb delete {_words(self.entry)}",)


def _words(entry: Forward) -> str:
    port = "" if entry.port is None else f" port {entry.port}"
    vni = "" if entry.vni is None else f" vni {entry.vni}"
    return f"{entry.mac} dev {entry.interface} dst {entry.remote}{port}{vni} self permanent"
