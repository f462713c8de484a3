"""A question about packets, as `why`, `trace` and `fix` are asked it: two ends and what is sent.

Enters: arguments, a path of a check or a flow; leaves: a Question, the keywords of `Lab.why` and the command line that asks it again.
Rule of the file: what a word means (node, interface, address) is the facade's business; options that contradict each other are refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from vethlab.errors import UsageError
from vethlab.present.cli.command import option
from vethlab.present.cli.complete import labs, nodes

if TYPE_CHECKING:
    from vethlab.model.flow import Flow
    from vethlab.model.path import Path

__all__ = ["Question", "asks"]

PORT = click.IntRange(1, 65535)
SIZE = click.IntRange(0, 65507)  # the most that one IPv4 packet carries behind an ICMP header
OVER = {"tcp": "tcp", "http": "tcp", "udp": "udp"}  # what a check's kind is carried by


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. Without ends it is the last question that failed."""

    src: str | None
    dst: str | None
    kind: str = "ping"
    port: int | None = None
    size: int | None = None
    lab: str | None = None

    @classmethod
    def of_options(
        cls, src: str | None, dst: str | None, *, tcp: int | None, udp: int | None, size: int | None, arp: bool, lab: str | None,
    ) -> Question:
        """From a command line. UsageError if it asks for two things at once."""
        given = [name for name, said in (("--tcp", tcp), ("--udp", udp), ("--arp", arp or None)) if said is not None]
        given += ["--size"] if size is not None else []
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} together make no sense", help="one probe has one kind; --size is for pings")
        if dst is None and (src is not None or given):
            raise UsageError("only one end is named" if src else f"{given[0]} without ends", help="name both ends: SRC DST")
        kind = "tcp" if tcp is not None else "udp" if udp is not None else "arp" if arp else "ping"
        return cls(src, dst, kind, tcp if tcp is not None else udp, size, lab)

    @classmethod
    def of_path(cls, path: Path, *, lab: str | None = None) -> Question:
        """About a path of a check."""
        target = path.target if path.port is None else path.target.removesuffix(f":{path.port}")
        return cls(f"{path.src}:{path.interface}" if path.interface else path.src, target, OVER.get(path.kind, "ping"), path.port, lab=lab)

    @classmethod
    def of_flow(cls, flow: Flow, *, lab: str | None = None) -> Question:
        """The one that an answer answered."""
        return cls(str(flow.src), str(flow.dst), flow.kind, flow.port, flow.size, lab)

    @property
    def how(self) -> dict[str, Any]:
        """The keywords for `Lab.why`, ends excepted."""
        return {"kind": self.kind, "port": self.port, "size": self.size}

    def line(self, verb: str) -> str:
        """`vethlab why a b --tcp 80`, with the lab where it was named."""
        kind = {"ping": "", "arp": "--arp"}.get(self.kind, f"--{self.kind} {self.port}")
        size = "" if self.size is None else f"--size {self.size}"
        words = ("vethlab", verb, self.src, self.dst, kind, size, f"-l {self.lab}" if self.lab else "")
        return " ".join(word for word in words if word)


def asks(*, required: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """SRC, DST and the options that say what is sent; the command gets them as `question`."""

    def make(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(**words: Any) -> Any:
            given = {name: words.pop(name) for name in ("src", "dst", "tcp", "udp", "size", "arp", "lab")}
            return function(question=Question.of_options(given.pop("src"), given.pop("dst"), **given), **words)

        for add in reversed(_parameters(required=required)):
            called = add(called)
        return called

    return make


def _parameters(*, required: bool) -> list[Callable[[Any], Any]]:
    return [
        click.argument("src", required=required, shell_complete=nodes),
        click.argument("dst", required=required, shell_complete=nodes),
        option("--tcp", setting=False, type=PORT, metavar="PORT", help="Ask about a TCP connection to this port."),
        option("--udp", setting=False, type=PORT, metavar="PORT", help="Ask about a UDP datagram to this port."),
        option("--size", setting=False, type=SIZE, metavar="BYTES", help="Ping with so many bytes, which no router may split."),
        option("--arp", setting=False, is_flag=True, help="Ask about ARP (IPv6: neighbour discovery) alone."),
        option("-l", "--lab", metavar="LAB", shell_complete=labs, is_eager=True, help="The running lab."),
    ]
