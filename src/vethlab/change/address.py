"""Add and remove addresses.

Rule of the file: IPv6 addresses are added with `nodad`, because duplicate address detection delays their use by over a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action
from vethlab.model.state import Address


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Give an interface an address."""

    netns: str
    address: Address
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"address {self.address.address} on {self.netns}:{self.address.interface}"

    def commands(self) -> tuple[str, ...]:
        value = self.address.address
        # The kernel makes a link-local address itself whenever IPv6 comes on an interface: one that is there already is as good.
        verb = "replace" if value.version == 6 and value.is_link_local else "add"
        return (f"ip address {verb} {value} dev {self.address.interface}{' nodad' if value.version == 6 else ''}",)


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    """Take an address from an interface."""

    netns: str
    address: Address
    reason: str = "not in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"address {self.address.address} on {self.netns}:{self.address.interface}"

    def commands(self) -> tuple[str, ...]:
        return (f"ip address delete {self.address.address} dev {self.address.interface}",)
