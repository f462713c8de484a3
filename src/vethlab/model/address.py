"""Addresses as the standard library spells them, and the family numbers of the kernel (include/linux/socket.h).

Rule of the file: aliases and constants; arithmetic lives where it is needed, but for what the kernel itself makes of a MAC address.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

IP = IPv4Address | IPv6Address
IPInterface = IPv4Interface | IPv6Interface  # an address with its prefix length, e.g. 10.0.0.1/24
IPNetwork = IPv4Network | IPv6Network

AF_INET = 2
AF_INET6 = 10

__all__ = [
    "AF_INET", "AF_INET6", "IP", "IPInterface", "IPNetwork", "IPv4Address", "IPv4Interface", "IPv4Network", "IPv6Address", "IPv6Interface",
    "IPv6Network", "generated",
]


def generated(mac: str) -> IPv6Interface:
    """The link-local address that the kernel makes of a MAC address (RFC 4291 appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    return IPv6Interface((b"\xfe\x80" + bytes(6) + bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:], 64))
