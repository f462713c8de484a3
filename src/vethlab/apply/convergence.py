"""Brings a running kernel from one state to another, or back to where it was.

Enters: a kernel, the state before, the goal; leaves: the changes that were carried out. Rule of the file: apply, read back, compare;
what is still different after that is an error. Processes start after that: what a `run:` does to interfaces is its own business and
no difference to be mended. Rolling back is the same thing with the state before as the goal, so that there is one way of changing a
kernel and not two (docs/decisions/rollback-is-convergence.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from vethlab.apply import moment
from vethlab.change.sysctl import SetSysctl
from vethlab.errors import BuildError, KernelError, VethlabError
from vethlab.kernel.port import Kernel
from vethlab.model.link import BR_STATE_FORWARDING
from vethlab.model.state import State
from vethlab.plan.desired import with_sysctls
from vethlab.plan.diff import diff
from vethlab.plan.spreading import followed

if TYPE_CHECKING:
    from vethlab.change import Change

_PASSES = 3  # the kernel may take more than it was asked to (secondary addresses go with their primary): look again


class Goal(NamedTuple):
    """What a lab should be. `new`: it is being made now, so that nothing in it counts as missing."""

    state: State
    new: bool = False

    def sysctls(self) -> Iterator[tuple[str, str]]:
        """Every (namespace, key) that has to be read to compare with it."""
        return ((name, key) for name, one in self.state.netns.items() for key in one.sysctls)


def converge(kernel: Kernel, before: State, goal: Goal) -> tuple[Change, ...]:
    """Carry out the difference and verify it. On any failure, an interrupt included, the state before is put back."""
    changes = diff(before, goal.state, new=goal.new)
    if not changes:
        return ()
    before = _with_followers(kernel, before, changes)
    try:
        _apply(kernel, changes, goal)
        moment.reached()
    except BaseException as error:
        if not goal.new:
            _roll_back(kernel, before, error)
        if isinstance(error, KernelError):
            outcome = "nothing of it is left" if goal.new else "the lab is as it was before"
            raise BuildError(error.message, where=error.where, why=error.why, help=f"rolled back: {outcome}") from error
        raise
    return changes


def _with_followers(kernel: Kernel, before: State, changes: Iterable[Change]) -> State:
    """With the sysctls that the kernel writes when a change writes another: what they were comes back with the rest."""
    written = [(one.netns, one.key) for one in changes if isinstance(one, SetSysctl) and one.netns in before.netns]
    beside = followed(before, written)
    if not beside:
        return before
    found = kernel.read(dict.fromkeys(name for name, _ in beside), beside)
    return with_sysctls(before, {name: one.sysctls for name, one in found.netns.items()})


def _apply(kernel: Kernel, changes: tuple[Change, ...], goal: Goal) -> None:
    structure, starts = _apart(changes)
    for _ in range(_PASSES if structure else 0):
        kernel.apply(structure)
        structure, _ = _apart(diff(kernel.read(goal.state.netns, goal.sysctls()), goal.state))
        if not structure:
            break
    if not structure:
        kernel.apply(starts)
        return
    first = structure[0]
    raise BuildError(
        f"{first.object} is not as declared after it was applied ({len(structure)} differences)", where=first.netns, why=first.reason,
        help="something else keeps changing it, or the kernel cannot do it: see `vethlab plan`", slug="not-converged",
    )


def _apart(changes: Iterable[Change]) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """What can be verified, and the starts of processes, which cannot: one that ended at once was started all the same (`check` tells)."""
    structure: list[Change] = []
    starts: list[Change] = []
    for one in changes:
        (starts if type(one).__name__ == "StartProcess" else structure).append(one)
    return tuple(structure), tuple(starts)


def _roll_back(kernel: Kernel, before: State, cause: BaseException) -> None:
    from vethlab.plan.delta import settled  # noqa: PLC0415 - only where something failed

    back = Goal(settled(before, only=BR_STATE_FORWARDING))  # a port that is made anew comes to that by itself, once both ends carry
    try:
        # Namespaces that were added since are still there, those that were dropped are not: read what exists.
        structure, starts = _apart(diff(kernel.read(kernel.names(), back.sysctls()), back.state))
        kernel.apply(structure)
        rest, _ = _apart(diff(kernel.read(kernel.names(), back.sysctls()), back.state))
        kernel.apply(starts)
    except VethlabError as error:
        raise _stuck(f"{cause}; rolling back failed too: {error}") from cause
    if rest:
        raise _stuck(f"{cause}; rolling back left {len(rest)} differences, the first: {rest[0].object} ({rest[0].reason})") from cause


def _stuck(message: str) -> VethlabError:
    ways = "`vethlab plan` shows what is left, `vethlab up` tries again, `vethlab down` removes the lab"
    return BuildError(message, help=ways, slug="rollback-failed")
