"""What the sockets of one probe are woken for, as classic BPF: without it a flood of others' packets fills a socket's buffer.

Enters: a token, or nothing; leaves: programs. Rule of the file: a raw IPv4 socket sees the IP header, a raw IPv6 socket does not, a packet
socket sees the Ethernet header (raw(7), packet(7)). ICMP errors pass, whoever they are about: the token in them is looked for later.
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.kernel.classic import BYTE, HALF, WORD, Line, answer, assemble, equal, index, load, size_of_ip
from vethlab.kernel.packet import Instruction

__all__ = ["advertisements", "arp_replies", "datagrams", "echoes"]

_LENGTH = 256
_ICMPV6, _ADVERTISEMENT, _REPLY = 58, 136, 2


def echoes(version: int, token: bytes) -> list[Instruction]:
    """For a raw ICMP socket: replies with this token, and errors."""
    reply = 0 if version == 4 else 129
    return assemble([_header(version), load(BYTE, 0, indexed=True), equal(reply, "", "pass"), *_token(token, 8), *_ends()])


def datagrams(version: int, token: bytes) -> list[Instruction]:
    """For a raw UDP socket: datagrams with this token."""
    return assemble([_header(version), *_token(token, 16), *_ends()])


def arp_replies() -> list[Instruction]:
    """For a packet socket that gets ARP only."""
    return assemble([load(HALF, 14 + 6), equal(_REPLY, "pass", "drop"), *_ends()])


def advertisements() -> list[Instruction]:
    """For a packet socket that gets IPv6 only: neighbour advertisements."""
    return assemble([
        load(BYTE, 14 + 6), equal(_ICMPV6, "", "drop"), load(BYTE, 14 + 40), equal(_ADVERTISEMENT, "pass", "drop"), *_ends(),
    ])


def _header(version: int) -> Line:
    return size_of_ip(0) if version == 4 else index(0)


def _token(token: bytes, offset: int) -> Iterator[Line]:
    yield load(WORD, offset, indexed=True)
    yield equal(int.from_bytes(token[:4], "big"), "", "drop")
    yield load(WORD, offset + 4, indexed=True)
    yield equal(int.from_bytes(token[4:8], "big"), "pass", "drop")


def _ends() -> Iterator[str | Line]:
    yield from ("pass", answer(_LENGTH), "drop", answer(0))
