"""How text looks on the two streams: colour, marks, right-hand times, a line of progress after 300 ms.

Rule of the file: colour is never the only signal, and nothing is decorated where nobody looks: no TTY, no colour, no progress.
Marks are ASCII where the locale is not UTF-8.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TextIO

import click

from vethlab.present.cli.command import COLOR
from vethlab.present.times import duration

__all__ = ["Terminal", "duration", "errors", "plural", "progress", "screen", "tell", "visible"]

COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36", "dim": "2", "bold": "1"}
UNICODE = {"ok": "✓", "fail": "✗", "none": "–", "warn": "!", "arrow": "→", "dot": "·", "self": "·"}  # noqa: RUF001 - a dash
ASCII = {"ok": "ok", "fail": "FAIL", "none": "-", "warn": "!", "arrow": "->", "dot": "-", "self": "."}
PLAIN = str.maketrans({"→": "->", "←": "<-", "·": "-", "–": "-", "…": "...", "µ": "u", "✗": "FAIL", "✓": "ok"})  # noqa: RUF001 - a dash
WIDTH = 64
PROGRESS_AFTER = 0.3


@dataclass(frozen=True, slots=True)
class Terminal:
    """One stream and what it can show."""

    stream: TextIO
    colour: bool
    unicode: bool

    def mark(self, name: str) -> str:
        """A mark, coloured where it may be."""
        text = (UNICODE if self.unicode else ASCII)[name]
        colour = {"ok": "green", "fail": "red", "warn": "yellow", "none": "dim"}.get(name)
        return self.paint(text, colour) if colour else text

    def paint(self, text: str, colour: str) -> str:
        """`text` in a colour, or as it is."""
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if self.colour else text

    def line(self, text: str = "", right: str = "") -> None:
        """A line, with `right` (a time, mostly) in the right-hand column."""
        if right:
            text = f"{text}{' ' * max(2, WIDTH - visible(text) - len(right))}{self.paint(right, 'dim')}"
        self.write(text + "\n")

    def write(self, text: str) -> None:
        """Text as it is, in ASCII where the terminal cannot show more."""
        if self.stream is sys.stderr:
            tell(text if self.unicode else text.translate(PLAIN))
        else:
            self.stream.write(text if self.unicode else text.translate(PLAIN))


def screen() -> Terminal:
    """Standard output: data."""
    return _terminal(sys.stdout)


def errors() -> Terminal:
    """Standard error: progress, hints, errors."""
    return _terminal(sys.stderr)


def tell(text: str) -> None:
    """Write to standard error; what nobody can read (a closed terminal, a full disk) changes no exit status and cuts no clean-up short."""
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def visible(text: str) -> int:
    """The columns `text` takes, escape sequences not counted (names are ASCII, marks are one column each)."""
    count, inside = 0, False
    for character in text:
        if character == "\x1b":
            inside = True
        elif inside:
            inside = character != "m"
        else:
            count += 1
    return count


def plural(count: int, noun: str) -> str:
    """`1 node`, `2 nodes`, `2,450 paths`."""
    return f"{count:,} {noun}{'' if count == 1 else 'es' if noun.endswith('s') else 's'}"


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Say on a TTY that `what` still goes on, from 300 ms on; the line is gone afterwards.

    A timer signal and not a thread: unshare(CLONE_NEWUSER) fails in a process with a second thread (user_namespaces(7), EINVAL).
    """
    if not sys.stderr.isatty():
        yield
        return
    import signal
    import time

    began = time.monotonic()

    def show(_number: int, _frame: object) -> None:
        tell(f"\r{what} {errors().mark('dot')} {time.monotonic() - began:.1f} s\x1b[K")

    before = signal.signal(signal.SIGALRM, show)
    signal.setitimer(signal.ITIMER_REAL, PROGRESS_AFTER, 0.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if time.monotonic() - began >= PROGRESS_AFTER:
            tell("\r\x1b[K")


def _terminal(stream: TextIO) -> Terminal:
    context = click.get_current_context(silent=True)
    wish = context.meta.get(COLOR) if context is not None else None
    return Terminal(stream, _colour(stream, wish or "auto"), _unicode(stream))


def _colour(stream: TextIO, wish: str) -> bool:
    if wish != "auto":
        return wish == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _unicode(stream: TextIO) -> bool:
    # Python writes UTF-8 even in the C locale (PEP 538, PEP 540), so the locale's own words decide what the terminal can show.
    locale = next((value for key in ("LC_ALL", "LC_CTYPE", "LANG") if (value := os.environ.get(key))), "")
    return "utf" in locale.lower() and "utf" in (stream.encoding or "").lower()
