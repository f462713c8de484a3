"""A packet socket in a namespace: did a request of ours pass here, did it leave, did the namespace ask for its next hop?

Enters: namespaces by name, the marks; leaves: positions seen. Rule of the file: a tap sees frames ahead of the firewall's input hooks and
behind its output hooks (net/core/dev.c): seen on the way in means arrived at the interface, seen going out means left it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from vethlab.kernel.port import Namespaces
from vethlab.probe.echo import ICMPV6
from vethlab.probe.marks import Marks

ETH_P_ALL, ETH_P_IP, ETH_P_ARP, ETH_P_IPV6 = 0x0003, 0x0800, 0x0806, 0x86DD
PACKET_OUTGOING = 4
AT_ONCE = 64  # paths watched at a time, so that a tap's buffer holds them all
_RECEIVE_BUFFER = 1 << 22
_SNAP = 256
_NEIGHBOUR_SOLICITATION = 135


class Taps:
    """Taps in some namespaces while the context lasts. Read with `drain`, then look at the three sets."""

    def __init__(self, namespaces: Namespaces, names: Iterable[str], marks: Marks) -> None:
        self._names, self._marks = list(dict.fromkeys(names)), marks
        every = socket.htons(ETH_P_ALL)
        self._sockets = namespaces.sockets([(name, socket.AF_PACKET, socket.SOCK_DGRAM, every) for name in self._names])
        self.passed: set[tuple[str, int]] = set()  # (namespace, position): seen there, whichever way it went
        self.left: set[tuple[str, int]] = set()
        self.asked: set[tuple[str, bytes]] = set()  # (namespace, packed address) asked for by ARP or neighbour solicitation
        for sock in self._sockets:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)

    def drain(self) -> None:
        """Take note of everything the taps hold."""
        for name, sock in zip(self._names, self._sockets, strict=True):
            while True:
                try:
                    data, (_interface, protocol, kind, *_rest) = sock.recvfrom(_SNAP)
                except BlockingIOError:
                    break
                except OSError:  # an interface went down (ENETDOWN): what came before it counts
                    continue
                self._note(name, data, protocol, outgoing=kind == PACKET_OUTGOING)

    def _note(self, name: str, data: bytes, protocol: int, *, outgoing: bool) -> None:
        if protocol == ETH_P_ARP:
            if outgoing and data[6:8] == b"\0\1":
                self.asked.add((name, data[24:28]))
            return
        if protocol not in {ETH_P_IP, ETH_P_IPV6}:
            return
        position = self._marks.position_of(data)
        if position is not None:
            self.passed.add((name, position))
            if outgoing:
                self.left.add((name, position))
        elif outgoing and protocol == ETH_P_IPV6 and data[6:7] == bytes([ICMPV6]) and data[40:41] == bytes([_NEIGHBOUR_SOLICITATION]):
            self.asked.add((name, data[48:64]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for sock in self._sockets:
            sock.close()
