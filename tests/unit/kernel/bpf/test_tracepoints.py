"""The programs, as far as they can be judged without a kernel: what they read of a tracepoint's arguments, and in which order."""

from __future__ import annotations

import pytest

from vethlab.errors import HostError
from vethlab.kernel.bpf.assembler import R6
from vethlab.kernel.bpf.program import system_call_number
from vethlab.kernel.bpf.tracepoints import MEMBERS, Maps, program_at

OFFSETS = {name: 8 * at for at, name in enumerate(MEMBERS)}
LOAD_U64, CALL, LOOK_UP, RESERVE = 0x79, 0x85, 1, 131


def slots(kind: str, arguments: int) -> list[bytes]:
    """The instructions of a program."""
    code = program_at(kind, OFFSETS, arguments, Maps(3, 4, 5))
    return [code[at : at + 8] for at in range(0, len(code), 8)]


@pytest.mark.parametrize(
    ("kind", "arguments", "expected"),
    [
        ("queue", 1, {0}), ("receive", 1, {0}),
        ("consume", 1, {0}), ("consume", 2, {0, 1}),
        ("drop", 2, {0, 1}), ("drop", 3, {0, 1, 2}), ("drop", 4, {0, 1, 2, 3}),
    ],
    ids=["queue", "receive", "consume before 6.3", "consume", "drop before 5.17", "drop before 6.11", "drop"],
)
def test_no_argument_is_read_that_the_kernel_does_not_pass(kind: str, arguments: int, expected: set[int]) -> None:
    """What lies behind a tracepoint's last argument is rubbish, and the verifier does not know."""
    read = {one[2] // 8 for one in slots(kind, arguments) if one[0] == LOAD_U64 and one[1] >> 4 == R6}
    assert expected == read


@pytest.mark.parametrize("kind", ["queue", "receive", "drop", "consume"])
def test_the_namespace_comes_first(kind: str) -> None:
    """The look-up of the packet's namespace stands before room for an event is taken."""
    calls = [number for one in slots(kind, 1) if one[0] == CALL and (number := int.from_bytes(one[4:], "little")) in (LOOK_UP, RESERVE)]
    assert [LOOK_UP, RESERVE] == calls


def test_system_call_numbers() -> None:
    """Two architectures are known; on any other the error says which."""
    assert (321, 280) == (system_call_number("x86_64"), system_call_number("aarch64"))
    with pytest.raises(HostError, match="no BPF on s390x") as caught:
        system_call_number("s390x")
    assert ("no-bpf", True) == (caught.value.slug, "x86_64 and aarch64" in caught.value.why)
