"""Let an interface fill its transmit checksums in, or leave them to its device again.

Rule of the file: the command is that of ethtool(8), to be run in the namespace. Between two veth ends nobody has to fill a checksum in,
and a switch in user space that reads one end passes the packet on as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action


@dataclass(frozen=True, slots=True)
class SetChecksums:
    """`filled`: the sender fills them in; else its device would have to."""

    netns: str
    interface: str
    filled: bool
    reason: str
    action: ClassVar[Action] = "change"

    @property
    def object(self) -> str:
        return f"offload {self.netns}:{self.interface}"

    def commands(self) -> tuple[str, ...]:
        return (f"ethtool -K {self.interface} tx {'off' if self.filled else 'on'}",)
