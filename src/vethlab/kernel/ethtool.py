"""Offloads of an interface by ioctl (include/uapi/linux/ethtool.h): whether it leaves transmit checksums to its device, and that it does.

Enters: Namespaces and ends; leaves: those ends that do. Rule of the file: an interface that does not tell does not.
"""

from __future__ import annotations

import array
import errno
import fcntl
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from vethlab.errors import KernelError
from vethlab.kernel.port import Namespaces
from vethlab.model.link import End
from vethlab.model.state import State

if TYPE_CHECKING:
    from vethlab.change import SetChecksums

SIOCETHTOOL, ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM = 0x8946, 0x16, 0x17

__all__ = ["leaving_checksums", "set_checksums", "with_checksums"]


def leaving_checksums(namespaces: Namespaces, ends: Iterable[End]) -> tuple[End, ...]:
    """Those whose packets leave the stack with a checksum still to be filled in."""
    wanted = list(ends)
    with _inside(namespaces, wanted) as opened:
        return tuple(end for end, sock in zip(wanted, opened, strict=True) if _leaves(sock, end.interface))


def set_checksums(namespaces: Namespaces, changes: Sequence[SetChecksums]) -> None:
    """Carry these out, in order; KernelError names the first that the kernel refuses."""
    with _inside(namespaces, [End(one.netns, one.interface) for one in changes]) as opened:
        for one, sock in zip(changes, opened, strict=True):
            try:
                _ask(sock, one.interface, ETHTOOL_STXCSUM, int(not one.filled))
            except OSError as error:
                raise KernelError("set", one.object, error.errno or errno.EIO) from error


def with_checksums(namespaces: Namespaces, state: State) -> State:
    """The state with what is `filled`, told of the far ends of all that may be ports of a switch that is not the lab's."""
    hosts = [state.netns[name].links.values() for name in namespaces.switches if name in state.netns]
    plugged = (link.peer for links in hosts for link in links if link.kind == "veth" and link.master is None)
    ends = {end for end in plugged if end is not None and end.netns in state.netns}
    filled = ends - set(leaving_checksums(namespaces, ends))
    return State({
        name: replace(one, filled=frozenset(end.interface for end in filled if end.netns == name)) for name, one in state.netns.items()
    })


@contextmanager
def _inside(namespaces: Namespaces, ends: Sequence[End]) -> Iterator[list[socket.socket]]:
    """A socket in the namespace of each."""
    opened = namespaces.sockets([(end.netns, socket.AF_INET, socket.SOCK_DGRAM, 0) for end in ends]) if ends else []
    try:
        yield opened
    finally:
        for sock in opened:
            sock.close()


def _leaves(sock: socket.socket, interface: str) -> bool:
    try:
        return _ask(sock, interface, ETHTOOL_GTXCSUM, 0) != 0
    except OSError:
        return False


def _ask(sock: socket.socket, interface: str, command: int, number: int) -> int:
    value = array.array("I", [command, number])
    fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP16x", interface.encode(), value.buffer_info()[0]))
    return value[1]
