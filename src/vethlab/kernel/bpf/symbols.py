"""Names of kernel functions by an address inside of them (proc(5), /proc/kallsyms; kernel/kallsyms.c).

Enters: an address; leaves: the name, or None where the kernel does not tell. Rule of the file: the list is five megabytes and most runs
never need it: it is read on the first question, once, and its lines stay text in which is searched.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

__all__ = ["KALLSYMS", "Symbols"]

KALLSYMS = Path("/proc/kallsyms")
_DIGITS = 16  # of an address, zero-padded and in lower case: lines sort as their addresses do
_CODE = b"tTwW"
_LONGEST = 1 << 20  # bytes of a function; what lies further behind the last one listed belongs to none


class Symbols:
    """The functions of the running kernel."""

    def __init__(self, path: Path = KALLSYMS) -> None:
        self._path = path
        self._lines: list[bytes] | None = None
        self._known: dict[int, str | None] = {}

    def name(self, address: int) -> str | None:
        """The function that holds the address, without what the compiler adds (`ip_rcv_finish_core.isra.0`).

        None if the kernel hides addresses (kernel.kptr_restrict shows zeros), or has no function there.
        """
        if address not in self._known:
            self._known[address] = self._find(address)
        return self._known[address]

    def _find(self, address: int) -> str | None:
        if self._lines is None:
            self._lines = self._read()
        at = bisect_right(self._lines, b"%016x\x7f" % address)  # greater than every line of this address, less than the next one's
        while at > 0:
            at -= 1
            line = self._lines[at]
            begins = int(line[:_DIGITS], 16)
            if begins == 0 or address - begins > _LONGEST:
                return None
            if line[_DIGITS + 1] in _CODE:
                return line[_DIGITS + 3 :].split()[0].split(b".")[0].decode()
        return None

    def _read(self) -> list[bytes]:
        """The lines in the order of their addresses: they nearly are, only modules stand where they were loaded."""
        try:
            return sorted(self._path.read_bytes().splitlines())
        except OSError:
            return []
