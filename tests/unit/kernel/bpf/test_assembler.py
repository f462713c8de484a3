"""Instructions as the kernel knows them, by hand from include/uapi/linux/bpf.h.

`llvm-mc -triple bpfel -show-encoding` (14) gives the same bytes for each text that it knows: all but values stored at once, and maps.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vethlab.kernel.bpf.assembler import FRAME, R0, R1, R2, R3, R6, R7, R8, R9, Assembler

CASES: dict[str, tuple[Callable[[Assembler], None], str]] = {
    "r6 = r1": (lambda code: code.move(R6, R1), "bf 16 00 00 00 00 00 00"),
    "r0 = 0": (lambda code: code.set(R0, 0), "b7 00 00 00 00 00 00 00"),
    "r2 = -1": (lambda code: code.set(R2, -1), "b7 02 00 00 ff ff ff ff"),
    "r9 += r1": (lambda code: code.add(R9, R1), "0f 19 00 00 00 00 00 00"),
    "r3 += 16": (lambda code: code.add_value(R3, 16), "07 03 00 00 10 00 00 00"),
    "r1 -= r9": (lambda code: code.subtract(R1, R9), "1f 91 00 00 00 00 00 00"),
    "r1 = *(u8 *)(r6 + 8)": (lambda code: code.load(1, R1, R6, 8), "71 61 08 00 00 00 00 00"),
    "r1 = *(u16 *)(r10 - 16)": (lambda code: code.load(2, R1, FRAME, -16), "69 a1 f0 ff 00 00 00 00"),
    "r1 = *(u32 *)(r10 - 24)": (lambda code: code.load(4, R1, FRAME, -24), "61 a1 e8 ff 00 00 00 00"),
    "r7 = *(u64 *)(r6 + 0)": (lambda code: code.load(8, R7, R6, 0), "79 67 00 00 00 00 00 00"),
    "*(u32 *)(r8 + 24) = r1": (lambda code: code.store(4, R8, 24, R1), "63 18 18 00 00 00 00 00"),
    "*(u64 *)(r8 + 8) = r7": (lambda code: code.store(8, R8, 8, R7), "7b 78 08 00 00 00 00 00"),
    "*(u16 *)(r8 + 58) = 2": (lambda code: code.store_value(2, R8, 58, 2), "6a 08 3a 00 02 00 00 00"),
    "*(u64 *)(r10 - 16) = 0": (lambda code: code.store_value(8, FRAME, -16, 0), "7a 0a f0 ff 00 00 00 00"),
    "lock *(u64 *)(r1 + 0) += r2": (lambda code: code.atomic_add(R1, 0, R2), "db 21 00 00 00 00 00 00"),
    "r1 = map fd 5": (lambda code: code.map(R1, 5), "18 11 00 00 05 00 00 00 00 00 00 00 00 00 00 00"),
    "r1 = value of map fd 7": (lambda code: code.map_value(R1, 7), "18 21 00 00 07 00 00 00 00 00 00 00 00 00 00 00"),
    "call 113": (lambda code: code.call(113), "85 00 00 00 71 00 00 00"),
    "exit": (lambda code: code.exit(), "95 00 00 00 00 00 00 00"),
}


@pytest.mark.parametrize("text", CASES)
def test_each_instruction(text: str) -> None:
    """Every instruction has the bytes that the standard gives it."""
    write, expected = CASES[text]
    code = Assembler()
    write(code)
    assert expected == code.code().hex(" ")


def test_jumps_count_from_the_next_instruction() -> None:
    """Forwards over an address of two slots, backwards with a negative number, and to the very next instruction."""
    code = Assembler()
    code.label("again")
    code.jump_equal(R0, 0, "out")
    code.map(R1, 5)
    code.jump_unequal(R8, 3, "again")
    code.jump("out")
    code.label("out")
    code.exit()
    slots = code.code()
    found = [slots[at : at + 8].hex(" ") for at in (0, 24, 32)]
    assert ["15 00 04 00 00 00 00 00", "55 08 fc ff 03 00 00 00", "05 00 00 00 00 00 00 00"] == found


def test_a_label_that_is_nowhere() -> None:
    """A jump that leads nowhere is noticed here, not by the verifier."""
    code = Assembler()
    code.jump("nowhere")
    with pytest.raises(KeyError, match="nowhere"):
        code.code()
