"""The addresses outside of a lab: of a world that is played, and of the way to the real one.

Those of the world are for documentation (RFC 5737, RFC 3849), which nobody in the real one has.
Rule of the file: values that `spec` keeps a lab's own subnets apart from, and `plan` makes the world of.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.model.address import IPInterface, IPv4Interface, IPv6Interface

NEAR: tuple[IPInterface, ...] = (IPv4Interface("198.51.100.2/24"), IPv6Interface("2001:db8:fffe::2/64"))  # the host's, towards the world
FAR: tuple[IPInterface, ...] = (IPv4Interface("198.51.100.1/24"), IPv6Interface("2001:db8:fffe::1/64"))  # the world's own on that cable
OUTSIDE: tuple[IPInterface, ...] = (IPv4Interface("203.0.113.1/32"), IPv6Interface("2001:db8:ffff::1/128"))  # what it is called by
UPLINK = "p-world"  # the host's interface towards what is outside, whatever that is


@dataclass(frozen=True, slots=True)
class Transfer:
    """The addresses on the way to the real world, one of each IP version that it has: the lab's host's, and those of the other side."""

    near: tuple[IPInterface, ...]
    far: tuple[IPInterface, ...]
