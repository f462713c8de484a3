"""What a killed vethlab can leave behind, and its removal.

Rule of the file: a lab's namespaces, links and processes vanish with its keeper, so only names under /run/netns (`up --names`) can be
left; what is removed is what the write-ahead record of these names tells, nothing that merely looks like it.
"""

from __future__ import annotations

from vethlab.keep import names


def leftovers() -> list[str]:
    """One line for each thing whose lab is gone."""
    return [str(one) for one in names.leftovers()]


def clean(*, dry_run: bool = False) -> list[str]:
    """Remove them and say what was (or would be) removed."""
    return leftovers() if dry_run else [str(one) for one in names.clean()]
