"""`vethlab doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vethlab.present.cli.command import output, verb
from vethlab.present.cli.terminal import Terminal, plural, screen, visible

if TYPE_CHECKING:
    from vethlab.kernel.features import Feature

__all__ = ["command"]

HOST_LACKS = 3


@verb("doctor", examples=("vethlab doctor", "vethlab doctor -o json"))
@output("text", "json")
def command(output: str) -> int:
    """Say what this machine lacks, what it costs, how to get it.

    Nothing is changed: what has to be tried is tried in throw-away namespaces of a child process. Exit status 3 if something that `up` and
    `check` need is missing.
    """
    from vethlab.kernel import features

    found = features.collect()
    lacking = [item for item in found if item.needed and not item.ok]
    if output == "json":
        from vethlab.present.cli.document import emit

        items = [
            {
                "name": item.name, "ok": item.ok, "costs": item.costs or None, "help": item.help or None, "needed": item.needed,
                "says": item.says,
            }
            for item in found
        ]
        emit("doctor", {"ok": not lacking, "items": items})
    else:
        _show(found, screen())
    return HOST_LACKS if lacking else 0


def _show(found: list[Feature], terminal: Terminal) -> None:
    width = max(len(item.group or item.name) for item in found)
    marks = max(visible(terminal.mark(name)) for name in ("ok", "fail", "warn", "none"))
    shown: set[str] = set()
    for item in found:
        if item.ok and item.group in shown:
            continue
        says = item.says
        if item.ok and item.group:
            shown.add(item.group)
            says = " ".join(other.says for other in found if other.ok and other.group == item.group)
        mark = terminal.mark(_mark(item))
        terminal.line(f"{mark}{' ' * (marks - visible(mark))} {item.group or item.name:<{width}}  {says}")
        if not item.ok:
            for title, text in (("costs:", item.costs), ("fix:  ", item.help)):
                if text:
                    terminal.line(f"{'':{marks + width + 3}}{terminal.paint(title, 'dim')} {text}")
    _total([_mark(item) for item in found], terminal)


def _mark(item: Feature) -> str:
    return "ok" if item.ok else "fail" if item.needed else "warn" if item.warning else "none"


def _total(marks: list[str], terminal: Terminal) -> None:
    fix, warnings, absent = marks.count("fail"), marks.count("warn"), marks.count("none")
    words = [f"{plural(fix, 'thing')} to fix" if fix else "vethlab works here"]
    if warnings:
        words.append(plural(warnings, "warning"))
    if absent:
        words.append(f"{absent} optional {'thing is' if absent == 1 else 'things are'} not there")
    terminal.line(", ".join(words))
