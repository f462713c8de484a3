"""A tiny assembler: the instructions that a tracing program needs, with labels (Documentation/bpf/standardization/instruction-set.rst).

Enter: registers, numbers and labels; leaves: the bytes of struct bpf_insn, eight an instruction. Rule of the file: each method adds one
instruction of the kernel's (a map's address takes two slots) and decides nothing; numbers are those of include/uapi/linux/bpf.h, and the
nibbles of two registers stand as a little-endian machine wants them (kernel/bpf/program.py knows no other).
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

__all__ = ["FRAME", "R0", "R1", "R2", "R3", "R6", "R7", "R8", "R9", "Assembler"]

# R0: results; R1-R5: arguments, lost by a call; R6-R9: kept over calls; R10: the end of the stack, read only
R0, R1, R2, R3, R6, R7, R8, R9, FRAME = 0, 1, 2, 3, 6, 7, 8, 9, 10

_INSTRUCTION = Struct("<BBhi")
_SIZES = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}  # BPF_B, BPF_H, BPF_W, BPF_DW
_LOAD, _STORE_VALUE, _STORE, _ATOMIC = 0x61, 0x62, 0x63, 0xC3  # BPF_LDX, BPF_ST, BPF_STX with BPF_MEM; BPF_STX with BPF_ATOMIC
_LOAD_WIDE = 0x18  # BPF_LD | BPF_IMM | BPF_DW: two slots
_PSEUDO_MAP, _PSEUDO_MAP_VALUE = 1, 2  # BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE
_ADD, _ADD_VALUE, _SUBTRACT, _MOVE, _MOVE_VALUE = 0x0F, 0x07, 0x1F, 0xBF, 0xB7  # BPF_ALU64
_JUMP, _EQUAL, _UNEQUAL, _CALL, _EXIT = 0x05, 0x15, 0x55, 0x85, 0x95  # BPF_JMP


class _Instruction(NamedTuple):
    """One slot; `label` is where it jumps to, resolved when all labels are known."""

    code: int
    target: int = 0
    source: int = 0
    offset: int = 0
    value: int = 0
    label: str = ""


class Assembler:
    """A program in the making."""

    def __init__(self) -> None:
        self._slots: list[_Instruction] = []
        self._labels: dict[str, int] = {}

    def move(self, target: int, source: int) -> None:
        """`target = source`."""
        self._slots.append(_Instruction(_MOVE, target, source))

    def set(self, target: int, value: int) -> None:
        """`target = value`, its sign extended."""
        self._slots.append(_Instruction(_MOVE_VALUE, target, value=value))

    def add(self, target: int, source: int) -> None:
        """`target += source`."""
        self._slots.append(_Instruction(_ADD, target, source))

    def add_value(self, target: int, value: int) -> None:
        """`target += value`."""
        self._slots.append(_Instruction(_ADD_VALUE, target, value=value))

    def subtract(self, target: int, source: int) -> None:
        """`target -= source`."""
        self._slots.append(_Instruction(_SUBTRACT, target, source))

    def load(self, size: int, target: int, source: int, offset: int) -> None:
        """Into target the `size` bytes at source + offset, and zeros above them."""
        self._slots.append(_Instruction(_LOAD | _SIZES[size], target, source, offset))

    def store(self, size: int, target: int, offset: int, source: int) -> None:
        """To target + offset the lower `size` bytes of source."""
        self._slots.append(_Instruction(_STORE | _SIZES[size], target, source, offset))

    def store_value(self, size: int, target: int, offset: int, value: int) -> None:
        """To target + offset a value of `size` bytes."""
        self._slots.append(_Instruction(_STORE_VALUE | _SIZES[size], target, 0, offset, value))

    def atomic_add(self, target: int, offset: int, source: int) -> None:
        """Add source to the eight bytes at target + offset, whatever other processors do meanwhile."""
        self._slots.append(_Instruction(_ATOMIC | _SIZES[8], target, source, offset))

    def map(self, target: int, descriptor: int) -> None:
        """Into target the map behind a descriptor, for a call."""
        self._slots += [_Instruction(_LOAD_WIDE, target, _PSEUDO_MAP, value=descriptor), _Instruction(0)]

    def map_value(self, target: int, descriptor: int) -> None:
        """Into target the address of the first value of an array map."""
        self._slots += [_Instruction(_LOAD_WIDE, target, _PSEUDO_MAP_VALUE, value=descriptor), _Instruction(0)]

    def call(self, function: int) -> None:
        """`R0 = function(R1, ...)`, by its number in include/uapi/linux/bpf.h."""
        self._slots.append(_Instruction(_CALL, value=function))

    def jump(self, label: str) -> None:
        """Go on at the label."""
        self._slots.append(_Instruction(_JUMP, label=label))

    def jump_equal(self, target: int, value: int, label: str) -> None:
        """Go on at the label if target == value."""
        self._slots.append(_Instruction(_EQUAL, target, value=value, label=label))

    def jump_unequal(self, target: int, value: int, label: str) -> None:
        """Go on at the label if target != value."""
        self._slots.append(_Instruction(_UNEQUAL, target, value=value, label=label))

    def label(self, name: str) -> None:
        """Name the next instruction, for jumps."""
        self._labels[name] = len(self._slots)

    def exit(self) -> None:
        """End, with R0 as the result."""
        self._slots.append(_Instruction(_EXIT))

    def code(self) -> bytes:
        """The program. KeyError for a jump to a label that is nowhere."""
        return b"".join(self._encoded(at, slot) for at, slot in enumerate(self._slots))

    def _encoded(self, at: int, slot: _Instruction) -> bytes:
        offset = self._labels[slot.label] - at - 1 if slot.label else slot.offset  # counted from the instruction after the jump
        return _INSTRUCTION.pack(slot.code, slot.source << 4 | slot.target, offset, slot.value)
