"""The values of a sysctl in every running lab of the user, and which of them the kernel acts on.

Rule of the file: it reads, and what cannot be read is left out: a page is shown in any case.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from vethlab.errors import VethlabError
from vethlab.explain.sysctls import Sysctl
from vethlab.model.link import LOOPBACK
from vethlab.present.cli.table import print_table
from vethlab.present.cli.terminal import Terminal

if TYPE_CHECKING:
    from vethlab.lab import Lab
    from vethlab.model.state import Netns

__all__ = ["Value", "print_values", "values"]

MANY = 24


class Value(NamedTuple):
    """One value. `interface` is empty, and `all` the same as `own`, where the namespace has only one."""

    lab: str
    node: str
    interface: str
    key: str
    all: int
    own: int
    effective: int


def values(one: Sysctl) -> list[Value]:
    """What every node of every running lab of the user has."""
    if one.rule == "machine":
        return []
    from vethlab import lab

    found: list[Value] = []
    for running in lab.labs():
        if running.uid == os.getuid():
            try:
                found += _of(lab.Lab.running(running.name), one)
            except VethlabError:  # it ended just now, or is of another version
                continue
    return found


def _of(lab: Lab, one: Sysctl) -> Iterator[Value]:
    places = [(node, name) for node, netns in sorted(lab.state().netns.items()) for name in _interfaces(netns, one)]
    asked = [(node, one.of(name)) for node, interface in places for name in ("all", interface)]
    read = iter(lab.namespaces.read_sysctls(asked))
    for (node, interface), everywhere, own in zip(places, read, read, strict=True):
        if everywhere is not None and own is not None and own.lstrip("-").isdigit():
            numbers = int(everywhere), int(own)
            yield Value(lab.name, node, interface, one.of(interface), *numbers, one.effective(*numbers))


def print_values(one: Sysctl, terminal: Terminal) -> None:
    """A table for each lab: places with the same values share a line."""
    found = values(one)
    for name in dict.fromkeys(value.lab for value in found):
        groups = _grouped([value for value in found if value.lab == name])
        rows = [[*map(str, numbers), _places(places)] for numbers, places in groups.items()]
        terminal.line()
        terminal.line(f"  now in lab {name}")
        if one.each:
            print_table(terminal, ["  all", "interface", "counts", "where"], rows, right={0, 1, 2})
        else:
            print_table(terminal, ["  value", "where"], [[row[1], row[3]] for row in rows], right={0})


def _interfaces(netns: Netns, one: Sysctl) -> list[str]:
    return sorted(set(netns.links) - {LOOPBACK}) if one.each else [""]


def _grouped(found: list[Value]) -> dict[tuple[int, int, int], list[str]]:
    """Places by (all, own, effective): a node where all of its interfaces agree, else node:interface."""
    groups: dict[tuple[int, int, int], list[str]] = {}
    for node in dict.fromkeys(value.node for value in found):
        here = [value for value in found if value.node == node]
        alike = len({(value.all, value.own, value.effective) for value in here}) == 1
        for value in here[:1] if alike else here:
            place = node if alike else f"{node}:{value.interface}"
            groups.setdefault((value.all, value.own, value.effective), []).append(place)
    return groups


def _places(places: list[str]) -> str:
    more = f" and {len(places) - MANY} more" if len(places) > MANY else ""
    return ", ".join(places[:MANY]) + more
