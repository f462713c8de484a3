"""One raw ICMP socket of a namespace, and what is under way on it.

Enters: a socket made inside the namespace, jobs; leaves: answers with their times. Rule of the file: one request, then one receive. On a
path inside one machine the reply is there before send() returns (the softirq runs in it), so the round trip is measured as exactly as
a system call allows, and no queue fills. Bursts of 128 were measured and gain nothing (11.1 against 11.6 microseconds a pair).
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from struct import pack
from time import perf_counter_ns
from typing import NamedTuple

from vethlab.model.path import Path
from vethlab.probe.echo import ICMP, ICMPV6, Answer, Codec

SOL_RAW, ICMP_FILTER, ICMP6_FILTER = 255, 1, 1
IP_RECVERR, IPV6_RECVERR = 11, 25
_PASS4 = (0, 3, 11, 12)  # echo reply, unreachable, time exceeded, parameter problem
_PASS6 = (1, 2, 3, 4, 129)
_RECEIVE_BUFFER = 1 << 20
_TRIES = 4  # an ICMP error about an earlier request is reported by the next send: ask again before believing it


class Job(NamedTuple):
    """One path to ping: `position` names it in requests, `target` is the destination for sendto(), `packed` the same in bytes."""

    position: int
    path: Path
    target: tuple[str, int] | tuple[str, int, int, int]
    packed: bytes


class Lane:
    """A socket and its outstanding requests. `arrived(position, nanoseconds)` is called for each reply, `hinted` for each ICMP error."""

    __slots__ = ("_codec", "_request", "arrived", "hinted", "outstanding", "socket", "version")

    def __init__(self, sock: socket.socket, version: int, codec: Codec, arrived: Callable[[int, int], None]) -> None:
        self.socket, self.version, self._codec, self.arrived = sock, version, codec, arrived
        self._request = codec.request4 if version == 4 else codec.request6
        self.outstanding: dict[int, tuple[Job, list[int]]] = {}
        self.hinted: dict[int, Answer] = {}

    def send(self, job: Job) -> int:
        """Send a request and take what has come. Returns 0, or the errno with which the kernel refused to send."""
        position = job.position
        held = self.outstanding.get(position)
        times = held[1] if held is not None else []
        if held is None:
            self.outstanding[position] = (job, times)
        packet = self._request(position, len(times))
        start = perf_counter_ns()
        times.append(start)
        try:
            self.socket.sendto(packet, job.target)
        except OSError as error:
            code = self._send_again(packet, job, error)
            if code:
                return code
        try:
            if self.version == 4:
                data = self.socket.recv(2048)
                if data[24:] == packet[4:] and data[12:16] == job.packed and data[20] == 0:
                    del self.outstanding[position]
                    self.arrived(position, perf_counter_ns() - start)
                    return 0
                self._take4(data)
            self.drain()
        except BlockingIOError:
            pass
        except OSError:
            self.drain()
        return 0

    def _send_again(self, packet: bytes, job: Job, error: OSError) -> int:
        for _ in range(_TRIES):
            self._drain_errors()
            try:
                self.socket.sendto(packet, job.target)
            except OSError as again:
                error = again
                if again.errno == errno.ENOBUFS:
                    break
            else:
                return 0
        return error.errno or errno.EIO

    def drain(self) -> None:
        """Take everything that has arrived."""
        while True:
            try:
                if self.version == 4:
                    self._take4(self.socket.recv(2048))
                else:
                    data, address = self.socket.recvfrom(2048)
                    self._take(self._codec.answer6(data, socket.inet_pton(socket.AF_INET6, address[0].partition("%")[0])))
            except BlockingIOError:
                return
            except OSError:
                self._drain_errors()

    def _take4(self, data: bytes) -> None:
        self._take(self._codec.answer4(data))

    def _take(self, answer: Answer | None) -> None:
        held = self.outstanding.get(answer.position) if answer is not None else None
        if answer is None or held is None or answer.attempt >= len(held[1]):
            return
        if answer.error:
            self.hinted[answer.position] = answer
        elif answer.source == held[0].packed:
            now = perf_counter_ns()
            del self.outstanding[answer.position]
            self.arrived(answer.position, now - held[1][answer.attempt])

    def _drain_errors(self) -> None:
        """Empty the error queue that IP_RECVERR fills; the ICMP messages themselves come by the ordinary queue as well."""
        with suppress(OSError):
            while True:
                self.socket.recvmsg(0, 0, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)


def prepare(sock: socket.socket, version: int, *, interface: str | None, source: str | None) -> None:
    """Make a raw socket a ping's: replies and errors only, bound as the path says. Raises OSError where the device or address is not there.

    IP_RECVERR makes send() tell of a full neighbour table (ENOBUFS) instead of losing the packet in silence (net/ipv4/raw.c raw_sendmsg).
    """
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    if version == 4:
        sock.setsockopt(SOL_RAW, ICMP_FILTER, pack("=I", 0xFFFFFFFF & ~sum(1 << kind for kind in _PASS4)))
        sock.setsockopt(socket.SOL_IP, IP_RECVERR, 1)
    else:
        blocked = bytearray(b"\xff" * 32)
        for kind in _PASS6:
            word = kind // 32 * 4
            value = int.from_bytes(blocked[word : word + 4], "little") & ~(1 << kind % 32)
            blocked[word : word + 4] = value.to_bytes(4, "little")
        sock.setsockopt(ICMPV6, ICMP6_FILTER, bytes(blocked))
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    if interface is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
    if source is not None:
        sock.bind((source, 0))


def protocol(version: int) -> tuple[int, int, int]:
    """Family, type and protocol of the socket to ask a namespace for."""
    return (socket.AF_INET, socket.SOCK_RAW, ICMP) if version == 4 else (socket.AF_INET6, socket.SOCK_RAW, ICMPV6)
