"""Which labs are running: what `vethlab ls` shows.

Enters: the keepers that are found; leaves: one line about each, from its record. Rule of the file: nothing is opened but the record.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.keep.record import Record
from vethlab.keep.registry import found_labs, read_record
from vethlab.model.names import HOST

__all__ = ["LabInfo", "info_of", "labs"]


@dataclass(frozen=True, slots=True)
class LabInfo:
    """A running lab in one line. `since` is Unix time, `links` counts cables and attachments to networks.

    `host`: `machine` if its bridges live in the machine's own network, else `private`.
    """

    name: str
    mode: str
    nodes: int
    links: int
    since: float
    file: str
    pid: int
    uid: int
    host: str = "private"


def labs() -> list[LabInfo]:
    """Every running lab of this user; as root, of all users."""
    return [info_of(record, found.pid, found.uid) for found in found_labs() if (record := read_record(found)) is not None]


def info_of(record: Record, pid: int, uid: int) -> LabInfo:
    """One line from a record."""
    host = "machine" if record.machine and record.joins == HOST else "private"
    return LabInfo(record.lab, record.mode, record.nodes, record.links, record.since, record.file, pid, uid, host)
