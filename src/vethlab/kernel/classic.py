"""An assembler of classic BPF: instructions with labels instead of distances (Documentation/networking/filter.rst).

Enters: lines, each a label or an instruction; leaves: a program for kernel.packet.attach. Rule of the file: jumps lead forward only, as
the kernel demands, and at most 255 instructions far; an empty label is the next line. Numbers are those of linux/filter.h and bpf_common.h.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from vethlab.kernel.packet import Instruction

__all__ = [
    "BYTE", "HALF", "NETWORK", "PROTOCOL", "WORD", "Line", "answer", "any_bit", "assemble", "equal", "go", "index", "load", "size_of_ip",
]

WORD, HALF, BYTE = 0x00, 0x08, 0x10  # BPF_W, BPF_H, BPF_B
NETWORK = 0x1_0000_0000 - 0x100000  # SKF_NET_OFF: offsets count from the network header, whatever stands before it
PROTOCOL = 0x1_0000_0000 - 0x1000  # SKF_AD_OFF + SKF_AD_PROTOCOL: the packet's ethertype, tags taken off
_LOAD, _LOAD_INDEXED = 0x20, 0x40  # BPF_LD with BPF_ABS, with BPF_IND
_INDEX, _SIZE_OF_IP = 0x01, 0xB1  # BPF_LDX|BPF_IMM, BPF_LDX|BPF_B|BPF_MSH
_GO, _EQUAL, _ANY_BIT, _ANSWER = 0x05, 0x15, 0x45, 0x06  # BPF_JMP with BPF_JA, BPF_JEQ|BPF_K, BPF_JSET|BPF_K; BPF_RET|BPF_K


class Line(NamedTuple):
    """An instruction whose jumps go to labels."""

    code: int
    value: int
    yes: str = ""
    no: str = ""


def load(size: int, offset: int, *, indexed: bool = False) -> Line:
    """A number of the packet, big-endian; `indexed`: the index register is added to the offset."""
    return Line((_LOAD_INDEXED if indexed else _LOAD) | size, offset)


def index(value: int) -> Line:
    """Set the index register."""
    return Line(_INDEX, value)


def size_of_ip(offset: int) -> Line:
    """Set the index register to the length of the IPv4 header that begins there."""
    return Line(_SIZE_OF_IP, offset)


def equal(value: int, yes: str = "", no: str = "") -> Line:
    """Is what was loaded this number?"""
    return Line(_EQUAL, value, yes, no)


def any_bit(value: int, yes: str = "", no: str = "") -> Line:
    """Is any of these bits set in what was loaded?"""
    return Line(_ANY_BIT, value, yes, no)


def go(label: str) -> Line:
    """Go on there."""
    return Line(_GO, 0, label)


def answer(length: int) -> Line:
    """Keep so many bytes of the packet; 0: it is not wanted."""
    return Line(_ANSWER, length)


def assemble(lines: Iterable[str | Line]) -> list[Instruction]:
    """The program. KeyError for a label that is not there."""
    places: dict[str, int] = {}
    found: list[Line] = []
    for line in lines:
        if isinstance(line, str):
            places[line] = len(found)
        else:
            found.append(line)

    def distance(label: str, at: int) -> int:
        return places[label] - at - 1 if label else 0

    return [
        Instruction(line.code, 0, 0, distance(line.yes, at)) if line.code == _GO
        else Instruction(line.code, distance(line.yes, at), distance(line.no, at), line.value)
        for at, line in enumerate(found)
    ]
