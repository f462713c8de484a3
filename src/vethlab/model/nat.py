"""Address translation as a lab file asks for it: a published port, and the table of nftables rules that is made of all of them.

Rule of the file: a published port's text is that of the lab file; a table's text is nft(8)'s, and `listing` in the kernel's own words is
no part of it. What rules do to a packet is in `translation`.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.model.address import IP

TABLE_PREFIX = "vethlab-nat-"  # what the names of our tables begin with; the lab's name follows


@dataclass(frozen=True, slots=True)
class Publish:
    """A port of the host that leads to a port of a node. `address` None: every address of the host, of both families."""

    port: int
    to: int
    protocol: str = "tcp"  # tcp | udp
    address: IP | None = None

    def __str__(self) -> str:
        head = "" if self.address is None else f"{self.address}:" if self.address.version == 4 else f"[{self.address}]:"
        return f"{head}{self.port}:{self.to}{'' if self.protocol == 'tcp' else '/udp'}"

    def versions(self) -> tuple[int, ...]:
        """The IP versions it is for."""
        return (4, 6) if self.address is None else (self.address.version,)

    def anywhere(self) -> bool:
        """True where every address of the host answers (of the family that it names, if any)."""
        return self.address is None or self.address.is_unspecified

    def clashes(self, other: Publish) -> bool:
        """True if one packet could be meant for both."""
        if (self.port, self.protocol) != (other.port, other.protocol) or not set(self.versions()) & set(other.versions()):
            return False
        return self.anywhere() or other.anywhere() or self.address == other.address


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ours: `text` is the whole of it as nft(8) reads it, `table FAMILY NAME { ... }`."""

    family: str
    name: str
    text: str
