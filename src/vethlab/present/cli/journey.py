"""The way of a packet as a table, a step a line: who saw it, what it was, when; where it died, and what it never reached.

Enters: an Explanation; leaves: lines. Rule of the file: a step is shown as it was seen, in the order in which it was seen; the only line
that nobody saw is the verdict's place, and it says so.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from vethlab.present.cli.terminal import Terminal, duration, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vethlab.model.finding import Explanation, Finding, PathHop

__all__ = ["FIXED", "clock", "over", "steps", "table", "way"]

WAYS = {"out": "tx", "in": "rx"}
WHAT = 56  # columns that `what` takes at most before the times move to the right
LOOPBACK = "lo"
FIXED = "\N{NO-BREAK SPACE}"  # textwrap breaks lines at ASCII white space only
NEIGHBOURS = ("ARP ", "solicitation: ", "advertisement: ")  # frames that ask for the way, and those that answer (explain/seen.py)


class Step(NamedTuple):
    """One line. `way`: tx, rx, or the stage at which the kernel decided; `mark`: the name of a mark, for the line that failed."""

    node: str
    interface: str
    way: str
    what: str
    time: str
    tail: str = ""
    mark: str = ""


def steps(explanation: Explanation) -> tuple[list[Step], list[Step]]:
    """The lines of the request and those of the reply."""
    request, reply = [_seen(hop) for hop in explanation.request], [_seen(hop) for hop in explanation.reply]
    verdict = explanation.verdict
    if verdict is None:
        return request, reply
    never = _never(explanation)
    if verdict.direction == "reply":
        return request, _ended(reply, verdict, never)
    return _ended(request, verdict, never), reply


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
    counted = [hop for hop in hops if not hop.note.startswith(NEIGHBOURS)] or hops
    counts = Counter((f"{hop.node}:{hop.interface}", WAYS.get(hop.direction, hop.direction)) for hop in counted)
    words = (f"{place}{FIXED}{direction}{FIXED}{count}" for (place, direction), count in counts.items())
    text = f"{FIXED}{terminal.mark('dot')} ".join(words)
    return f"over lo: {text}" if over(hops, LOOPBACK) else text


def over(hops: Iterable[PathHop], interface: str) -> bool:
    """Whether a way leads over this interface and no other."""
    return {hop.interface for hop in hops} == {interface}


def clock(ns: int) -> str:
    """Since the first step: `0 µs`, `+4 µs`, `+1.2 ms`."""
    if ns < 1_000_000:
        return f"{'+' if ns else ''}{ns / 1000:.0f} µs"
    return f"+{duration(ns / 1e9)}"


def _seen(hop: PathHop) -> Step:
    return Step(hop.node, hop.interface, WAYS.get(hop.direction, hop.direction), hop.note, clock(hop.ns))


def _never(explanation: Explanation) -> list[Step]:
    seen = {f"{hop.node}:{hop.interface}" for hop in (*explanation.request, *explanation.reply)}
    places = (place.partition(":") for place in dict.fromkeys(explanation.expected) if place not in seen)
    return [Step(node, interface, "", "", "never") for node, _, interface in places]


def _ended(seen: list[Step], verdict: Finding, never: list[Step]) -> list[Step]:
    """What was seen, the verdict's own line, what was never reached. A packet that never came near the fault was last seen elsewhere."""
    where, last = verdict.where, verdict.last_seen
    near = last is None or not seen or where.node in {step.node for step in seen}
    own = Step(where.node, where.interface or "", where.stage, verdict.slug, "", "← died here" if near else "← at fault", "fail")
    if not near and last is not None:
        for position in range(len(seen) - 1, -1, -1):
            if seen[position].node == last.node and last.interface in {None, seen[position].interface}:
                seen = [*seen[:position], seen[position]._replace(tail="← last seen here"), *seen[position + 1 :]]
                break
    for position, step in enumerate(never):
        if step[:2] == own[:2]:
            return [*seen, *never[:position], own, *never[position + 1 :]]
    return [*seen, own, *never]


def _line(number: int, step: Step, widths: list[int], what: int, terminal: Terminal) -> str:
    place = "  ".join(f"{cell:<{width}}" for cell, width in zip(step[:3], widths, strict=True) if width)
    text = f"   {place}   {step.what:<{what}}  {step.time:>8}"
    if step.time == "never":
        text = terminal.paint(text.rstrip(), "dim")
    tail = f"   {step.tail}" if step.tail else ""
    if not step.mark:
        return f"{number:>6}{text}{tail}".rstrip()
    lead = f"{terminal.mark(step.mark)} {number}"
    return f"{' ' * (6 - visible(lead))}{lead}{terminal.paint(f'{text}{tail}'.rstrip(), 'red')}"

