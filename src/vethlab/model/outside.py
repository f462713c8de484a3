"""The addresses of a lab's world: those of documentation (RFC 5737, RFC 3849), which nobody in the real one has.

Rule of the file: values that `spec` keeps a lab's own subnets apart from, and `plan` makes the world of.
"""

from __future__ import annotations

from vethlab.model.address import IPInterface, IPv4Interface, IPv6Interface

NEAR: tuple[IPInterface, ...] = (IPv4Interface("198.51.100.2/24"), IPv6Interface("2001:db8:fffe::2/64"))  # the host's, towards the world
FAR: tuple[IPInterface, ...] = (IPv4Interface("198.51.100.1/24"), IPv6Interface("2001:db8:fffe::1/64"))  # the world's own on that cable
OUTSIDE: tuple[IPInterface, ...] = (IPv4Interface("203.0.113.1/32"), IPv6Interface("2001:db8:ffff::1/128"))  # what it is called by
