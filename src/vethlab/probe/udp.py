"""UDP paths. UDP itself never says that a datagram arrived, so delivery is proven at the destination.

Enters: paths by position; leaves: an Outcome for each. A path passes if an answer came, or if (1) a raw UDP socket in the destination's
namespace received our datagram, and (2) sock_diag shows a socket bound to its port. A raw socket gets its copy behind the firewall's
input hook (net/ipv4/ip_input.c ip_protocol_deliver_rcu), which a packet socket would not. A closed port fails, as with TCP, whether or
not its ICMP error came back (errors are rate-limited). Outside the lab only an answer counts. Rule of the file: nothing is bound on
the lab's ports.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from time import monotonic, perf_counter_ns

from vethlab.kernel.port import Namespaces
from vethlab.model.path import Path
from vethlab.probe.listening import hear, served
from vethlab.probe.marks import UDP, Marks
from vethlab.probe.outcome import Outcome, seconds
from vethlab.probe.ping import SOLICIT_AGAIN, Before
from vethlab.probe.tcp import bind, family

AT_ONCE = 128
RESEND = (0.0, 0.1, 0.3, 0.6)  # of the timeout
GRACE = 0.05  # of a second: a listener that answers does so at once; one that does not is not waited for longer
_RECEIVE_BUFFER = 1 << 20


class Sender:
    """One round of datagrams."""

    def __init__(self, namespaces: Namespaces, marks: Marks, *, timeout: float, before: Before | None = None) -> None:
        self._namespaces, self._marks, self._timeout, self._before = namespaces, marks, timeout, before
        self._outcomes: dict[int, Outcome] = {}
        self._open: dict[int, tuple[Path, socket.socket]] = {}
        self._started: dict[int, int] = {}
        self._delivered: set[int] = set()

    def run(self, paths: Mapping[int, Path]) -> dict[int, Outcome]:
        """Send on every path."""
        positions = list(paths)
        for start in range(0, len(positions), AT_ONCE):
            with ExitStack() as stack:
                self._run_some({position: paths[position] for position in positions[start : start + AT_ONCE]}, stack)
        return self._outcomes

    def _run_some(self, paths: Mapping[int, Path], stack: ExitStack) -> None:
        inside = list(dict.fromkeys((path.end.node, family(path)) for path in paths.values() if path.end.node is not None))
        witnesses = self._namespaces.sockets([(name, number, socket.SOCK_RAW, UDP) for name, number in inside])
        senders = self._namespaces.sockets([(path.src, family(path), socket.SOCK_DGRAM, UDP) for path in paths.values()])
        for sock in (*witnesses, *senders):
            stack.callback(sock.close)
            sock.setblocking(False)
        for sock in witnesses:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._open, self._delivered = {}, set()
        for (position, path), sock in zip(paths.items(), senders, strict=True):
            self._connect(position, path, sock)
        begin, resends = monotonic(), list(RESEND)
        poller = select.poll()
        for sock in (*witnesses, *(sock for _path, sock in self._open.values())):
            poller.register(sock, select.POLLIN)
        while self._open and (left := begin + self._timeout + SOLICIT_AGAIN - monotonic()) > 0:
            if resends and monotonic() >= begin + resends[0] * self._timeout:
                resends.pop(0)
                self._send_all()
            poller.poll(min(left, max(0.0, begin + resends[0] * self._timeout - monotonic()) if resends else left, GRACE) * 1000 + 1)
            self._look(witnesses)
            if all(position in self._delivered and path.within is None for position, (path, _sock) in self._open.items()):
                self._grace(poller, witnesses)
                break
        heard = hear(self._namespaces, {path.end.node for path, _sock in self._open.values() if path.end.node is not None})
        for position, (path, _sock) in self._open.items():
            self._outcomes[position] = self._unanswered(path, delivered=position in self._delivered, listened=served(path, heard))

    def _connect(self, position: int, path: Path, sock: socket.socket) -> None:
        try:
            bind(sock, path)
            sock.connect((str(path.dst), path.port or 0))
        except OSError as error:
            self._outcomes[position] = Outcome(ok=False, reason=refused(path, error.errno or 0), refused=True)
            return
        self._open[position] = (path, sock)

    def _send_all(self) -> None:
        if self._before is not None:
            for position, (path, _sock) in self._open.items():
                self._before(path.src, [position])
        for position, (_path, sock) in list(self._open.items()):
            if position not in self._delivered:
                self._started[position] = perf_counter_ns()
                try:
                    sock.send(self._marks.datagram(position))
                except OSError as error:
                    self._error(position, error)

    def _look(self, witnesses: list[socket.socket]) -> None:
        """Take what came: answers and errors at the senders, our datagrams at the witnesses."""
        for sock in witnesses:
            self._delivered.update(witnessed(sock, self._marks))
        for position, (_path, sock) in list(self._open.items()):
            try:
                sock.recv(2048)
            except BlockingIOError:
                continue
            except OSError as error:
                self._error(position, error)
                continue
            del self._open[position]
            self._outcomes[position] = Outcome(ok=True, rtt_us=(perf_counter_ns() - self._started[position]) / 1000)

    def _grace(self, poller: select.poll, witnesses: list[socket.socket]) -> None:
        end = monotonic() + min(GRACE, self._timeout)
        while self._open and (left := end - monotonic()) > 0:
            poller.poll(left * 1000)
            self._look(witnesses)

    def _error(self, position: int, error: OSError) -> None:
        """An ICMP error came back, or the source's own kernel refused. A full queue or table (ENOBUFS) is asked again later."""
        if error.errno in {errno.ENOBUFS, errno.EAGAIN}:
            return
        path, _sock = self._open.pop(position)
        if error.errno == errno.ECONNREFUSED:
            reason = f"{path.target} has port {path.port} closed, or a firewall rejects (ICMP port unreachable)"
            self._outcomes[position] = Outcome(ok=False, reason=reason, finding="port-closed", refused=True)
        else:
            self._outcomes[position] = Outcome(ok=False, reason=f"{path.target}: {os.strerror(error.errno or 0)}", refused=True)

    def _unanswered(self, path: Path, *, delivered: bool, listened: bool) -> Outcome:
        if delivered and listened:
            if path.within is None:
                return Outcome(ok=True)
            return Outcome(ok=True, reason=f"delivered, but no answer in {seconds(self._timeout)}: the round trip cannot be timed")
        if delivered:
            return Outcome(ok=False, reason=f"it arrived, but nobody listens on port {path.port} of {path.target}", finding="port-closed")
        if path.end.node is None:
            return Outcome(ok=False, reason=f"no answer in {seconds(self._timeout)}, and nobody there to ask whether it arrived")
        return Outcome(ok=False, reason=f"the datagram did not arrive in {seconds(self._timeout)}")


def witnessed(sock: socket.socket, marks: Marks) -> Iterator[int]:
    """The positions of our datagrams that a raw UDP socket received."""
    while True:
        try:
            data = sock.recv(2048)
        except OSError:
            return
        start = (data[0] & 0xF) * 4 + 8 if sock.family == socket.AF_INET else 8  # a raw IPv6 socket gets no IP header
        position = marks.position_of_payload(data[start:])
        if position is not None:
            yield position


def refused(path: Path, code: int) -> str:
    """Why the source's own kernel does not send it."""
    unreachable = code in {errno.ENETUNREACH, errno.EHOSTUNREACH}
    said = f"{path.dst} is unreachable from {path.src}" if unreachable else f"{path.src} cannot send"
    return f"{said}: {os.strerror(code)}"
