"""ICMP echo packets, to bytes and from bytes (RFC 792, RFC 4443).

Enters: the position of a path and the number of the attempt; leaves: a request, and from received bytes an Answer. Rule of the file: no
sockets. Every request carries the run's random identifier and token besides its position, so that an echo of another program, or of an
earlier run, is never taken for ours. Position and attempt are followed by their complements: the checksum is the same for all requests
and is computed once.
"""

from __future__ import annotations

import os
from struct import Struct, unpack_from
from typing import NamedTuple

ICMP, ICMPV6 = 1, 58
_TAIL = Struct("!HH8sIIHH")  # identifier, attempt, token, position, ~position, ~attempt, 0
_HEAD = Struct("!HH")  # type and code, checksum
_ERROR = Struct("!BBxxI")  # type, code, and the word that holds the MTU of "packet too big"
SIZE = _HEAD.size + _TAIL.size
REQUEST4, REQUEST6 = 0x0800, 0x8000
_HEAD6 = _HEAD.pack(REQUEST6, 0)
_UNREACHABLE4 = {
    0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable", 4: "packet too big for the way",
    5: "source route failed", 9: "network prohibited", 10: "host prohibited", 13: "administratively prohibited",
}
_UNREACHABLE6 = {
    0: "no route", 1: "administratively prohibited", 2: "beyond scope of source", 3: "address unreachable", 4: "port unreachable",
    5: "source address failed policy", 6: "route rejected",
}


class Answer(NamedTuple):
    """What came back for the request (position, attempt). `error`: what the ICMP error says, empty for a reply. `source`: who sent it."""

    position: int
    attempt: int
    error: str
    source: bytes


class Quoting(NamedTuple):
    """The numbers of an ICMP error. `mtu`: of the link that a packet was too big for, else 0."""

    type: int
    code: int
    mtu: int


class Codec:
    """Requests of one run, and the recognition of their answers."""

    __slots__ = ("_head4", "_identifier", "_token")

    def __init__(self) -> None:
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._token = os.urandom(8)
        self._head4 = _HEAD.pack(REQUEST4, checksum(_HEAD.pack(REQUEST4, 0) + self.tail(0)))

    @property
    def identifier(self) -> int:
        """Of every echo of this run."""
        return self._identifier

    @property
    def token(self) -> bytes:
        """What every request of this run carries."""
        return self._token

    def head(self, version: int) -> bytes:
        """The first four bytes of every request; the kernel fills in the checksum of a raw ICMPv6 socket (RFC 3542, 3.1)."""
        return self._head4 if version == 4 else _HEAD6

    def tail(self, position: int, attempt: int = 0) -> bytes:
        """The rest of a request, and of the reply to it."""
        return _TAIL.pack(self._identifier, attempt, self._token, position, position ^ 0xFFFFFFFF, attempt ^ 0xFFFF, 0)

    def answer4(self, data: bytes) -> Answer | None:
        """What a raw ICMP socket received, IP header first; None if it is not about a request of ours."""
        if len(data) < 28:
            return None
        start = (data[0] & 0xF) * 4
        kind, code = data[start], data[start + 1]
        if kind == 0:
            return self._match(data, start, "", data[12:16])
        inner = start + 8
        if kind not in {3, 11, 12} or len(data) <= inner or data[inner + 9 : inner + 10] != bytes([ICMP]):
            return None
        return self._match(data, inner + (data[inner] & 0xF) * 4, worded(kind, code, 4), data[12:16])

    def answer6(self, data: bytes, source: bytes) -> Answer | None:
        """What a raw ICMPv6 socket received (no IP header) from `source`; None if it is not about a request of ours."""
        if len(data) < 8:
            return None
        kind, code = data[0], data[1]
        if kind == 129:
            return self._match(data, 0, "", source)
        if kind not in {1, 2, 3, 4} or data[8 + 6 : 8 + 7] != bytes([ICMPV6]):
            return None
        return self._match(data, 8 + 40, worded(kind, code, 6), source)

    def request_in(self, data: bytes) -> int | None:
        """The position of the request of ours in an IP packet as a packet socket sees it, or None."""
        if len(data) < 20:
            return None
        if data[0] >> 4 == 4:
            start = (data[0] & 0xF) * 4
            mine = data[9] == ICMP and data[start : start + 1] == b"\x08"
        else:
            start = 40
            mine = data[6] == ICMPV6 and data[start : start + 1] == b"\x80"
        found = self._match(data, start, "", b"") if mine else None
        return found.position if found is not None else None

    def _match(self, data: bytes, start: int, error: str, source: bytes) -> Answer | None:
        if len(data) < start + 24:
            return None
        # The identifier is not compared: address translation may change it on the way, and the token says more.
        attempt, token, position, complement = unpack_from("!H8sII", data, start + 6)
        if token != self._token or position ^ complement != 0xFFFFFFFF:
            return None
        return Answer(position, attempt, error, source)


def worded(kind: int, code: int, version: int) -> str:
    """What an ICMP error says."""
    if kind == (3 if version == 4 else 1):
        return (_UNREACHABLE4 if version == 4 else _UNREACHABLE6).get(code, f"unreachable (code {code})")
    if version == 4:
        return "TTL ran out" if kind == 11 else "bad header"
    return {2: "packet too big for the way", 3: "hop limit ran out"}.get(kind, "bad header")


def quoting(data: bytes, version: int) -> Quoting:
    """The numbers of the ICMP error that a raw socket received: with its IP header in version 4, without in 6."""
    start = (data[0] & 0xF) * 4 if version == 4 else 0
    kind, code, word = _ERROR.unpack_from(data, start)
    if version == 4:
        return Quoting(kind, code, word & 0xFFFF if (kind, code) == (3, 4) else 0)  # RFC 1191, section 4
    return Quoting(kind, code, word if kind == 2 else 0)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes whose checksum field is 0."""
    total: int = sum(unpack_from(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
