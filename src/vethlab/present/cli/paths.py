"""What enters: the Report of a check and its causes. What leaves: lines, a matrix, a summary grouped by cause, or the rows of `check/1`.

Rule of the file: up to 12 nodes everything is shown, beyond that only what failed, unless it is asked for (`-o wide`).
A path's `ok` in JSON is the judgement: a path that is expected to be blocked and is, is ok.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vethlab.present.cli.causes import Cause, causes, reason
from vethlab.present.cli.terminal import Terminal, duration, errors, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vethlab.model.path import Path, Report, Result

__all__ = ["document", "label", "show"]

MATRIX_NODES = 12
LINES = 24
EXAMPLES = 5
WIDE = 96


def show(
    report: Report, terminal: Terminal, *, wide: bool = False, explained: Sequence[Cause] | None = None, lab: str | None = None,
) -> None:
    """Print a report. `explained`: its causes, if `why` was asked about them; `lab`: the lab's name, if it takes -l to mean it."""
    found = causes(report) if explained is None else explained
    failed = [result for result in report.results if not result.passed]
    grid = _grid(report)
    nodes = len({name for pair in grid for name in pair})
    if nodes > 2 and (wide or nodes <= MATRIX_NODES):  # two nodes are two lines
        _matrix(grid, terminal)
    elif wide or len(report.results) <= LINES:
        for result in report.results:
            _line(result, terminal)
        failed = []
    _total(report, len(found), terminal)
    if failed or explained is not None:
        for cause in found:
            _cause(cause, terminal)
    for note in report.notes:
        terminal.line(terminal.paint(f"  note: {note}", "dim"))
    if found:
        _next(found, lab)


def document(lab: str, report: Report, *, explained: Sequence[Cause] | None = None) -> dict[str, Any]:
    """The body of `check/1`."""
    from vethlab.present.cli.answers import verdict

    return {
        "lab": lab, "ok": report.ok, "passed": sum(result.passed for result in report.results), "of": len(report.results),
        "seconds": round(report.seconds, 6),
        "paths": [_row(result) for result in report.results],
        "causes": [
            {
                "finding": one.finding, "reason": one.reason, "count": len(one.results),
                "paths": [label(result.path) for result in one.results], "verdict": verdict(one.verdict),
            }
            for one in (causes(report) if explained is None else explained)
        ],
        "notes": list(report.notes),
    }


def label(path: Path, arrow: str = "->") -> str:
    """`a -> b`, `a:eth0 -> 10.0.0.1:80`; the kind is said where it is not a ping."""
    kind = "" if path.kind == "ping" else f"{path.kind} "
    return f"{kind}{_source(path)} {arrow} {_target(path)}"


def _source(path: Path) -> str:
    return f"{path.src}:{path.interface}" if path.interface else path.src


def _target(path: Path) -> str:
    target = path.target
    if path.port is None or target.endswith(f":{path.port}"):
        return target
    return f"[{target}]:{path.port}" if target.count(":") > 1 else f"{target}:{path.port}"


def _row(result: Result) -> dict[str, Any]:
    path = result.path
    return {
        "kind": path.kind, "src": _source(path), "dst": _target(path), "address": str(path.dst), "ok": result.passed,
        "rtt_us": None if result.rtt_us is None else round(result.rtt_us, 1), "finding": result.finding, "expect": path.expect,
        "through": result.ok, "reason": None if result.passed else reason(result),
    }


def _line(result: Result, terminal: Terminal) -> None:
    mark = terminal.mark("ok" if result.passed else "fail")
    text = f"{mark} {label(result.path, terminal.mark('arrow'))}"
    if not result.passed:
        text += f"   {reason(result)}" + (f"   {result.finding}" if result.finding else "")
    elif result.path.expect == "blocked":
        text += "   blocked, as expected"
    elif result.rtt_us is not None:
        text += f"   {duration(result.rtt_us / 1e6)}"
    terminal.line(text)


