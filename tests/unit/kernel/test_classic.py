"""Labels become distances."""

from __future__ import annotations

import pytest

from vethlab.kernel.classic import BYTE, HALF, WORD, answer, any_bit, assemble, equal, go, index, load, size_of_ip
from vethlab.kernel.packet import Instruction


def test_labels_become_distances() -> None:
    """A jump counts the instructions in between; an empty label is the next one."""
    program = assemble([load(HALF, 12), equal(0x0800, "four", "none"), "six", answer(6), "four", answer(4), "none", answer(0)])
    assert [Instruction(0x28, 0, 0, 12), Instruction(0x15, 1, 2, 0x0800)] == program[:2]
    assert [Instruction(6, 0, 0, 6), Instruction(6, 0, 0, 4), Instruction(6, 0, 0, 0)] == program[2:]


def test_an_unconditional_jump_has_its_distance_as_value() -> None:
    """BPF_JA has 32 bits for it."""
    assert Instruction(0x05, 0, 0, 1) == assemble([go("end"), answer(1), "end", answer(2)])[0]


def test_codes() -> None:
    """The numbers of every kind of instruction (linux/bpf_common.h)."""
    lines = [load(WORD, 1), load(BYTE, 2, indexed=True), index(3), size_of_ip(4), any_bit(5), equal(6)]
    assert [(0x20, 1), (0x50, 2), (0x01, 3), (0xB1, 4), (0x45, 5), (0x15, 6)] == [(one.code, one.value) for one in assemble(lines)]


def test_an_unknown_label_is_an_error() -> None:
    """A program that would jump nowhere is none."""
    with pytest.raises(KeyError):
        assemble([go("nowhere")])
