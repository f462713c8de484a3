"""What the machine refuses is said in words, by `available` beforehand and by an error afterwards; and what other kernels need is taken."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from vethlab.errors import HostError
from vethlab.kernel.bpf import program
from vethlab.kernel.bpf.assembler import R0, R9, Assembler
from vethlab.kernel.bpf.btf import read_kernel
from vethlab.kernel.bpf.tracepoints import MEMBERS, Maps, program_at
from vethlab.kernel.bpf.tracer import Tracer, available

pytestmark = [pytest.mark.system, pytest.mark.skipif(bool(available()), reason=available() or "BPF works here")]
_ASK = """
from vethlab.errors import HostError
from vethlab.kernel.bpf.tracer import Tracer, available
print(available())
try:
    Tracer([1])
except HostError as error:
    print(error.slug, error.message)
"""


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (["setpriv", "--reuid=65534", "--clear-groups"], "BPF needs root"),
        (["unshare", "--user", "--map-root-user"], "the kernel refuses a BPF map: Operation not permitted"),
    ],
    ids=["an ordinary user", "root of a user namespace"],
)
def test_who_is_not_root(prefix: list[str], expected: str) -> None:
    """An ordinary user, and whoever is root in a user namespace only: the reason beforehand, and an error for who does not ask."""
    done = subprocess.run([*prefix, sys.executable, "-c", _ASK], capture_output=True, text=True, check=False, cwd="/")
    assert ([expected, "no-bpf the kernel refuses a BPF map: Operation not permitted"], "") == (done.stdout.splitlines(), done.stderr)


def test_the_verifier_speaks() -> None:
    """A program that the verifier does not take: its own last words are the reason."""
    code = Assembler()
    code.move(R0, R9)
    code.exit()
    with pytest.raises(HostError, match="refuses a BPF program: Permission denied") as caught:
        program.load_raw_tracepoint(code.code())
    assert ("no-bpf", True) == (caught.value.slug, "R9 !read_ok" in caught.value.why)


def test_a_ring_of_an_odd_size() -> None:
    """A size that is no power of two is the kernel's to refuse, and no descriptor stays open."""
    before = _bpf_descriptors()
    with pytest.raises(HostError, match="refuses a BPF map: Invalid argument"):
        Tracer([1], size=5000)
    assert before == _bpf_descriptors()


def _bpf_descriptors() -> list[str]:
    """Those of BPF only: what other tests left to the garbage collector may be closed at any time."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the descriptor that lists the folder
            if "bpf" in (kind := str(entry.readlink())):
                found.append(f"{entry.name} {kind}")
    return sorted(found)


def test_a_tracepoint_that_is_not_there() -> None:
    """A program is for tracepoints that exist: the error names the one that does not."""
    code = Assembler()
    code.set(R0, 0)
    code.exit()
    descriptor = program.load_raw_tracepoint(code.code())
    try:
        with pytest.raises(HostError, match="at the tracepoint nowhere: No such file"):
            program.attach_raw_tracepoint("nowhere", descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(("kind", "arguments"), [("consume", 1), ("drop", 2), ("drop", 3), ("drop", 4)])
def test_programs_for_other_kernels_are_taken(kind: str, arguments: int) -> None:
    """Whatever number of arguments a kernel passes, the verifier takes the program that is written for it."""
    types = read_kernel()
    members = {name: types.offset(*member) for name, member in MEMBERS.items()}
    shapes = ((program.HASH, 4, 4, 1), (program.RING, 0, 0, 4096), (program.ARRAY, 4, 8, 1))
    maps = Maps(*(program.create_map(*shape) for shape in shapes))
    try:
        loaded = program.load_raw_tracepoint(program_at(kind, members, arguments, maps))
        os.close(loaded)
    finally:
        for descriptor in maps:
            os.close(descriptor)
    assert loaded > 0
