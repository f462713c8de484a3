"""Offloads of an interface by ioctl (include/uapi/linux/ethtool.h): whether it leaves transmit checksums to its device.

Enters: Namespaces and ends; leaves: those ends that do. Rule of the file: read only; an interface that does not tell does not.
"""

from __future__ import annotations

import array
import fcntl
import socket
import struct
from collections.abc import Iterable

from vethlab.kernel.port import Namespaces
from vethlab.model.link import End

SIOCETHTOOL, ETHTOOL_GTXCSUM = 0x8946, 0x16

__all__ = ["leaving_checksums"]


def leaving_checksums(namespaces: Namespaces, ends: Iterable[End]) -> tuple[End, ...]:
    """Those whose packets leave the stack with a checksum still to be filled in."""
    wanted = list(ends)
    opened = namespaces.sockets([(end.netns, socket.AF_INET, socket.SOCK_DGRAM, 0) for end in wanted]) if wanted else []
    try:
        return tuple(end for end, sock in zip(wanted, opened, strict=True) if _leaves(sock, end.interface))
    finally:
        for sock in opened:
            sock.close()


def _leaves(sock: socket.socket, interface: str) -> bool:
    value = array.array("I", [ETHTOOL_GTXCSUM, 0])
    request = struct.pack("16sP16x", interface.encode(), value.buffer_info()[0])
    try:
        fcntl.ioctl(sock, SIOCETHTOOL, request)
    except OSError:
        return False
    return value[1] != 0
