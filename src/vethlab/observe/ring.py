"""One ring for each namespace: opened together, drained together, closed together.

Enters: namespaces by name and a filter; leaves: rings that record. Rule of the file: memory is divided among the rings, so that a large
lab costs no more than a small one; and time, since the kernel waits a grace period for every ring that is opened or closed: many are
done side by side. There is no second way of capturing to fall back to.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Sequence
from threading import Thread
from typing import NamedTuple

from vethlab.errors import HostError
from vethlab.kernel.packet import Instruction, Ring, attach
from vethlab.kernel.port import Namespaces

__all__ = ["GLANCE", "RETIRE_MS", "WHOLE", "Shape", "close_rings", "open_rings"]

RETIRE_MS = 10


class Shape(NamedTuple):
    """How a ring is cut: bytes of a block, at most so many bytes in all, and when a block that is not full is handed over."""

    block: int
    largest: int
    retire_ms: int


WHOLE = Shape(1 << 17, 1 << 24, RETIRE_MS)  # a block holds the largest frame there is: 64 KiB of segments not yet cut (GSO), and headers
GLANCE = Shape(1 << 12, 1 << 21, 2)  # heads of few frames, soon: 512 blocks of a page last for a second even if each holds one frame
_ALL = 192 << 20  # memory of all rings together
_FEWEST = 2  # blocks: one that fills, one that is read
_AT_ONCE = 16


def open_rings(
    namespaces: Namespaces, wanted: Sequence[tuple[int, str, Sequence[Instruction]]], *, among: int, shape: Shape = WHOLE,
) -> list[Ring]:
    """A recording ring for each (number, namespace, filter); `among` rings share the memory. HostError where the machine refuses."""
    blocks = max(_FEWEST, min(shape.largest, _ALL // max(1, among)) // shape.block)
    sockets = namespaces.sockets([(name, socket.AF_PACKET, socket.SOCK_RAW, 0) for _, name, _ in wanted])
    rings: list[Ring] = []

    def one(at: int) -> None:
        number, name, program = wanted[at]
        rings.append(_open(sockets[at], number, name, program, blocks, shape))

    try:
        _side_by_side(one, len(wanted))
        for ring in rings:  # all at once, as nearly as one thread can
            ring.start()
    except BaseException:
        close_rings(rings)
        for sock in sockets:
            sock.close()
        raise
    return rings


def _open(sock: socket.socket, number: int, name: str, program: Sequence[Instruction], blocks: int, shape: Shape) -> Ring:
    while True:
        try:
            if program:
                attach(sock, program)
            return Ring(sock, number, blocks=blocks, block_size=shape.block, retire_ms=shape.retire_ms)
        except OSError as error:
            if error.errno != errno.ENOMEM or blocks <= _FEWEST:
                raise HostError(
                    f"no packet ring in {name}: {os.strerror(error.errno or 0)}", slug="no-ring",
                    why="a capture needs an AF_PACKET socket with a TPACKET_V3 ring", help="capture fewer nodes: vethlab capture NODE...",
                ) from error
            blocks //= 2


def close_rings(rings: Sequence[Ring]) -> None:
    """Close them."""
    _side_by_side(lambda at: rings[at].close(), len(rings))


def _side_by_side(call: Callable[[int], None], count: int) -> None:
    """`call` each number below `count`, some at a time; the first exception is raised when all threads are done."""
    failed: list[BaseException] = []

    def some(start: int) -> None:
        try:
            for at in range(start, count, _AT_ONCE):
                call(at)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            failed.append(error)

    threads = [Thread(target=some, args=(start,)) for start in range(1, min(_AT_ONCE, count))]
    for thread in threads:
        thread.start()
    some(0)
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
