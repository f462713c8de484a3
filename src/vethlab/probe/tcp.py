"""TCP and HTTP paths: connect from inside the source namespace; for HTTP ask and read the status.

Enters: paths by position; leaves: an Outcome for each, refused, unreachable and silent told apart. Rule of the file: a SYN that a full
queue lost would be repeated by the kernel only after a second, so a silent path is tried again with fresh sockets within the timeout;
a server is asked by a few sockets at a time, because a small listen queue drops what a check would then report as loss.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, perf_counter_ns

from vethlab.kernel.port import Namespaces
from vethlab.model.address import IP
from vethlab.model.path import Path
from vethlab.probe import http
from vethlab.probe.marks import Marks
from vethlab.probe.outcome import Outcome, seconds
from vethlab.probe.ping import SOLICIT_AGAIN, Before

AT_ONCE = 128
PER_TARGET = 4
AGAIN = (0.3, 0.6)  # of the timeout: further attempts
_ESTABLISHED = 1  # tcpi_state, the first byte of TCP_INFO
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH}


@dataclass(slots=True)
class _Attempt:
    """One socket. `answering` once connected: for HTTP the request is sent and `received` fills."""

    position: int
    socket: socket.socket
    start: int
    answering: bool = False
    received: bytes = b""


@dataclass(slots=True)
class _Visit:
    """One path under way: when it began, the attempts still to make, its sockets, the last error."""

    path: Path
    deadline: float
    again: list[float]
    attempts: list[_Attempt] = field(default_factory=list)
    error: int = 0


class Connector:
    """One round of connections."""

    def __init__(self, namespaces: Namespaces, marks: Marks, *, timeout: float, before: Before | None = None) -> None:
        self._namespaces, self._marks, self._timeout, self._before = namespaces, marks, timeout, before
        self._visits: dict[int, _Visit] = {}
        self._attempts: dict[int, _Attempt] = {}  # by descriptor
        self._targets: Counter[tuple[IP, int | None]] = Counter()
        self._poller = select.poll()
        self._outcomes: dict[int, Outcome] = {}

    def run(self, paths: Mapping[int, Path]) -> dict[int, Outcome]:
        """Connect on every path."""
        waiting = dict(paths)
        try:
            while waiting or self._visits:
                self._admit(waiting)
                now = monotonic()
                self._open({position: visit.path for position, visit in self._visits.items() if visit.again and now >= visit.again[0]})
                for position, visit in list(self._visits.items()):
                    if now >= visit.deadline:
                        self._finish(position, self._silent(visit))
                if self._visits:
                    moments = [moment for visit in self._visits.values() for moment in (*visit.again[:1], visit.deadline)]
                    for descriptor, _events in self._poller.poll(max(0.0, min(moments) - monotonic()) * 1000 + 1):
                        if descriptor in self._attempts:
                            self._progress(self._attempts[descriptor])
        finally:
            for attempt in self._attempts.values():
                attempt.socket.close()
        return self._outcomes

    def _admit(self, waiting: dict[int, Path]) -> None:
        """Begin with as many paths as may be under way."""
        now = monotonic()
        admitted: dict[int, Path] = {}
        for position, path in waiting.items():
            if len(self._visits) >= AT_ONCE:
                break
            if self._targets[path.dst, path.port] < PER_TARGET:
                self._targets[path.dst, path.port] += 1
                admitted[position] = path
                attempts = [now, *(now + part * self._timeout for part in AGAIN)]
                self._visits[position] = _Visit(path, now + self._timeout + SOLICIT_AGAIN, attempts)
        for position in admitted:
            del waiting[position]
        if self._before is not None:
            by_source: dict[str, list[int]] = {}
            for position, path in admitted.items():
                by_source.setdefault(path.src, []).append(position)
            for netns, positions in by_source.items():
                self._before(netns, positions)

    def _open(self, paths: Mapping[int, Path]) -> None:
        """One more attempt on each of these paths."""
        asked = [(path.src, family(path), socket.SOCK_STREAM, socket.IPPROTO_TCP) for path in paths.values()]
        for (position, path), sock in zip(paths.items(), self._namespaces.sockets(asked) if asked else [], strict=True):
            visit = self._visits[position]
            visit.again.pop(0)
            attempt = _Attempt(position, sock, perf_counter_ns())
            visit.attempts.append(attempt)
            self._attempts[sock.fileno()] = attempt
            try:
                bind(sock, path)
                attempt.start = perf_counter_ns()
                code = sock.connect_ex((str(path.dst), path.port or http.DEFAULT_PORT))
                self._marks.ports[sock.getsockname()[1], path.port or http.DEFAULT_PORT] = position
            except OSError as error:
                code = error.errno or errno.EIO
            if code not in {0, errno.EINPROGRESS}:
                self._failed(attempt, code)
            elif code == 0 or sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _ESTABLISHED:
                self._connected(attempt)
            else:
                self._poller.register(sock, select.POLLOUT)

    def _progress(self, attempt: _Attempt) -> None:
        if not attempt.answering:
            code = attempt.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self._failed(attempt, code)
            else:
                self._connected(attempt)
            return
        try:
            data = attempt.socket.recv(4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._failed(attempt, error.errno or errno.EIO)
            return
        attempt.received += data
        said = http.verdict(attempt.received, ended=not data)
        if said is not None:
            self._finish(attempt.position, self._done(attempt) if not said else Outcome(ok=False, reason=f"the server {said}"))

    def _connected(self, attempt: _Attempt) -> None:
        visit = self._visits[attempt.position]
        if visit.path.kind != "http":
            self._finish(attempt.position, self._done(attempt))
            return
        attempt.answering = True
        visit.again = []
        visit.deadline = monotonic() + self._timeout
        try:
            attempt.socket.send(http.request(visit.path))
        except OSError as error:
            self._failed(attempt, error.errno or errno.EIO)
            return
        self._poller.register(attempt.socket, select.POLLIN)

    @staticmethod
    def _done(attempt: _Attempt) -> Outcome:
        return Outcome(ok=True, rtt_us=(perf_counter_ns() - attempt.start) / 1000)

    def _failed(self, attempt: _Attempt, code: int) -> None:
        """An attempt came to nothing. What somebody said is final; a reset of an accepted connection is not, while time is left."""
        visit = self._visits[attempt.position]
        visit.error = code
        if code not in {errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT}:
            self._finish(attempt.position, refused(visit.path, code))
            return
        self._close(attempt)
        visit.attempts.remove(attempt)

    def _silent(self, visit: _Visit) -> Outcome:
        if any(attempt.answering for attempt in visit.attempts):
            return Outcome(ok=False, reason=f"connected, but no HTTP answer in {seconds(self._timeout)}")
        if visit.error:
            return Outcome(ok=False, reason=f"{visit.path.target} broke the connection: {os.strerror(visit.error)}")
        return Outcome(ok=False, reason=f"no answer to SYN in {seconds(self._timeout)}")

    def _finish(self, position: int, outcome: Outcome) -> None:
        visit = self._visits.pop(position)
        self._outcomes[position] = outcome
        self._targets[visit.path.dst, visit.path.port] -= 1
        for attempt in visit.attempts:
            self._close(attempt)

    def _close(self, attempt: _Attempt) -> None:
        descriptor = attempt.socket.fileno()
        if self._attempts.pop(descriptor, None) is not None:
            with suppress(KeyError):
                self._poller.unregister(descriptor)
            attempt.socket.close()


def family(path: Path) -> int:
    """The socket family of a path."""
    return socket.AF_INET if path.dst.version == 4 else socket.AF_INET6


def bind(sock: socket.socket, path: Path) -> None:
    """Make a socket send as the path says: from a device, from an address; non-blocking."""
    sock.setblocking(False)
    if path.interface is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, path.interface.encode() + b"\0")
    if path.source is not None:
        sock.bind((str(path.source), 0))


def refused(path: Path, code: int) -> Outcome:
    """A connection that ended with this errno."""
    if code == errno.ECONNREFUSED:
        reason = f"{path.target} refuses port {path.port}: nobody listens, or a firewall rejects"
        return Outcome(ok=False, reason=reason, finding="port-closed", refused=True)
    if code in _UNREACHABLE:
        return Outcome(ok=False, reason=f"{path.dst} is unreachable from {path.src}: {os.strerror(code)}", refused=True)
    if code == errno.ENODEV:
        return Outcome(ok=False, reason=f"{path.src} has no interface {path.interface}")
    return Outcome(ok=False, reason=f"{path.src} cannot connect: {os.strerror(code)}", refused=code in {errno.EPERM, errno.EACCES})
