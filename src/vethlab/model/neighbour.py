"""A neighbour entry (ARP for IPv4, neighbour discovery for IPv6) that was put there by hand: `permanent`.

Rule of the file: only permanent entries are state; what the kernel learns by itself comes and goes.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.model.address import IP


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A static entry: packets to `address` leave `interface` for `mac`."""

    interface: str
    address: IP
    mac: str
