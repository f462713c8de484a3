"""Which labs are running: there is no state directory, the keepers' abstract socket names are the register.

Enter: nothing. Leaves: what /proc/net/unix and the keepers themselves say.
Rule of the file: a name proves nothing, since any process may bind any abstract name: what counts is the user who listens (SO_PEERCRED).
"""

from __future__ import annotations

import os
import re
import socket
import struct
from dataclasses import dataclass

from vethlab.keep.record import Record
from vethlab.keep.wire import RECORD_DESCRIPTOR

_NAME = re.compile(r" @vethlab/(\d+)/([^\s/]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
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
        with open(f"/proc/{found.pid}/fd/{RECORD_DESCRIPTOR}", "rb") as file:
            data = file.read()
    except OSError:
        return None
    return Record.decode(data) if data else None


def _ask(name: str, uid: int) -> Found | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        try:
            connection.connect(f"\0vethlab/{uid}/{name}")
        except OSError:
            return None  # being born, or gone already
        pid, owner, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return Found(name, uid, pid) if owner == uid else None
