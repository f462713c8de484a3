"""Which labs are running: there is no state directory, the keepers' abstract socket names are the register.

Enter: nothing. Leaves: what /proc/net/unix and the keepers themselves say.
Rule of the file: a name proves nothing, since any process may bind any abstract name: what counts is the user who listens (SO_PEERCRED).
"""

from __future__ import annotations

import os
import re
import socket
import stat
import struct
from typing import NamedTuple

from vethlab.errors import LabError
from vethlab.keep.record import Record
from vethlab.keep.wire import RECORD_DESCRIPTOR

_NAME = re.compile(r" @vethlab/(\d+)/([a-z0-9][a-z0-9-]{0,62})$", re.MULTILINE)
_RECORD_MAX = 64 << 20


class Found(NamedTuple):
    """A running keeper: its lab, its owner, its pid on the machine."""

    name: str
    uid: int
    pid: int


def found_labs() -> list[Found]:
    """The labs of this network namespace, by owner and name: all of them for root, one's own for everybody else."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
        text = file.read()
    wanted = {(int(uid), name) for uid, name in _NAME.findall(text) if os.getuid() in {0, int(uid)}}
    return [found for found in (_ask(name, uid) for uid, name in sorted(wanted)) if found is not None]


def read_record(found: Found) -> Record | None:
    """The lab's record, read from outside: root sees those of others too. None while it is being built, or if it ended meanwhile."""
    try:
        data = _bytes(f"/proc/{found.pid}/fd/{RECORD_DESCRIPTOR}")
        return Record.decode(data) if data else None
    except (OSError, LabError):  # LabError: not a record of ours, or of a later version
        return None


def _bytes(path: str) -> bytes:
    """What a regular file of a sane size holds: the process may be anybody's, who may have put anything under that number."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        seen = os.fstat(descriptor)
        return file.read(_RECORD_MAX) if stat.S_ISREG(seen.st_mode) and seen.st_size <= _RECORD_MAX else b""


def _ask(name: str, uid: int) -> Found | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.setblocking(False)
        try:
            connection.connect(f"\0vethlab/{uid}/{name}")
        except OSError:
            return None  # being born, or gone already
        pid, owner, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return Found(name, uid, pid) if owner == uid and pid else None  # pid 0: held outside of our PID namespace, out of our reach
