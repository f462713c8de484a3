"""One UDP datagram: answered, or seen to be delivered to somebody who listens.

Enters: a flow; leaves: a Conversation and its mark. Rule of the file: delivery is witnessed as in probe/udp.py, by a raw socket behind the
input hook of the destination's firewall, and proves nothing by itself: somebody has to listen there.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from time import monotonic, perf_counter_ns

from vethlab.kernel.packet import attach
from vethlab.kernel.port import Namespaces
from vethlab.model.flow import Flow
from vethlab.model.journey import Observed
from vethlab.model.mark import Mark
from vethlab.model.path import Path
from vethlab.probe.listening import hear, served
from vethlab.probe.marks import UDP, Marks
from vethlab.probe.single.connect import holding
from vethlab.probe.single.errors import icmp_errors, sentence
from vethlab.probe.single.wanted import datagrams
from vethlab.probe.tcp import family
from vethlab.probe.udp import GRACE, refused, witnessed

__all__ = ["delivering"]

_TRANSIENT = frozenset({errno.ENOBUFS, errno.EAGAIN, errno.ENOMEM})


def delivering(namespaces: Namespaces, _flow: Flow, path: Path, held: ExitStack) -> tuple[Datagram, Mark]:
    """A datagram that is ready to be sent. OSError where the device or the address is not there."""
    witnesses = [] if path.end.node is None else [(path.end.node, family(path), socket.SOCK_RAW, UDP)]
    sock, *seeing = namespaces.sockets([(path.src, family(path), socket.SOCK_DGRAM, UDP), *witnesses])
    for one in (sock, *seeing):
        held.callback(one.close)
        one.setblocking(False)
    marks = Marks()
    for one in seeing:
        attach(one, datagrams(path.dst.version, marks.token))
    port = holding(sock, path)
    return Datagram(namespaces, path, sock, seeing, marks), Mark(marks.token, frozenset({port}))


class Datagram:
    """One datagram under way."""

    def __init__(self, namespaces: Namespaces, path: Path, sock: socket.socket, witnesses: Sequence[socket.socket], marks: Marks) -> None:
        self._namespaces, self._path, self._socket, self._witnesses, self._marks = namespaces, path, sock, witnesses, marks
        self._connected = False
        self._start = self._starved = 0
        self._delivered: float | None = None
        self._unheard = False

    def send(self) -> Observed | None:
        """One more datagram, unless one has arrived."""
        if self._delivered is not None:
            return None
        try:
            if not self._connected:
                self._socket.connect((str(self._path.dst), self._path.port or 0))
                self._connected = True
            self._start, self._starved = perf_counter_ns(), 0
            self._socket.send(self._marks.datagram(0))
        except OSError as error:
            code = error.errno or errno.EIO
            if errors := icmp_errors(self._socket):  # about an earlier one
                return Observed(ok=False, reason=sentence(errors[0]), refused=True, errors=tuple(errors))
            if code not in _TRANSIENT:
                return Observed(ok=False, reason=refused(self._path, code), errno=code)
            self._starved = code
        return None

    def take(self) -> Observed | None:
        """An answer, an ICMP error, or delivery to a listener that has had time to answer."""
        self._look()
        if errors := icmp_errors(self._socket):
            return Observed(ok=False, reason=sentence(errors[0]), refused=True, errors=tuple(errors))
        try:
            self._socket.recv(1)
        except BlockingIOError:
            pass
        except OSError as error:
            return Observed(ok=False, reason=refused(self._path, error.errno or errno.EIO), refused=True)
        else:
            return Observed(ok=True, rtt_us=(perf_counter_ns() - self._start) / 1000, answered_by=self._path.dst)
        if self._delivered is None or self._unheard or monotonic() < self._delivered + GRACE:
            return None
        self._unheard = not served(self._path, hear(self._namespaces, [self._path.end.node or ""]))
        return None if self._unheard else Observed(ok=True)

    def silent(self) -> Observed:
        """Where it was seen last, as far as the sender and the destination can tell."""
        if self._starved:
            return Observed(ok=False, reason=f"{self._path.src} cannot send: {os.strerror(self._starved)}", errno=self._starved)
        if self._delivered is not None:
            if not self._unheard and served(self._path, hear(self._namespaces, [self._path.end.node or ""])):
                return Observed(ok=True)
            reason = f"it arrived, but nobody listens on port {self._path.port} of {self._path.target}"
            return Observed(ok=False, reason=reason)
        if self._path.end.node is None:
            return Observed(ok=False, reason="no answer, and nobody there to ask whether it arrived")
        return Observed(ok=False, reason="the datagram did not arrive")

    def listening(self) -> Sequence[tuple[socket.socket, int]]:
        """The sender's socket and the witnesses'."""
        return [(sock, select.POLLIN) for sock in (self._socket, *self._witnesses)]

    def _look(self) -> None:
        if self._delivered is None and any(position == 0 for sock in self._witnesses for position in witnessed(sock, self._marks)):
            self._delivered = monotonic()
