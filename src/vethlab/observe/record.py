"""A capture as a pcapng section: interfaces as they appear, frames, and at the end what was counted.

Enters: batches of a Capture; leaves: bytes, through a function of the caller's. Rule of the file: when `finish` has run, the file is
complete; until then every batch ends on a block, so that a reader of a pipe never waits for the rest of one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address

from vethlab import __version__
from vethlab.kernel.packet import Held
from vethlab.observe.capture import Capture, Tally
from vethlab.observe.interfaces import Interface
from vethlab.observe.pcapng import ETHERNET, RAW_IP, Writer, flags_of, names, section

__all__ = ["Recorder", "begun", "described"]

_FLAGS = tuple(flags_of(kind) for kind in range(5))


def begun(comment: str) -> bytes:
    """The header of a section that we write on this machine."""
    system = os.uname()
    return section(program=f"vethlab {__version__}", system=f"{system.sysname} {system.release} {system.machine}", comment=comment)


def described(writer: Writer, one: Interface, capture_filter: str = "") -> tuple[int, bytes]:
    """The number and the block of an interface."""
    return writer.interface(
        str(one), link=ETHERNET if one.ethernet else RAW_IP, description=one.description, mac=one.mac, capture_filter=capture_filter,
    )


class Recorder:
    """Writes what a Capture sees. `write` takes all of the bytes it is given."""

    def __init__(self, capture: Capture, write: Callable[[bytes], object], *, snaplen: int = 0, capture_filter: str = "") -> None:
        self._capture, self._write, self._filter = capture, write, capture_filter
        self._writer = Writer(snaplen=snaplen)
        self._numbers: dict[tuple[int, int], int] = {}  # of a pcapng interface, by (source, interface index)
        self._numbered: dict[Interface, int] = {}
        self._delivered: dict[int, int] = {}

    def begin(self, lab: str, records: Iterable[tuple[IPv4Address | IPv6Address, Sequence[str]]] = ()) -> None:
        """The section's header, the interfaces that are there, the names of addresses."""
        parts = [begun(f"lab {lab}"), *(self._interface(one)[1] for one in self._capture.shown()), names(records)]
        self._write(b"".join(parts))

    def frames(self, batch: Sequence[Held]) -> None:
        """Frames, in the order given."""
        parts: list[bytes] = []
        numbers, packet, delivered = self._numbers, self._writer.packet, self._delivered
        for frame in batch:
            _ns, source, index, kind, _hardware, length, data = frame
            number = numbers.get((source, index))
            if number is None:
                number = numbers[source, index] = self._number(frame, parts)
            delivered[number] += 1
            parts.append(packet(number, frame.ns, length, data, _FLAGS[kind] if kind < 5 else 0))
        self._write(b"".join(parts))

    def finish(self, tally: Tally) -> None:
        """The counts of each interface. Drops are counted for each node only, so they stand in a comment."""
        comment = f"{tally.dropped} frames of the lab found a full ring and are not in this file" if tally.dropped else ""
        self._write(b"".join(
            self._writer.statistics(number, start=tally.started, end=tally.ended, delivered=count, comment=comment)
            for number, count in self._delivered.items()
        ))

    def _number(self, frame: Held, parts: list[bytes]) -> int:
        one = self._capture.interface(frame)
        known = self._numbered.get(one)
        if known is not None:
            return known
        number, block = self._interface(one)
        parts.append(block)
        return number

    def _interface(self, one: Interface) -> tuple[int, bytes]:
        number, block = described(self._writer, one, self._filter)
        self._numbered[one] = number
        self._delivered[number] = 0
        return number, block
