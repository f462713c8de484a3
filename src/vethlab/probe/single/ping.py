"""One ping: a raw ICMP socket in the source's namespace, the answer told from others' by its token.

Enters: a flow; leaves: a Conversation and its mark. Rule of the file: an echo reply from another address than the one asked is an answer
that proves nothing. With a size, path MTUs that the kernel remembers are ignored and fragments are not made (ip(7), IP_PMTUDISC_PROBE).
"""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from ipaddress import ip_address
from time import perf_counter_ns

from vethlab.kernel.packet import attach
from vethlab.kernel.port import Namespaces
from vethlab.model.flow import Flow
from vethlab.model.journey import IcmpError, Observed
from vethlab.model.mark import Mark
from vethlab.model.path import Path
from vethlab.probe.echo import SIZE, Answer, Codec, quoting
from vethlab.probe.lane import drain_errors, prepare, protocol, send_again
from vethlab.probe.ping import unsent
from vethlab.probe.single.errors import sentence
from vethlab.probe.single.wanted import echoes

__all__ = ["pinging"]

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_PROBE = 10, 23, 3
_TRANSIENT = frozenset({errno.ENOBUFS, errno.EAGAIN, errno.ENOMEM})
_ROOM = 1 << 10
_AT_ONCE = 1 << 10  # packets read between two looks at the clock


def pinging(namespaces: Namespaces, flow: Flow, path: Path, held: ExitStack) -> tuple[Ping, Mark]:
    """A ping that is ready to be sent. OSError where the device or the address is not there."""
    codec = Codec()
    version = path.dst.version
    (sock,) = namespaces.sockets([(path.src, *protocol(version))])
    held.callback(sock.close)
    prepare(sock, version, interface=path.interface, source=None if path.source is None else str(path.source))
    attach(sock, echoes(version, codec.token))
    if flow.size is not None:
        level, option = (socket.IPPROTO_IP, IP_MTU_DISCOVER) if version == 4 else (socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER)
        sock.setsockopt(level, option, PMTUDISC_PROBE)
    return Ping(sock, path, codec, flow.size or 0), Mark(codec.token, identifier=codec.identifier)


class Ping:
    """One ping under way. Fewer than 20 bytes of payload are not sent: they would not hold the token."""

    def __init__(self, sock: socket.socket, path: Path, codec: Codec, size: int) -> None:
        self._socket, self._path, self._codec = sock, path, codec
        self._version = path.dst.version
        self._padding = bytes(max(0, size - (SIZE - 8)))  # zeros leave the checksum as it is
        self._sent: list[int] = []
        self._starved = 0
        self._astray: bytes = b""

    def send(self) -> Observed | None:
        """One more request. A full queue or neighbour table (ENOBUFS) may have room for the next one."""
        packet = self._codec.head(self._version) + self._codec.tail(0, len(self._sent)) + self._padding
        target = (str(self._path.dst), 0)
        self._sent.append(perf_counter_ns())
        code = 0
        try:
            self._socket.sendto(packet, target)
        except OSError as error:
            code = send_again(self._socket, packet, target, error)
        self._starved = code if code in _TRANSIENT else 0
        return _refused(self._path, code) if code and not self._starved else None

    def take(self) -> Observed | None:
        """A reply, or else an ICMP error about one of our requests."""
        error: Observed | None = None
        for _ in range(_AT_ONCE):
            try:
                data, sender = self._receive()
            except BlockingIOError:
                break
            except OSError:  # an ICMP error is announced here and lies in the ordinary queue as well
                drain_errors(self._socket)
                continue
            found = self._codec.answer4(data) if self._version == 4 else self._codec.answer6(data, sender)
            if found is None or found.attempt >= len(self._sent):
                continue
            if found.error:
                error = self._failed(found, data)
            elif found.source == self._path.dst.packed:
                return Observed(
                    ok=True, rtt_us=(perf_counter_ns() - self._sent[found.attempt]) / 1000, answered_by=ip_address(found.source),
                )
            else:
                self._astray = found.source
        return error

    def silent(self) -> Observed:
        """Nothing came, or nothing could be sent."""
        if self._starved:
            return _refused(self._path, self._starved)
        if self._astray:
            by = ip_address(self._astray)
            return Observed(ok=False, reason=f"an answer came from {by}, and not from {self._path.dst}", answered_by=by)
        return Observed(ok=False)

    def listening(self) -> Sequence[tuple[socket.socket, int]]:
        """The one socket."""
        return [(self._socket, select.POLLIN)]

    def _receive(self) -> tuple[bytes, bytes]:
        if self._version == 4:
            return self._socket.recv(_ROOM), b""
        data, address = self._socket.recvfrom(_ROOM)
        return data, socket.inet_pton(socket.AF_INET6, address[0].partition("%")[0])

    def _failed(self, found: Answer, data: bytes) -> Observed:
        said = quoting(data, self._version)
        error = IcmpError(said.type, said.code, ip_address(found.source), said.mtu)
        return Observed(ok=False, reason=sentence(error), refused=True, errors=(error,))


def _refused(path: Path, code: int) -> Observed:
    if code == errno.EMSGSIZE:
        reason = f"{path.src} cannot send: the packet is larger than the MTU of the interface it would leave by"
    else:
        reason = unsent(path, code).reason
    return Observed(ok=False, reason=reason, errno=code)
