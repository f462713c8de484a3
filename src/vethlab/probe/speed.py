"""How fast two nodes reach each other: round trips, a TCP stream, UDP datagrams; the streams by a tool, or over sockets of our own.

Enters: namespaces and two addresses; leaves: Figures. Rule of the file: both ends are in this process, so a round trip is the way there
and back and no waking up of another program; a stream is sent by one thread and received by another, in pieces so large that Python does
not count.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from vethlab.errors import LabError
from vethlab.kernel.port import Namespaces
from vethlab.model.address import IP

__all__ = ["End", "Figures", "Own", "Tool", "measure", "round_trips"]

PIECE = 1 << 20
DATAGRAM = 1400  # bytes, with headers in every MTU that a plane has
ROUNDS, WARM = 400, 20
PATIENCE = 3.0  # seconds for the first packet: neighbours are asked, a switch learns
_MARGIN = 0.2


@dataclass(frozen=True, slots=True)
class End:
    """Where a socket is, and its address."""

    node: str
    address: IP


@dataclass(frozen=True, slots=True)
class Figures:
    """`rtt_us`: the median round trip of a small datagram; `tcp` and `udp`: bit/s received."""

    rtt_us: float
    tcp: float
    udp: float


class Tool(Protocol):
    """Who makes streams."""

    def tcp(self, src: End, dst: End, seconds: float) -> float:
        """One stream; bit/s received. TimeoutError or LabError if nothing arrives."""

    def udp(self, src: End, dst: End, seconds: float) -> float:
        """Datagrams as fast as they are taken; bit/s received."""


class Own:
    """Sockets of our own: a Tool that is always there."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces

    def tcp(self, src: End, dst: End, seconds: float) -> float:
        """As Tool has it."""
        return _stream(self._namespaces, src, dst, seconds)

    def udp(self, src: End, dst: End, seconds: float) -> float:
        """As Tool has it."""
        return _datagrams(self._namespaces, src, dst, seconds)


def measure(namespaces: Namespaces, src: End, dst: End, *, seconds: float = 1.0, tool: Tool | None = None) -> Figures:
    """All three, one after the other: round trips always over sockets of our own, streams by `tool` if there is one.

    LabError if nothing arrives.
    """
    streams = tool or Own(namespaces)
    try:
        rtt, tcp = round_trips(namespaces, src, dst), streams.tcp(src, dst, seconds)
        return Figures(rtt, tcp, streams.udp(src, dst, seconds))
    except TimeoutError:
        raise LabError(
            f"nothing that {src.node} sends to {dst.address} arrives", where=f"{src.node} -> {dst.node}", slug="no-answer",
            help=f"vethlab why {src.node} {dst.node}",
        ) from None
    except OSError as error:
        raise LabError(
            f"{src.node} cannot send to {dst.address}: {error.strerror}", where=f"{src.node} -> {dst.node}", slug="no-answer",
            help=f"vethlab why {src.node} {dst.node}",
        ) from error


def _pair(namespaces: Namespaces, src: End, dst: End, kind: int) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET if dst.address.version == 4 else socket.AF_INET6
    near, far = namespaces.sockets([(src.node, family, kind, 0), (dst.node, family, kind, 0)])
    for one, end in ((near, src), (far, dst)):
        one.settimeout(PATIENCE)
        one.bind((str(end.address), 0))
    return near, far


def round_trips(namespaces: Namespaces, src: End, dst: End) -> float:
    """Microseconds: the median of 400. TimeoutError if nothing arrives."""
    near, far = _pair(namespaces, src, dst, socket.SOCK_DGRAM)
    with near, far:
        near.connect(far.getsockname())
        far.connect(near.getsockname())
        took = []
        for _ in range(ROUNDS + WARM):
            begun = time.perf_counter_ns()
            near.send(b"there")
            far.recv(16)
            far.send(b"back")
            near.recv(16)
            took.append(time.perf_counter_ns() - begun)
    return statistics.median(took[WARM:]) / 1000


def _stream(namespaces: Namespaces, src: End, dst: End, seconds: float) -> float:
    near, far = _pair(namespaces, src, dst, socket.SOCK_STREAM)
    with near, far:
        far.listen(1)
        near.connect(far.getsockname())
        peer, _ = far.accept()
        with peer:
            peer.settimeout(PATIENCE)
            data = bytes(PIECE)
            return _counted(peer, lambda: near.sendall(data), near, seconds)


def _datagrams(namespaces: Namespaces, src: End, dst: End, seconds: float) -> float:
    near, far = _pair(namespaces, src, dst, socket.SOCK_DGRAM)
    with near, far:
        near.connect(far.getsockname())
        data = bytes(DATAGRAM)

        def send() -> None:
            for _ in range(64):
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    near.send(data)

        return _counted(far, send, None, seconds)


def _counted(receiver: socket.socket, send: Callable[[], object], stream: socket.socket | None, seconds: float) -> float:
    """Send for so long; bit/s that came. What arrives after the last was sent counts, with the time it took."""
    got = [0, 0.0]
    until = time.perf_counter() + seconds

    def take() -> None:
        buffer, begun = bytearray(PIECE), time.perf_counter()
        with contextlib.suppress(OSError):
            while count := receiver.recv_into(buffer):
                got[0] += count
                got[1] = time.perf_counter() - begun
                if stream is None and time.perf_counter() > until + _MARGIN:
                    break

    if stream is None:
        receiver.settimeout(_MARGIN)
    thread = threading.Thread(target=take)
    thread.start()
    try:
        while time.perf_counter() < until:
            send()
        if stream is not None:
            stream.shutdown(socket.SHUT_WR)
    finally:
        thread.join(PATIENCE + seconds)
    if not got[0]:
        raise TimeoutError
    return got[0] * 8 / got[1] if got[1] else 0.0
