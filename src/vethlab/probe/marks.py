"""How our own packets are recognized, wherever on the way they are seen.

Enters: what each probe notes about the packets it sends; leaves: the position of the path an IP packet belongs to. Rule of the file: ICMP
and UDP by the random token they carry, TCP by its ports, which are ours as long as our socket is open.
"""

from __future__ import annotations

import os
from struct import Struct, unpack_from

from vethlab.probe.echo import Codec

TCP, UDP = 6, 17
_DATAGRAM = Struct("!8s8sI")  # a word for people who look at a capture, the run's token, the position
_WORD = b"vethlab\n"


class Marks:
    """The marks of one round. `ports` is filled by probe/tcp.py: (source port, destination port) -> position."""

    __slots__ = ("_token", "codec", "ports")

    def __init__(self) -> None:
        self.codec = Codec()
        self.ports: dict[tuple[int, int], int] = {}
        self._token = os.urandom(8)

    @property
    def token(self) -> bytes:
        """What every UDP probe of this round carries."""
        return self._token

    def datagram(self, position: int) -> bytes:
        """The payload of a UDP probe."""
        return _DATAGRAM.pack(_WORD, self._token, position)

    def position_of_payload(self, payload: bytes) -> int | None:
        """The position in a UDP payload of ours."""
        if len(payload) < _DATAGRAM.size:
            return None
        _word, token, position = _DATAGRAM.unpack_from(payload)
        return position if token == self._token else None

    def position_of(self, packet: bytes) -> int | None:
        """The position of the request of ours in an IP packet, or None."""
        if len(packet) < 20:
            return None
        start, protocol = ((packet[0] & 0xF) * 4, packet[9]) if packet[0] >> 4 == 4 else (40, packet[6])
        if len(packet) < start + 8:
            return None
        if protocol == TCP:
            return self.ports.get(unpack_from("!HH", packet, start))
        if protocol == UDP:
            return self.position_of_payload(packet[start + 8 :])
        return self.codec.request_in(packet)
