"""A question about packets: from where to where, of which kind. Enters `explain` and `probe`.

Rule of the file: values; an interface that the question names is part of it, one that the kernel chose is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vethlab.model.address import IP
from vethlab.model.path import Landing

PING, TCP, UDP, ARP = "ping", "tcp", "udp", "arp"
HEADERS = {4: 28, 6: 48}  # bytes of an IP and an ICMP header: what `ping -s` does not count


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a flow. `node` None: an address that no node of the lab declares. `interface`: what the question names."""

    node: str | None = None
    interface: str | None = None
    address: IP | None = None

    def __str__(self) -> str:
        if self.node is None or (self.address is not None and self.address.is_loopback):
            return str(self.address)
        return self.node if self.interface is None else f"{self.node}:{self.interface}"


@dataclass(frozen=True, slots=True)
class Flow:
    """What is asked about. `src.interface` binds the socket to a device. `size`: ICMP payload in bytes, sent with don't-fragment.

    `leads`: where the lab file means a published port to lead.
    """

    kind: str
    src: Side
    dst: Side
    port: int | None = None
    size: int | None = None
    leads: Landing | None = None

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.dst.address.version if self.dst.address is not None else 4

    @property
    def length(self) -> int:
        """Bytes of the IP packet, 0 where no size is asked for."""
        return 0 if self.size is None else self.size + HEADERS[self.version]

    def sent_from(self, source: IP | None) -> Flow:
        """The same flow with its source address known."""
        return replace(self, src=replace(self.src, address=source))

    def text(self, arrow: str = "->") -> str:
        """`a -> b`, `tcp a -> b:80`."""
        kind = "" if self.kind == PING else f"{self.kind} "
        port = "" if self.port is None else f":{self.port}"
        return f"{kind}{self.src} {arrow} {self.dst}{port}"
