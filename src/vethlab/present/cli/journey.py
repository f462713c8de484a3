"""The way of a packet as a table, a step a line: who saw it, what it was, when; where it died, and what it never reached.

Enters: an Explanation; leaves: lines. Rule of the file: the steps are those of present/steps.py, here they only get their columns.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from vethlab.present.cli.terminal import Terminal, visible
from vethlab.present.steps import NEVER, WAYS, Step, asks, clock, steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vethlab.model.finding import Explanation, PathHop

__all__ = ["FIXED", "clock", "over", "steps", "table", "way"]

WHAT = 56  # columns that `what` takes at most before the times move to the right
LOOPBACK = "lo"
FIXED = "\N{NO-BREAK SPACE}"  # textwrap breaks lines at ASCII white space only


def table(explanation: Explanation, terminal: Terminal) -> bool:
    """Print both ways, hops numbered through. False if there is nothing to print."""
    request, reply = steps(explanation)
    every = [*request, *reply]
    if not every:
        return False
    widths = [max(len(step[column]) for step in every) for column in range(3)]
    what = min(WHAT, max(len(step.what) for step in every))
    where = sum(widths) + 2 * sum(width > 0 for width in widths[1:])
    terminal.line(terminal.paint(f"   hop   {'where':<{where}}   {'what':<{what}}  {'time':>8}", "dim"))
    for number, step in enumerate(every, 1):
        if reply and number == len(request) + 1:
            terminal.line(terminal.paint(f"{'':9}the reply", "dim"))
        terminal.line(_line(number, step, widths, what, terminal))
    return True


def way(hops: Sequence[PathHop], terminal: Terminal) -> str:
    """`box:va tx 1 · box:vb rx 1`: how many frames which interface sent and received; ARP only if the question was about nothing else."""
    counted = [hop for hop in hops if not asks(hop.note)] or hops
    counts = Counter((f"{hop.node}:{hop.interface}", WAYS.get(hop.direction, hop.direction)) for hop in counted)
    words = (f"{place}{FIXED}{direction}{FIXED}{count}" for (place, direction), count in counts.items())
    text = f"{FIXED}{terminal.mark('dot')} ".join(words)
    return f"over lo: {text}" if over(hops, LOOPBACK) else text


def over(hops: Iterable[PathHop], interface: str) -> bool:
    """Whether a way leads over this interface and no other."""
    return {hop.interface for hop in hops} == {interface}


def _line(number: int, step: Step, widths: list[int], what: int, terminal: Terminal) -> str:
    place = "  ".join(f"{cell:<{width}}" for cell, width in zip(step[:3], widths, strict=True) if width)
    text = f"   {place}   {step.what:<{what}}  {step.time:>8}"
    if step.time == NEVER:
        text = terminal.paint(text.rstrip(), "dim")
    tail = f"   {step.tail}" if step.tail else ""
    if not step.mark:
        return f"{number:>6}{text}{tail}".rstrip()
    lead = f"{terminal.mark(step.mark)} {number}"
    return f"{' ' * (6 - visible(lead))}{lead}{terminal.paint(f'{text}{tail}'.rstrip(), 'red')}"

