"""One TCP connection, attempted: established, refused, or silent.

Enters: a flow; leaves: a Conversation and its mark. Rule of the file: the kernel would repeat a lost SYN after a second only, so every
attempt has a socket of its own, whose port is bound beforehand. ICMP errors are read from the error queue, because one that comes while
connect() still runs is noted there and nowhere else (net/ipv4/tcp_ipv4.c tcp_v4_err, sock_owned_by_user).
"""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from time import perf_counter_ns

from vethlab.kernel.port import Namespaces
from vethlab.model.flow import Flow
from vethlab.model.journey import Observed
from vethlab.model.mark import Mark
from vethlab.model.path import Path
from vethlab.probe.single.errors import hear_errors, icmp_errors, sentence
from vethlab.probe.single.patience import AGAIN
from vethlab.probe.tcp import bind, family, refused

__all__ = ["connecting", "holding"]

_SYN_SENT, _SYN_RECEIVED, _CLOSED = 2, 3, 7  # tcpi_state, the first byte of TCP_INFO (include/net/tcp_states.h)


def connecting(namespaces: Namespaces, _flow: Flow, path: Path, held: ExitStack) -> tuple[Connect, Mark]:
    """Attempts that are ready. OSError where the device or the address is not there."""
    sockets = namespaces.sockets([(path.src, family(path), socket.SOCK_STREAM, socket.IPPROTO_TCP)] * (1 + len(AGAIN)))
    for sock in sockets:
        held.callback(sock.close)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, -1)  # once the FIN is acknowledged nothing stays for a minute (tcp(7))
    return Connect(sockets, path), Mark(ports=frozenset(holding(sock, path) for sock in sockets))


def holding(sock: socket.socket, path: Path) -> int:
    """Bind a socket as the path says. Returns the port that it holds from now on."""
    bind(sock, path)
    if path.source is None:
        sock.bind(("", 0))
    hear_errors(sock)
    port: int = sock.getsockname()[1]
    return port


class Connect:
    """The attempts under way."""

    def __init__(self, sockets: Sequence[socket.socket], path: Path) -> None:
        self._path = path
        self._ready = list(sockets)
        self._trying: list[tuple[socket.socket, int]] = []
        self._broken = 0

    def send(self) -> Observed | None:
        """One more SYN, from a port of its own."""
        sock = self._ready.pop(0)
        start = perf_counter_ns()
        code = sock.connect_ex((str(self._path.dst), self._path.port or 0))
        if code not in {0, errno.EINPROGRESS}:
            return Observed(ok=False, reason=refused(self._path, code).reason, errno=code)
        self._trying.append((sock, start))
        return None

    def take(self) -> Observed | None:
        """What became of the attempts: the first that is established, else the first that somebody refused."""
        ends = [end for sock, start in list(self._trying) if (end := self._end(sock, start)) is not None]
        return next((end for end in ends if end.ok), ends[0] if ends else None)

    def silent(self) -> Observed:
        """No answer, or one that was taken back."""
        if self._broken:
            return Observed(ok=False, reason=f"{self._path.target} broke the connection: {os.strerror(self._broken)}", refused=True)
        return Observed(ok=False)

    def listening(self) -> Sequence[tuple[socket.socket, int]]:
        """Every attempt."""
        return [(sock, select.POLLOUT) for sock, _start in self._trying]

    def _end(self, sock: socket.socket, start: int) -> Observed | None:
        state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state not in {_SYN_SENT, _SYN_RECEIVED, _CLOSED}:
            return Observed(ok=True, rtt_us=(perf_counter_ns() - start) / 1000, answered_by=self._path.dst)
        errors = tuple(icmp_errors(sock))
        if errors:
            return Observed(ok=False, reason=sentence(errors[0]), refused=True, errors=errors)
        if state != _CLOSED:
            return None
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code == errno.ECONNREFUSED:  # a RST: nobody else may send one that the socket takes
            return Observed(ok=False, reason=refused(self._path, code).reason, refused=True, answered_by=self._path.dst)
        self._trying = [one for one in self._trying if one[0] is not sock]
        self._broken = code
        return None
