"""What a killed vethlab can leave behind, and its removal.

Rule of the file: a lab's namespaces, links and processes vanish with its keeper, so only two things can be left: names under /run/netns
(`up --names`), and what a lab with `host: machine` made in the machine's own network. What is removed is what the write-ahead record of
these names tells, and what bears the mark of a lab that is no more; nothing that merely looks like it.
"""

from __future__ import annotations

from vethlab.keep import names
from vethlab.lab import machine


def leftovers() -> list[str]:
    """One line for each thing whose lab is gone."""
    return [*map(str, names.leftovers()), *map(str, machine.leftovers())]


def clean(*, dry_run: bool = False) -> list[str]:
    """Remove them and say what was (or would be) removed. Names go first: they may hold namespaces with the other ends of cables."""
    return leftovers() if dry_run else [*map(str, names.clean()), *map(str, machine.clean())]