def _grid(report: Report) -> dict[tuple[str, str], Result]:
    """The results by (source, target), if each is a ping between two nodes, none twice, and at least half of the grid is there."""
    grid: dict[tuple[str, str], Result] = {}
    for result in report.results:
        path = result.path
        pair = (path.src, path.target)
        if path.kind != "ping" or path.interface or path.dst_node != path.target or pair in grid:
            return {}
        grid[pair] = result
    names = {name for pair in grid for name in pair}
    return grid if 2 * len(grid) >= len(names) * (len(names) - 1) else {}


def _matrix(grid: dict[tuple[str, str], Result], terminal: Terminal) -> None:
    names = list(dict.fromkeys(name for pair in grid for name in pair))
    first = max(len(name) for name in names)
    arrow = terminal.mark("arrow")
    heads = [max(len(name) + len(arrow) + 1, len("0.04 ms")) for name in names]
    words = [[len(_word(grid.get((source, name)), terminal)) for source in names] for name in names]
    whole = [max(head, *column) for head, column in zip(heads, words, strict=True)]
    widths = whole if first + 4 + sum(whole) + 2 * len(whole) <= WIDE else heads
    titles = (f"{arrow} {name}".ljust(width) for name, width in zip(names, widths, strict=True))
    terminal.line(f"{'':{first + 4}}{'  '.join(titles)}".rstrip())
    for source in names:
        row = ((grid.get((source, target)), width, source == target) for target, width in zip(names, widths, strict=True))
        cells = [_cell(result, width, terminal, own=own) for result, width, own in row]
        terminal.line(f"  {source:<{first}}  {'  '.join(cells)}".rstrip())


def _cell(result: Result | None, width: int, terminal: Terminal, *, own: bool) -> str:
    if result is None:
        return (f"  {terminal.mark('self')}" if own else "").ljust(width)
    word = _word(result, terminal)
    if not result.passed:
        return terminal.paint((word if len(word) <= width else word.partition(" ")[0]).ljust(width), "red")
    return word.ljust(width)


def _word(result: Result | None, terminal: Terminal) -> str:
    """What a cell says; only that it failed where the whole would be too wide."""
    if result is None:
        return ""
    if not result.passed:
        return "FAIL" if not terminal.unicode else "✗ open" if result.ok else f"✗ {result.finding or ''}".rstrip()
    if result.path.expect == "blocked":
        return "blocked"
    return duration(result.rtt_us / 1e6) if result.rtt_us is not None else "ok"


def _total(report: Report, found: int, terminal: Terminal) -> None:
    of = len(report.results)
    if not of:
        terminal.line("nothing to check: the lab has no two nodes with addresses", duration(report.seconds))
        return
    passed = sum(result.passed for result in report.results)
    text = f"{passed:,} of {of:,} {'path passes' if passed == of == 1 else 'paths pass'}"
    if passed < of:
        fail = f"{of - passed:,} {'fails' if of - passed == 1 else 'fail'}"
        text = f"{terminal.paint(text, 'bold')} {terminal.mark('dot')} {fail} for {plural(found, 'cause')}"
    terminal.line(text, duration(report.seconds))


def _cause(cause: Cause, terminal: Terminal) -> None:
    names = ", ".join(label(result.path, terminal.mark("arrow")) for result in cause.results[:EXAMPLES])
    more = f" and {len(cause.results) - EXAMPLES:,} more" if len(cause.results) > EXAMPLES else ""
    finding = f"{cause.finding}  " if cause.finding else ""
    terminal.line(f"{terminal.mark('fail')} {finding}{names}{more}: {cause.reason}")
    if cause.verdict is not None:
        from vethlab.present.cli.verdict import place

        direction = "the reply dies " if cause.verdict.direction == "reply" else ""
        terminal.line(f"  {direction}at {place(cause.verdict.where)} {terminal.mark('dot')} {cause.verdict.grade}")


def _next(found: Sequence[Cause], lab: str | None) -> None:
    """The command that tells more about the first cause; a path that should be blocked and is open is no riddle."""
    from vethlab.present.cli.question import Question

    dead = next((result for cause in found for result in cause.results if not result.ok), None)
    if dead is not None:
        errors().line(f"  next: {Question.of_path(dead.path, lab=lab).line('why')}")
