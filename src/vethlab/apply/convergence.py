"""Brings a running kernel from one state to another, or back to where it was.

Enters: a kernel, the state before, the goal; leaves: the changes that were carried out. Rule of the file: apply, read back, compare;
what is still different after that is an error. Rolling back is the same thing with the state before as the goal, so that there is
one way of changing a kernel and not two (docs/decisions/rollback-is-convergence.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vethlab.change import Change, StartProcess
from vethlab.errors import BuildError, KernelError, VethlabError
from vethlab.kernel.port import Kernel
from vethlab.model.state import State
from vethlab.plan import diff

# Called when a kernel has become what was asked for, before anybody is told. What is left then (the record, the commit) takes a millisecond
# and must not be cut in two: the command line lets no interrupt through from here on, since it could not say any more that it undid all.
reached: Callable[[], object] = bool

_PASSES = 3  # the kernel may take more than it was asked to (secondary addresses go with their primary): look again


@dataclass(frozen=True, slots=True)
class Goal:
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
    try:
        _apply(kernel, changes, goal)
        reached()
    except BaseException as error:
        if not goal.new:
            _roll_back(kernel, before, error)
        if isinstance(error, KernelError):
            outcome = "nothing of it is left" if goal.new else "the lab is as it was before"
            raise BuildError(error.message, where=error.where, why=error.why, help=f"rolled back: {outcome}") from error
        raise
    return changes


def _apply(kernel: Kernel, changes: tuple[Change, ...], goal: Goal) -> None:
    for _ in range(_PASSES):
        kernel.apply(changes)
        changes = _rest(kernel.read(goal.state.netns, goal.sysctls()), goal.state)
        if not changes:
            return
    first = changes[0]
    raise BuildError(
        f"{first.object} is not as declared after it was applied ({len(changes)} differences)", where=first.netns, why=first.reason,
        help="something else keeps changing it, or the kernel cannot do it: see `vethlab plan`", slug="not-converged",
    )


def _rest(now: State, wanted: State) -> tuple[Change, ...]:
    """What still differs. A `run:` that ended at once was started all the same: `check` and `plan` tell that it failed."""
    return tuple(one for one in diff(now, wanted) if not isinstance(one, StartProcess))


def _roll_back(kernel: Kernel, before: State, cause: BaseException) -> None:
    back = Goal(before)
    try:
        # Namespaces that were added since are still there, those that were dropped are not: read what exists.
        kernel.apply(diff(kernel.read(kernel.names(), back.sysctls()), before))
        rest = _rest(kernel.read(kernel.names(), back.sysctls()), before)
    except VethlabError as error:
        raise _stuck(f"{cause}; rolling back failed too: {error}") from cause
    if rest:
        raise _stuck(f"{cause}; rolling back left {len(rest)} differences, the first: {rest[0].object} ({rest[0].reason})") from cause


def _stuck(message: str) -> VethlabError:
    ways = "`vethlab plan` shows what is left, `vethlab up` tries again, `vethlab down` removes the lab"
    return BuildError(message, help=ways, slug="rollback-failed")
