"""The smallest set of changes that makes a dead path live, found on a copy of the lab.

Enters: an explanation of the live lab, a rehearsal of the nodes it touches, a way of asking the copy; leaves: offers, and the further
obstacles that came to light. Rule of the file: nothing is offered as rehearsed that the same probe has not proven; the live lab is not
touched. One obstacle is mended at a time, and the copy is asked again: what stands behind it shows only then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vethlab.change.process import starts
from vethlab.errors import VethlabError
from vethlab.explain.fixes import steps
from vethlab.lab.explaining import Offer
from vethlab.model.finding import Command, Explanation, Finding, Fix

if TYPE_CHECKING:
    from vethlab.rehearse import Rehearsal

__all__ = ["Search"]

ROUNDS = 6  # obstacles on one path; more is another lab
FURTHER = 2
TRIES = 4  # fixes tried against one obstacle


class Search:
    """Looks for fixes. `ask` explains the flow in the copy as it is at that moment."""

    def __init__(self, rehearsal: Rehearsal, ask: Callable[[], Explanation]) -> None:
        self._rehearsal, self._ask = rehearsal, ask
        self.further: list[Finding] = []

    def run(self, first: Explanation) -> tuple[Offer, ...]:
        """What mends the path. Without a faithful copy: what should, with the reason why nobody tried."""
        known = _known(first)
        if not known:
            return ()
        if self._rehearsal.refused:
            return tuple(_offer([one], None, self._rehearsal.refused) for one in known)
        found = self._mend(first)
        if not found:
            return tuple(_offer([one], None, "a copy has no processes") for one in known if _runs(one))
        needed = self._needed(found) if len(found) > 1 else found
        return (_offer(needed, (1, 1), ""),)

    def _mend(self, first: Explanation) -> list[Fix]:
        applied: list[Fix] = []
        current = first
        for _ in range(ROUNDS):
            if current.verdict is None:
                return applied
            step = self._step(current, applied)
            if step is None:
                return []
            chosen, current = step
            applied.append(chosen)
            if current.verdict is not None:
                self.further.append(current.verdict)
        return []

    def _step(self, before: Explanation, applied: list[Fix]) -> tuple[Fix, Explanation] | None:
        """The first fix that makes it pass all at once; else the first that gets the packet past this obstacle.

        Once one is found that does that, only others against the very obstacle are tried, of no more commands, and none that changes what
        somebody decided.
        """
        found: tuple[Fix, Explanation] | None = None
        own = before.verdict.fixes if before.verdict is not None else ()
        for candidate in _known(before):
            if _runs(candidate):
                continue  # it would be one more in the lab, and listen when the copy is gone
            if found is not None:
                if candidate.policy or candidate not in own or steps(candidate) > steps(found[0]):
                    continue
                self._again(applied)
            if not self._try(candidate):
                self._again(applied)
                continue
            after = self._ask()
            if after.ok:
                return candidate, after
            if found is None and _is_progress(before, after):
                found = candidate, after
            else:
                self._again(applied)
        if found is not None:
            self._again([*applied, found[0]])
        return found

    def _needed(self, found: list[Fix]) -> list[Fix]:
        """Without those that turn out not to be needed."""
        needed = list(found)
        for one in found[:-1]:  # the last one made it pass
            rest = [other for other in needed if other is not one]
            try:
                self._again(rest)
            except VethlabError:  # a later one stands on this one
                continue
            if self._ask().ok:
                needed = rest
        return needed

    def _try(self, candidate: Fix) -> bool:
        try:
            self._rehearsal.run(candidate.commands)
        except VethlabError:
            return False
        return True

    def _again(self, applied: list[Fix]) -> None:
        """The copy as it was, with these fixes."""
        self._rehearsal.reset()
        for one in applied:
            self._rehearsal.run(one.commands)


def _known(explanation: Explanation) -> list[Fix]:
    """The fixes of the obstacle; then those of what stands behind it, which may be what brought the packet there. Each once."""
    if explanation.verdict is None:
        return []
    every = [*explanation.verdict.fixes[:TRIES], *[fix for one in explanation.also for fix in one.fixes][:FURTHER]]
    found: dict[object, Fix] = {}
    for one in every:
        found.setdefault(tuple((command.node, command.argv) for command in one.commands), one)
    return list(found.values())


def _runs(fix: Fix) -> bool:
    return any(starts(one.argv) for one in fix.commands)


def _is_progress(before: Explanation, after: Explanation) -> bool:
    """Whether the packet came as far as before, and another obstacle ends it, if any does."""
    if after.ok or before.verdict is None or after.verdict is None:
        return after.ok
    return _place(after.verdict) != _place(before.verdict) and after.reached >= before.reached


def _place(finding: Finding) -> tuple[str, str, str | None, str, str]:
    return finding.slug, finding.where.node, finding.where.interface, finding.direction, finding.summary


def _offer(fixes: list[Fix], rehearsed: tuple[int, int] | None, why_not: str) -> Offer:
    commands: tuple[Command, ...] = tuple(command for one in fixes for command in one.commands)
    title = "; ".join(one.title for one in fixes)
    return Offer(title, commands, rehearsed, why_not, any(one.policy for one in fixes))
