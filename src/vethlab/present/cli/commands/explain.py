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
    from vethlab.present.cli.topics import Topic

__all__ = ["command"]

EXAMPLES = ("vethlab explain networks.subnet", "vethlab explain exit-codes", "vethlab explain 5", "vethlab explain not-built-yet")


@verb("explain", examples=EXAMPLES)
@click.argument("word", nargs=-1, shell_complete=words)
@output("text", "json")
def command(word: tuple[str, ...], output: str) -> None:
    """Explain a word: a lab-file key, an exit code, an error.

    Without a word, every word it knows is listed.
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

        emit("explain", {"topics": [topic._asdict() for topic in found or topics.topics().values()]})
    elif found:
        _pages(found, screen())
    else:
        _list(list(topics.topics().values()), screen())


def _pages(found: list[Topic], terminal: Terminal) -> None:
    for number, topic in enumerate(found):
        if number:
            terminal.line()
        terminal.line(f"{terminal.paint(topic.word, 'bold')}  ({topic.kind})")
        for line in topic.text.splitlines():
            terminal.line(line if line.startswith("  ") else _wrapped(line))


def _list(found: list[Topic], terminal: Terminal) -> None:
    for kind in dict.fromkeys(topic.kind for topic in found):
        terminal.line(terminal.paint(kind, "bold"))
        names = "  ".join(topic.word for topic in found if topic.kind == kind)
        terminal.line(_wrapped(names))


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
