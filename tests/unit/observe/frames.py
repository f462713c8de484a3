"""Frames made by hand, byte by byte as the RFCs have them."""

from __future__ import annotations

from ipaddress import ip_address
from struct import pack

A, B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


def ethernet(kind: int, body: bytes, *, tag: int | None = None) -> bytes:
    """A frame from A to B."""
    head = B + A + (b"" if tag is None else pack("!HH", 0x8100, tag))
    return head + pack("!H", kind) + body


def ipv4(protocol: int, body: bytes, *, fragment: int = 0, identifier: int = 5) -> bytes:
    """A packet from 10.0.0.1 to 10.0.0.2."""
    ends = ip_address("10.0.0.1").packed + ip_address("10.0.0.2").packed
    return pack("!BBHHHBBH", 0x45, 0, 20 + len(body), identifier, fragment, 64, protocol, 0) + ends + body


def ipv6(protocol: int, body: bytes) -> bytes:
    """A packet from fd00::1 to fd00::2."""
    return pack("!IHBB", 6 << 28, len(body), protocol, 64) + ip_address("fd00::1").packed + ip_address("fd00::2").packed + body


def arp(operation: int) -> bytes:
    """A asks for 10.0.0.2, or answers."""
    target = bytes(6) if operation == 1 else B
    ends = A + ip_address("10.0.0.1").packed + target + ip_address("10.0.0.2").packed
    return ethernet(0x0806, pack("!HHBBH", 1, 0x0800, 6, 4, operation) + ends)


def icmp(kind: int, code: int = 0, rest: int = 0x00070001, body: bytes = bytes(56)) -> bytes:
    """An ICMP message."""
    return pack("!BBHI", kind, code, 0, rest) + body


def tcp(flags: int, body: bytes = b"") -> bytes:
    """From port 40000 to 80."""
    return pack("!HHIIBBHHH", 40000, 80, 1000, 2000, 5 << 4, flags, 512, 0, 0) + body


def udp(body: bytes) -> bytes:
    """From port 40000 to 53."""
    return pack("!HHHH", 40000, 53, 8 + len(body), 0) + body


ECHO = ethernet(0x0800, ipv4(1, icmp(8)))
SOLICITATION = ethernet(0x86DD, ipv6(58, icmp(135, 0, 0, ip_address("fd00::2").packed)))
