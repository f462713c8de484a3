"""ICMP errors as the kernel attributes them to a socket: its error queue (ip(7), IP_RECVERR; include/uapi/linux/errqueue.h).

Enters: a connected TCP or UDP socket; leaves: IcmpError values, and a sentence for one. Rule of the file: what the own kernel said
(SO_EE_ORIGIN_LOCAL) is an errno and no ICMP error.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import ip_address
from struct import Struct

from vethlab.model.journey import IcmpError
from vethlab.probe.echo import worded
from vethlab.probe.lane import IP_RECVERR, IPV6_RECVERR

__all__ = ["hear_errors", "icmp_errors", "sentence"]

_EXTENDED = Struct("=IBBBxII")  # struct sock_extended_err: errno, origin, type, code; info, data; then the offender as a sockaddr
_LOCAL = 1  # SO_EE_ORIGIN_LOCAL
_LEVELS = {(socket.SOL_IP, IP_RECVERR): 4, (socket.IPPROTO_IPV6, IPV6_RECVERR): 6}
_ROOM = 512


def hear_errors(sock: socket.socket) -> None:
    """Let the kernel keep the ICMP errors about this socket's packets."""
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.SOL_IP, IP_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)


def icmp_errors(sock: socket.socket) -> list[IcmpError]:
    """Those that came since last asked."""
    found = []
    with suppress(OSError):  # EAGAIN: no more
        while True:
            _data, ancillary, _flags, _address = sock.recvmsg(1, _ROOM, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
            for level, kind, data in ancillary:
                version = _LEVELS.get((level, kind))
                if version is not None and (error := _decode(data, version)) is not None:
                    found.append(error)
    return found


def _decode(data: bytes, version: int) -> IcmpError | None:
    _errno, origin, kind, code, info, _data = _EXTENDED.unpack_from(data)
    start, size = (4, 4) if version == 4 else (8, 16)  # of the address in sockaddr_in and sockaddr_in6
    sender = data[_EXTENDED.size + start : _EXTENDED.size + start + size]
    if origin == _LOCAL or len(sender) != size:
        return None
    too_big = (kind, code) == (3, 4) if version == 4 else kind == 2
    return IcmpError(kind, code, ip_address(sender), info if too_big else 0)


def sentence(error: IcmpError) -> str:
    """What it says, and who says it."""
    mtu = f" (MTU {error.mtu})" if error.mtu else ""
    return f"{worded(error.type, error.code, error.sender.version)}{mtu}, says {error.sender}"
