"""`vethlab explain WORD`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from vethlab.errors import UsageError
from vethlab.present.cli.command import output, verb
from vethlab.present.cli.complete import words
from vethlab.present.cli.terminal import Terminal, screen

if TYPE_CHECKING:
    from vethlab.explain.sysctls import Sysctl
    from vethlab.present.cli.sysctl_values import Value
    from vethlab.present.cli.topics import Topic

__all__ = ["command"]

EXAMPLES = (
    "vethlab explain rp-filter", "vethlab explain net.ipv4.conf.all.rp_filter", "vethlab explain IP_RPFILTER",
    "vethlab explain networks.subnet", "vethlab explain exit-codes", "vethlab explain 5",
)


@verb("explain", examples=EXAMPLES)
@click.argument("word", nargs=-1, shell_complete=words)
@output("text", "json")
def command(word: tuple[str, ...], output: str) -> None:
    """Explain a word: a finding, a sysctl, a drop reason of the kernel, a lab-file key, an exit code, an error.

    A sysctl is shown with its value in every node of your running labs. Without a word, every word it knows is listed.
    """
    from vethlab.present.cli import topics

    asked = " ".join(word).removeprefix("exit ")
    found = topics.find(asked) if asked else []
    if asked and not found:
        near = topics.near(asked)
        raise UsageError(
            f"nothing is known about `{asked}`", slug="unknown-word",
            help=f"did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else "`vethlab explain` lists the words",
        )
    if output == "json":
        from vethlab.present.cli.document import emit

        now = [value._asdict() for one in _sysctls(found) for value in _read(one)]
        emit("explain", {"topics": [topic._asdict() for topic in found or topics.everything()], "values": now})
    elif found:
        _pages(found, screen())
    else:
        _list(topics.words(), screen())


def _pages(found: list[Topic], terminal: Terminal) -> None:
    for number, topic in enumerate(found):
        if number:
            terminal.line()
        terminal.line(f"{terminal.paint(topic.word, 'bold')}  ({topic.kind})")
        for line in topic.text.splitlines():
            terminal.line(line if line.startswith("  ") else _wrapped(line))
        for one in _sysctls([topic]):
            from vethlab.present.cli.sysctl_values import print_values

            print_values(one, terminal)


def _sysctls(found: list[Topic]) -> list[Sysctl]:
    """The sysctls that pages are about; their modules are loaded only if there are such pages."""
    words = [topic.word for topic in found if topic.kind == "sysctl"]
    if not words:
        return []
    from vethlab.explain import sysctls

    return [one for word in words for one in sysctls.find(word)]


def _read(one: Sysctl) -> list[Value]:
    from vethlab.present.cli.sysctl_values import values

    return values(one)


def _list(found: dict[str, list[str]], terminal: Terminal) -> None:
    for kind, names in found.items():
        terminal.line(terminal.paint(kind, "bold"))
        terminal.line(_wrapped("  ".join(names)))


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
