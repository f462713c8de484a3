"""How text looks: times, widths, progress."""

from __future__ import annotations

import io
import signal
import sys

import pytest

from vethlab.present.cli.terminal import Terminal, duration, plural, progress, visible


class Screen(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        """It is looked at."""
        return True


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00004, "0.04 ms"), (0.0032, "3.2 ms"), (0.012, "12 ms"), (0.999, "999 ms"), (0.9999, "1.0 s"), (1.12, "1.1 s"), (3.0, "3 s"),
        (61.4, "61 s"), (200, "3 min"), (7300, "2 h"), (200_000, "2 d"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    """A time has two digits that matter and a unit people use."""
    assert text == duration(seconds)


@pytest.mark.parametrize(("count", "text"), [(0, "0 nodes"), (1, "1 node"), (2450, "2,450 nodes")])
def test_counts_agree_with_their_noun(count: int, text: str) -> None:
    """One node, two nodes."""
    assert text == plural(count, "node")


def test_colours_take_no_columns() -> None:
    """The right-hand column stands still when text is coloured."""
    plain, coloured = io.StringIO(), io.StringIO()
    for stream, colour in ((plain, False), (coloured, True)):
        terminal = Terminal(stream, colour=colour, unicode=True)
        terminal.line(f"{terminal.mark('ok')} pair is up", "12 ms")
    assert [64] == list({visible(stream.getvalue().rstrip("\n")) for stream in (plain, coloured)})


def test_no_progress_before_300_ms(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab that is up in a blink shows only its result."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress("building"):
        pass
    assert "" == screen.getvalue()


def test_progress_on_a_terminal_is_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 300 ms a line says what goes on; at the end it is gone and the timer too."""
    monkeypatch.setattr("vethlab.present.cli.terminal.PROGRESS_AFTER", 0.01)
    monkeypatch.setenv("LANG", "C.UTF-8")
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    before = signal.getsignal(signal.SIGALRM)
    with progress("building"):
        signal.pause()
    assert (True, True) == (screen.getvalue().startswith("\rbuilding "), screen.getvalue().endswith("\r\x1b[K"))
    assert (before, (0.0, 0.0)) == (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL))


def test_no_progress_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log file gets no progress, however long it takes."""
    monkeypatch.setattr("vethlab.present.cli.terminal.PROGRESS_AFTER", 0.0)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    before = signal.getsignal(signal.SIGALRM)
    with progress("building"):
        assert before == signal.getsignal(signal.SIGALRM)
    assert "" == stream.getvalue()
