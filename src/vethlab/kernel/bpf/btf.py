"""The running kernel's own type information: where members stand, what enums mean, what tracepoints pass (Documentation/bpf/btf.rst).

Enters: the bytes of /sys/kernel/btf/vmlinux; leave: offsets in bytes, names of values, numbers of arguments. Rule of the file: read, never
guessed: no offset is written down anywhere, so that one program fits every kernel. There are more than a hundred thousand types: they are
walked once, only to learn where each begins, and nothing is decoded that nobody asks for.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from pathlib import Path
from struct import Struct, error

from vethlab.errors import HostError

__all__ = ["VMLINUX", "Btf", "read_kernel"]

VMLINUX = Path("/sys/kernel/btf/vmlinux")

# Numbers and layouts of include/uapi/linux/btf.h
_MAGIC = 0xEB9F
_HEADER = Struct("=HBBIIIII")  # magic, version, flags, its own length, then offset and length of the types and of the strings
_TYPE = Struct("=III")  # btf_type: name, info, size or another type
_MEMBER = Struct("=III")  # btf_member: name, type, offset in bits
_WORD = Struct("=I")
_STRUCT, _UNION, _ENUM, _TYPEDEF, _VOLATILE, _CONST, _RESTRICT, _FUNCTION, _TYPE_TAG, _ENUM64 = 4, 5, 6, 8, 9, 10, 11, 13, 18, 19
_POINTER = 2
_THROUGH = (_TYPEDEF, _VOLATILE, _CONST, _RESTRICT, _TYPE_TAG)
# Words after the three of btf_type: the same for all of a kind, or so many for each element
_FIXED = {1: 1, _POINTER: 0, 3: 3, 7: 0, _TYPEDEF: 0, _VOLATILE: 0, _CONST: 0, _RESTRICT: 0, 12: 0, 14: 1, 16: 0, 17: 1, _TYPE_TAG: 0}
_EACH = {_STRUCT: 3, _UNION: 3, _ENUM: 2, _FUNCTION: 2, 15: 3, _ENUM64: 3}


class _Steps(dict[int, int]):
    """The length in words of a type by its `info`: few infos differ, so nearly every step of the walk is one look-up."""

    def __missing__(self, info: int) -> int:
        kind = info >> 24 & 31
        self[info] = step = 3 + (_FIXED[kind] if kind in _FIXED else _EACH[kind] * (info & 0xFFFF))
        return step


def _unusable(what: str, why: str = "") -> HostError:
    return HostError(f"the kernel's type information does not serve: {what}", slug="no-bpf", where=str(VMLINUX), why=why)


def read_kernel() -> Btf:
    """The types of the running kernel. HostError if it shows none."""
    try:
        data = VMLINUX.read_bytes()
    except OSError as failed:
        raise _unusable("it cannot be read", f"{failed.strerror}: the kernel needs CONFIG_DEBUG_INFO_BTF") from failed
    return Btf(data)


class Btf:
    """The types of one kernel. HostError for bytes that are none, and for a question they do not answer."""

    def __init__(self, data: bytes) -> None:
        try:
            magic, _version, _flags, length, types, types_length, strings, strings_length = _HEADER.unpack_from(data)
        except error as failed:
            raise _unusable("it has no header") from failed
        if magic != _MAGIC:
            raise _unusable(f"it does not begin with the mark of a {sys.byteorder}-endian machine")
        self._types = data[length + types : length + types + types_length]
        self._strings = data[length + strings : length + strings + strings_length]
        self._starts = self._walk()

    def _walk(self) -> array[int]:
        """Where each type begins, in words and by its number; number 0 is void and begins nowhere."""
        words, steps, starts = array("I", self._types), _Steps(), array("I", [0])
        at, end, append = 0, len(words), starts.append
        try:
            while at < end:
                append(at)
                at += steps[words[at + 1]]
        except (KeyError, IndexError) as failed:
            raise _unusable(f"type {len(starts) - 1} is of a kind unknown here", "the kernel is newer than this program") from failed
        return starts

    def offset(self, structure: str, path: str) -> int:
        """Where a member begins, in bytes: `offset("net_device", "nd_net.net")`. Members of unnamed inner structures are found too."""
        number = self._find(structure, _STRUCT)
        found = self._member(number, path.split(".")) if number else None
        if found is None:
            raise _unusable(f"there is no {structure}.{path}")
        return found // 8

    def enum(self, name: str) -> dict[int, str]:
        """The names of an enum's values, these as unsigned 32 bits; empty if the kernel has no such enum."""
        number = self._find(name, _ENUM)
        if not number:
            return {}
        at, (_, info, _) = self._type(number)
        values = (Struct("=II").unpack_from(self._types, at + 12 + 8 * each) for each in range(info & 0xFFFF))
        return {value: self._string(named) for named, value in values}

    def arguments(self, tracepoint: str) -> int:
        """How many arguments a raw tracepoint passes: `btf_trace_NAME` points to void (void *data, ...) (include/trace/bpf_probe.h)."""
        number = self._find(f"btf_trace_{tracepoint}", _TYPEDEF)
        if not number:
            raise _unusable(f"there is no tracepoint {tracepoint}")
        _, (_, _, pointer) = self._type(number)
        _, (_, _, prototype) = self._type(pointer)
        _, (_, info, _) = self._type(prototype)
        return (info & 0xFFFF) - 1

    def _type(self, number: int) -> tuple[int, tuple[int, int, int]]:
        at = self._starts[number] * 4
        name, info, other = _TYPE.unpack_from(self._types, at)
        return at, (name, info, other)

    def _find(self, name: str, kind: int) -> int:
        """The number of a type, 0 if there is none. Names are stored once, so that two types of one name have one offset for it."""
        string = self._strings.find(b"\0" + name.encode() + b"\0") + 1
        wanted, at = _WORD.pack(string), -1
        while string and (at := self._types.find(wanted, at + 1)) >= 0:
            number = bisect_left(self._starts, at // 4, 1)  # the same four bytes may stand inside of another type
            begins = at % 4 == 0 and number < len(self._starts) and self._starts[number] == at // 4
            if begins and self._type(number)[1][1] >> 24 & 31 == kind:
                return number
        return 0

    def _member(self, number: int, path: list[str]) -> int | None:
        """The offset of a member in bits."""
        at, (_, info, _) = self._type(self._plain(number))
        if info >> 24 & 31 not in (_STRUCT, _UNION):
            return None
        mask = 0xFFFFFF if info >> 31 else 0xFFFFFFFF  # with kind_flag the upper byte is the width of a bit field
        named: int
        kind: int
        offset: int
        for each in range(info & 0xFFFF):
            named, kind, offset = _MEMBER.unpack_from(self._types, at + 12 + 12 * each)
            name, inner = self._string(named), None
            if name == path[0]:
                inner = self._member(kind, path[1:]) if path[1:] else 0
            elif not name:
                inner = self._member(kind, path)
            if inner is not None:
                return inner + (offset & mask)
        return None

    def _plain(self, number: int) -> int:
        """What a type is behind its typedefs, const and volatile."""
        while number and (meant := self._type(number)[1])[1] >> 24 & 31 in _THROUGH:
            number = meant[2]
        return number

    def _string(self, at: int) -> str:
        return self._strings[at : self._strings.index(b"\0", at)].decode()
