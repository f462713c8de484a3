"""Filters are libpcap's, and say so when it is missing or refuses."""

from __future__ import annotations

import pytest

from vethlab.errors import HostError, UsageError
from vethlab.kernel.packet import Instruction, accept, only_interfaces
from vethlab.lab.capturing import place
from vethlab.observe import filter as filters
from vethlab.observe.capture import Place


def test_an_expression_becomes_a_program() -> None:
    """The last instructions return the length to keep, or nothing."""
    program = filters.compiled("icmp", snaplen=77)
    assert {77, 0} == {one.value for one in program if one.code == 6}


def test_a_bad_expression_is_refused_in_libpcaps_words() -> None:
    """The message holds libpcap's own sentence; the exit code is that of a usage error."""
    with pytest.raises(UsageError, match="syntax error") as caught:
        filters.compiled("icmp and", snaplen=100)
    assert ("bad-filter", 2) == (caught.value.slug, caught.value.exit_code)


def test_a_nul_is_refused() -> None:
    """A character that would cut the expression short is not passed on."""
    with pytest.raises(UsageError, match="NUL"):
        filters.compiled("icmp\0 or tcp", snaplen=100)


def test_without_libpcap_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without libpcap gets exit code 3 and the package to install."""
    monkeypatch.setattr(filters, "LIBRARIES", ("libno-such-thing.so.9",))
    with pytest.raises(HostError) as caught:
        filters.compiled("icmp", snaplen=100)
    assert ("no-libpcap", 3, True) == (caught.value.slug, caught.value.exit_code, "libpcap0.8" in caught.value.help)


def test_interfaces_are_chosen_before_the_filter() -> None:
    """Every jump of the prologue leads to the first instruction of the program, or falls through to a refusal."""
    program = only_interfaces([3, 5, 9], accept(64))
    first = len(program) - 1
    assert [first] * 3 == [at + 1 + one.jump_true for at, one in enumerate(program) if one.code == 0x15]
    assert (Instruction(6, 0, 0, 0), Instruction(6, 0, 0, 64)) == (program[first - 1], program[first])


@pytest.mark.parametrize(("word", "expected"), [("a", Place("a")), ("a:eth0", Place("a", "eth0")), ("host:p-a", Place("host", "p-a"))])
def test_places(word: str, expected: Place) -> None:
    """A node, or an interface of one."""
    assert expected == place(word)


@pytest.mark.parametrize("word", ["", "a:", ":eth0", ":"])
def test_what_is_no_place(word: str) -> None:
    """Half a place is refused."""
    with pytest.raises(UsageError, match="neither a node nor an interface"):
        place(word)
