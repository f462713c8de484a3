"""Changes as people and programs read them: the table of `plan`, the command lines of `--show-commands`, the rows of `plan/1`.

Rule of the file: the table folds what comes with a new node into the node's line; wide, JSON and the commands hide nothing.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from vethlab.change import AddAddress
from vethlab.model.names import HOST, dotted
from vethlab.present.cli.terminal import Terminal, plural

if TYPE_CHECKING:
    from vethlab.change import Change

__all__ = ["Row", "commands", "documents", "rows", "summary", "table"]

SIGNS = {"add": ("+", "green"), "change": ("~", "yellow"), "remove": ("-", "red")}
OBVIOUS = frozenset({"declared in the lab file", "no longer in the lab file"})
NEEDS_SHELL = ("LoadRuleset", "LoadTable", "StartProcess")
MACHINE = ("AddNetns", "RemoveNetns", "AddTap")
MAIN = ("AddNetns", "AddVeth", "AddBridge", "AddMacvlan", "AddTap")


class Row(NamedTuple):
    """One line of the table."""

    action: str
    kind: str
    what: str
    detail: str


def rows(changes: Sequence[Change], *, wide: bool = False) -> list[Row]:
    """The table's lines. What is set on interfaces and nodes that are new is part of their line, unless `wide`."""
    new = set() if wide else {change.netns for change in changes if type(change).__name__ == "AddNetns"}
    inside: dict[str, list[Change]] = {name: [] for name in new}
    for change in changes:
        if change.netns in new and type(change).__name__ not in MAIN:
            inside[change.netns].append(change)
    found = []
    for change in changes:
        kind, _, what = change.object.partition(" ")
        name = type(change).__name__
        detail = change.reason if wide or change.reason not in OBVIOUS else ""
        if change.netns in new:
            if name not in MAIN or what == HOST:  # the lab's own machine is always there: its bridges speak for it
                continue
            if name == "AddNetns":
                detail = _inside(inside[change.netns])
            elif name == "AddBridge":
                detail = ", ".join(_addresses(inside[change.netns], f" on {what}"))
        if wide or not getattr(change, "fresh", False):
            found.append(Row(change.action, kind, what, detail))
    return found


def table(changes: Sequence[Change], terminal: Terminal, *, wide: bool = False) -> None:
    """Print a line for each row."""
    found = rows(changes, wide=wide)
    kinds = max((len(row.kind) for row in found), default=0)
    names = min(44, max((len(row.what) for row in found), default=0))
    for row in found:
        sign, colour = SIGNS[row.action]
        line = f"  {terminal.paint(sign, colour)} {row.kind:<{kinds}}  {row.what:<{names}}  {row.detail}"
        terminal.line(line.rstrip())


def summary(changes: Sequence[Change]) -> str:
    """`1 node and 1 link to add, 1 to change, 0 to remove`."""
    found = rows(changes)
    added = Counter(row.kind for row in found if row.action == "add")
    actions = Counter(row.action for row in found)
    new = _list(plural(count, _noun(kind)) for kind, count in added.items()) or "0"
    return f"{new} to add, {actions['change']} to change, {actions['remove']} to remove"


def documents(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """The rows of `plan/1`; several command lines are joined by `; `."""
    return [
        {
            "action": change.action, "object": change.object, "node": change.netns or None, "reason": change.reason,
            "command": "; ".join(change.commands()),
        }
        for change in changes
    ]


def commands(changes: Iterable[Change], terminal: Terminal, *, lab: str, exists: bool, joined: str = "") -> None:
    """Print the equivalent command lines, in order, under a line for each node.

    A lab that is being made is written as a script for root with named namespaces. The namespaces of a lab that exists have no names,
    so there each line goes through `vethlab exec`, and what only names can say is a comment.
    `joined`: which of its namespaces is the machine's.
    """
    if exists:
        terminal.line(f"# what changes in {lab}, as command lines:")
    else:
        terminal.line("# the same by hand, as root, with named namespaces:")
    place = None
    for change in changes:
        name = type(change).__name__
        where = "" if name in MACHINE or (not exists and change.netns == joined) else change.netns
        lines = change.commands()
        if where != place and lines:
            terminal.line(terminal.paint(f"# {where or 'the machine'}", "dim"))
            place = where
        for line in lines:
            terminal.line(_command(line, where, lab=lab, exists=exists, shell=name in NEEDS_SHELL))


def _command(line: str, where: str, *, lab: str, exists: bool, shell: bool) -> str:
    if shell:
        line = f"sh -c {shlex.quote(line)}"
    if not exists:
        return f"ip netns exec {dotted(where)} {line}" if where else line
    if not where or " netns " in line:
        return f"# {line}"
    return f"vethlab exec --lab {lab} {where} -- {line}"


def _inside(changes: Sequence[Change]) -> str:
    """`10.1.0.14/24, 1 route, 2 sysctls`: what a new node comes with."""
    addresses = _addresses(changes)
    counts = Counter(kind for change in changes if (kind := change.object.split()[0]) not in {"address", "interface"})
    return ", ".join([*addresses, *(plural(count, _noun(kind)) for kind, count in counts.items())])


def _addresses(changes: Sequence[Change], place: str = "") -> list[str]:
    """What people gave; a link-local address comes with every interface."""
    return [
        str(change.address.address) for change in changes
        if isinstance(change, AddAddress) and change.object.endswith(place) and not change.address.address.is_link_local
    ]


def _noun(kind: str) -> str:
    return {"nft": "nft ruleset"}.get(kind, kind)


def _list(words: Iterable[str]) -> str:
    *head, last = [*words] or [""]
    return f"{', '.join(head)} and {last}" if head else last
