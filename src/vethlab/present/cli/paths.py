"""What enters: the Report of a check. What leaves: lines, a matrix, a summary grouped by cause, or the rows of `check/1`.

Rule of the file: up to 12 nodes everything is shown, beyond that only what failed, unless it is asked for (`-o wide`).
A path's `ok` in JSON is the judgement: a path that is expected to be blocked and is, is ok.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from vethlab.present.cli.terminal import Terminal, duration, plural

if TYPE_CHECKING:
    from vethlab.model.path import Path, Report, Result

__all__ = ["Cause", "causes", "document", "label", "reason", "show"]

MATRIX_NODES = 12
LINES = 24
EXAMPLES = 5


class Cause(NamedTuple):
    """What several failures have in common."""

    finding: str | None
    reason: str
    results: list[Result]


def show(report: Report, terminal: Terminal, *, wide: bool = False) -> None:
    """Print a report."""
    failed = [result for result in report.results if not result.passed]
    grid = _grid(report)
    nodes = len({name for pair in grid for name in pair})
    if nodes > 2 and (wide or nodes <= MATRIX_NODES):  # two nodes are two lines
        _matrix(grid, terminal)
    elif wide or len(report.results) <= LINES:
        for result in report.results:
            _line(result, terminal)
        failed = []
    _total(report, terminal)
    found = causes(report)
    if failed:
        for cause in found:
            _cause(cause, terminal)
    for note in report.notes:
        terminal.line(terminal.paint(f"  note: {note}", "dim"))


def document(lab: str, report: Report) -> dict[str, Any]:
    """The body of `check/1`."""
    return {
        "lab": lab, "ok": report.ok, "passed": sum(result.passed for result in report.results), "of": len(report.results),
        "seconds": round(report.seconds, 6),
        "paths": [_row(result) for result in report.results],
        "causes": [
            {
                "finding": one.finding, "reason": one.reason, "count": len(one.results),
                "paths": [label(result.path) for result in one.results],
            }
            for one in causes(report)
        ],
        "notes": list(report.notes),
    }


def causes(report: Report) -> list[Cause]:
    """The failures, those of one cause together, the most frequent first."""
    found: dict[tuple[str | None, str], list[Result]] = {}
    for result in report.results:
        if not result.passed:
            found.setdefault((result.finding, reason(result)), []).append(result)
    return sorted((Cause(*key, results) for key, results in found.items()), key=lambda one: -len(one.results))


def reason(result: Result) -> str:
    """Why it did not pass, in a sentence."""
    return result.reason or ("got through, though it should be blocked" if result.ok else "no reply")


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
    widths = [max(len(name) + len(arrow) + 1, len("0.04 ms")) for name in names]
    heads = (f"{arrow} {name}".ljust(width) for name, width in zip(names, widths, strict=True))
    terminal.line(f"{'':{first + 4}}{'  '.join(heads)}".rstrip())
    for source in names:
        row = ((grid.get((source, target)), width, source == target) for target, width in zip(names, widths, strict=True))
        cells = [_cell(result, width, terminal, own=own) for result, width, own in row]
        terminal.line(f"  {source:<{first}}  {'  '.join(cells)}".rstrip())


def _cell(result: Result | None, width: int, terminal: Terminal, *, own: bool) -> str:
    if result is None:
        return (f"  {terminal.mark('self')}" if own else "").ljust(width)
    if not result.passed:
        text = "FAIL" if not terminal.unicode else "✗ open" if result.ok else f"✗ {result.finding or ''}".rstrip()
        return terminal.paint(text[:width].ljust(width), "red")
    if result.path.expect == "blocked":
        return "blocked"[:width].ljust(width)
    return (duration(result.rtt_us / 1e6) if result.rtt_us is not None else "ok").ljust(width)


def _total(report: Report, terminal: Terminal) -> None:
    of = len(report.results)
    if not of:
        terminal.line("nothing to check: the lab has no two nodes with addresses", duration(report.seconds))
        return
    passed = sum(result.passed for result in report.results)
    text = f"{passed:,} of {of:,} {'path passes' if passed == of == 1 else 'paths pass'}"
    if passed < of:
        fail = f"{of - passed:,} {'fails' if of - passed == 1 else 'fail'}"
        text = f"{terminal.paint(text, 'bold')} {terminal.mark('dot')} {fail} for {plural(len(causes(report)), 'cause')}"
    terminal.line(text, duration(report.seconds))


def _cause(cause: Cause, terminal: Terminal) -> None:
    names = ", ".join(label(result.path, terminal.mark("arrow")) for result in cause.results[:EXAMPLES])
    more = f" and {len(cause.results) - EXAMPLES:,} more" if len(cause.results) > EXAMPLES else ""
    finding = f"{cause.finding}  " if cause.finding else ""
    terminal.line(f"{terminal.mark('fail')} {finding}{names}{more}: {cause.reason}")
