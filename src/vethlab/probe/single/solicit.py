"""One ARP request, or neighbour solicitation, and the answer to it: is the next hop there at all (RFC 826, RFC 4861)?

Enters: a flow whose source interface is named; leaves: a Conversation. Rule of the file: the question goes out by a packet socket and its
answer is taken from there, so the source's own neighbour table is neither asked nor filled. (Who answers notes the asker, as always.)
An interface without an IPv4 address asks from 0.0.0.0, as RFC 5227 does.
"""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from struct import Struct
from time import perf_counter_ns

from vethlab.kernel.netlink.multicast import solicited_node
from vethlab.kernel.packet import ARPHRD_ETHER, attach
from vethlab.kernel.port import Namespaces
from vethlab.model.flow import Flow
from vethlab.model.journey import Observed
from vethlab.model.mark import Mark
from vethlab.model.path import Path
from vethlab.probe.echo import ICMPV6, checksum
from vethlab.probe.ping import unsent
from vethlab.probe.single.wanted import advertisements, arp_replies
from vethlab.probe.survey import asking, link_local, read_site

__all__ = ["advertised", "replied", "request", "solicitation", "soliciting"]

ETH_P_ARP, ETH_P_IPV6 = 0x0806, 0x86DD
_ETHERNET = Struct("!6s6sH")
_ARP = Struct("!HHBBH6s4s6s4s")
_IPV6 = Struct("!IHBB16s16s")
_SOLICITATION = Struct("!BBHI16sBB6s")  # type, code, checksum, reserved, target; option 1 of length 1: our MAC (RFC 4861, 4.3 and 4.6.1)
_PSEUDO = Struct("!16s16sII")  # RFC 8200, 8.1
_BROADCAST = b"\xff" * 6
_TRANSIENT = frozenset({errno.ENOBUFS, errno.EAGAIN, errno.ENOMEM})


def soliciting(namespaces: Namespaces, _flow: Flow, path: Path, held: ExitStack) -> tuple[Solicit, Mark]:
    """A question that is ready to be asked. OSError where the interface is not there, or knows no neighbours."""
    six = path.dst.version == 6
    (sock,) = namespaces.sockets([(path.src, socket.AF_PACKET, socket.SOCK_RAW, 0)])
    held.callback(sock.close)
    sock.setblocking(False)
    attach(sock, advertisements() if six else arp_replies())
    sock.bind((path.interface or "", ETH_P_IPV6 if six else ETH_P_ARP))
    hardware, mac = sock.getsockname()[3:5]
    if hardware != ARPHRD_ETHER:
        raise OSError(errno.EOPNOTSUPP, "no neighbours are asked for there")
    source = path.source.packed if path.source is not None else _own(namespaces, path)
    question = solicitation(mac, source, path.dst.packed) if six else request(mac, source, path.dst.packed)
    return Solicit(sock, path, question, mac), Mark()


class Solicit:
    """One question under way."""

    def __init__(self, sock: socket.socket, path: Path, question: bytes, mac: bytes) -> None:
        self._socket, self._path, self._question, self._mac = sock, path, question, mac
        self._start = self._starved = 0

    def send(self) -> Observed | None:
        """Ask once more."""
        self._start, self._starved = perf_counter_ns(), 0
        try:
            self._socket.send(self._question)
        except OSError as error:
            code = error.errno or errno.EIO
            if code not in _TRANSIENT:
                return self._refused(code)
            self._starved = code
        return None

    def take(self) -> Observed | None:
        """The answer of whoever has the address."""
        while True:
            try:
                data = self._socket.recv(256)
            except BlockingIOError:
                return None
            except OSError as error:  # the interface went down meanwhile (ENETDOWN)
                return self._refused(error.errno or errno.EIO)
            answered = advertised if self._path.dst.version == 6 else replied
            if answered(data, self._path.dst.packed, self._mac):
                return Observed(ok=True, rtt_us=(perf_counter_ns() - self._start) / 1000, answered_by=self._path.dst)

    def silent(self) -> Observed:
        """Nobody has the address, or nothing could be sent."""
        return self._refused(self._starved) if self._starved else Observed(ok=False)

    def listening(self) -> Sequence[tuple[socket.socket, int]]:
        """The one socket."""
        return [(self._socket, select.POLLIN)]

    def _refused(self, code: int) -> Observed:
        return Observed(ok=False, reason=unsent(self._path, code).reason, errno=code)


def _own(namespaces: Namespaces, path: Path) -> bytes:
    """An address of the interface to ask from; for IPv6 rather the link-local one."""
    for _name, connection in asking(namespaces, [path.src]):
        site = read_site(connection)
        own = [
            address.packed for address in site.addresses
            if site.links[address.link].name == path.interface and len(address.packed) == len(path.dst.packed) and not address.tentative
        ]
        own.sort(key=lambda packed: not link_local(packed))
    return own[0] if own else bytes(len(path.dst.packed))


def request(mac: bytes, source: bytes, target: bytes) -> bytes:
    """The frame of an ARP request."""
    return _ETHERNET.pack(_BROADCAST, mac, ETH_P_ARP) + _ARP.pack(1, 0x0800, 6, 4, 1, mac, source, bytes(6), target)


def replied(data: bytes, target: bytes, mac: bytes) -> bool:
    """Whether a frame is the reply to us about this address."""
    if len(data) < _ETHERNET.size + _ARP.size:
        return False
    _hardware, _protocol, _sizes, _size, operation, _mac, sender, asker, _target = _ARP.unpack_from(data, _ETHERNET.size)
    return (operation, sender, asker) == (2, target, mac)


def solicitation(mac: bytes, source: bytes, target: bytes) -> bytes:
    """The frame of a neighbour solicitation."""
    group = solicited_node(target)
    size = _SOLICITATION.size
    empty = _SOLICITATION.pack(135, 0, 0, 0, target, 1, 1, mac)
    check = checksum(_PSEUDO.pack(source, group, size, ICMPV6) + empty)
    head = _ETHERNET.pack(b"\x33\x33" + group[12:], mac, ETH_P_IPV6) + _IPV6.pack(6 << 28, size, ICMPV6, 255, source, group)
    return head + _SOLICITATION.pack(135, 0, check, 0, target, 1, 1, mac)


def advertised(data: bytes, target: bytes, _mac: bytes) -> bool:
    """Whether a frame is a neighbour advertisement about this address."""
    start = _ETHERNET.size + _IPV6.size
    return data[start : start + 1] == b"\x88" and data[start + 8 : start + 24] == target
