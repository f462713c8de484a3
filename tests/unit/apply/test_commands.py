"""Command lines of a fix are carried out in order, and the one that fails says what it was and what was said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from vethlab.apply.commands import carry_out, settings
from vethlab.errors import HostError, KernelError
from vethlab.kernel.port import Finished, Namespaces
from vethlab.model.finding import Command


class Recorded:
    """Namespaces that remember what they were asked."""

    def __init__(self, answer: Finished | None = None) -> None:
        self.asked: list[object] = []
        self.answer = answer or Finished(0, "", "")

    def write_sysctls(self, requests: Sequence[tuple[str, str, str]]) -> None:
        """Remember."""
        self.asked.append(list(requests))

    def run(self, name: str, argv: Sequence[str], stdin: str = "") -> Finished:
        """Remember, and answer."""
        self.asked.append((name, tuple(argv), stdin))
        return self.answer


def carried_out(*commands: Command, answer: Finished | None = None) -> list[object]:
    """What the namespaces were asked."""
    recorded = Recorded(answer)
    carry_out(cast("Namespaces", recorded), commands)
    return recorded.asked


def test_everything_is_run_in_its_node_in_order() -> None:
    """Sysctls are written without sysctl(8); other programs are run."""
    assert [
        ("a", ("ip", "link", "set", "eth0", "up"), ""), [("b", "net.ipv4.ip_forward", "1")], ("b", ("nft", "list", "ruleset"), ""),
    ] == carried_out(
        Command("a", ("ip", "link", "set", "eth0", "up")), Command("b", ("sysctl", "-w", "net.ipv4.ip_forward=1")),
        Command("b", ("nft", "list", "ruleset")),
    )


@pytest.mark.parametrize(
    ("argv", "pairs"),
    [
        (("sysctl", "--write", "net.a=1", "net.b=2 3"), [("net.a", "1"), ("net.b", "2 3")]),
        (("/usr/sbin/sysctl", "-qw", "net.a=x=y"), [("net.a", "x=y")]),
        (("sysctl", "net.a"), []),
        (("ip", "address", "add", "net.a=1"), []),
    ],
)
def test_what_is_a_setting(argv: tuple[str, ...], pairs: list[tuple[str, str]]) -> None:
    """Only `key=value` of sysctl(8) is; reading is left to the program."""
    assert pairs == settings(argv)


def test_a_failing_command_is_named_with_what_it_said() -> None:
    """The rest is not run, and the error holds node, command and message."""
    answer = Finished(2, "", "RTNETLINK answers: File exists\n")
    with pytest.raises(KernelError, match=r"run `ip route add 'a b'` in a: RTNETLINK answers: File exists"):
        carried_out(Command("a", ("ip", "route", "add", "a b")), Command("a", ("ip", "link")), answer=answer)


def test_a_silent_failure_tells_its_status() -> None:
    """Where nothing was said there is a number still."""
    with pytest.raises(KernelError, match="it ended with 3"):
        carried_out(Command("a", ("false",)), answer=Finished(3, "", ""))


@pytest.mark.parametrize(("program", "package"), [("ip", "iproute2"), ("bridge", "iproute2"), ("tc", "iproute2"), ("nft", "nftables")])
def test_a_missing_program_is_the_machines_fault(program: str, package: str) -> None:
    """The help names Debian's package."""
    with pytest.raises(HostError) as caught:
        carried_out(Command("a", (program, "x")), answer=Finished(127, "", f"vethlab: {program}: command not found\n"))
    assert ("no-program", f"apt install {package}") == (caught.value.slug, caught.value.help)
