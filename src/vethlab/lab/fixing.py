"""Fixes that were applied, and taken back.

Enters: an answer and the choice of a fix; leaves: what was done, the answers before and after, the commands that undo it.
Rule of the file: the same probe is sent before and after, and nothing counts as mended that it does not prove.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.lab.explaining import Answer, Offer
from vethlab.model.finding import Command

__all__ = ["Mended", "Undone"]


@dataclass(frozen=True, slots=True)
class Mended:
    """What `fix` did. `applied` None: nothing was, and `after` is None then. `wrote`: the lab file that was edited, empty if none was."""

    applied: Offer | None
    before: Answer
    after: Answer | None = None
    undo: tuple[Command, ...] = ()
    wrote: str = ""


@dataclass(frozen=True, slots=True)
class Undone:
    """What `undo` took back: the commands it ran, and what the question that led to the fix is answered now."""

    commands: tuple[Command, ...]
    explanation_after: Answer | None = None
