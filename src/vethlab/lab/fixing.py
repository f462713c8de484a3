"""Fixes that were applied, and taken back.

Enters: an answer and the choice of a fix; leaves: what was done, the answers before and after, the commands that undo it.
Rule of the file: the same probe is sent before and after, and nothing counts as mended that it does not prove.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vethlab.apply.commands import carry_out, settings
from vethlab.errors import BuildError, SpecErrors, UsageError, VethlabError
from vethlab.lab.explaining import Answer, Offer, Subject, answer
from vethlab.lab.flows import flow_between
from vethlab.lab.undo import undoing
from vethlab.lab.wiring import wiring_of
from vethlab.model.finding import Command
from vethlab.plan.spreading import followed

if TYPE_CHECKING:
    from vethlab.lab.session import Session
    from vethlab.model.flow import Flow
    from vethlab.model.state import Process, State

__all__ = ["Mended", "Undone", "asked_last", "mend", "undo", "words", "write"]


@dataclass(frozen=True, slots=True)
class Mended:
    """What `fix` did. `applied` None: nothing was, and `after` is None then. `wrote`: the lab file that was edited, empty if none was.

    `news`: the commands that do something the lab file does not say. `unwritten`: why the file that was to say so was not touched.
    """

    applied: Offer | None
    before: Answer
    after: Answer | None = None
    undo: tuple[Command, ...] = ()
    wrote: str = ""
    news: tuple[Command, ...] = ()
    unwritten: str = ""


@dataclass(frozen=True, slots=True)
class Undone:
    """What `undo` took back: the commands it ran, and what the question that led to the fix is answered now."""

    commands: tuple[Command, ...]
    explanation_after: Answer | None = None


def mend(
    subject: Subject, session: Session, src: str, dst: str, *, choose: int = 0, remember: Callable[[tuple[Command, ...]], object],
    **how: Any,
) -> Mended:
    """Apply the chosen offer and ask again. BuildError if a command failed; what had been done is taken back then, as if interrupted.

    `remember` is told what takes the fix back before anything is asked again: whatever becomes of the question, it can be undone.
    """
    before = answer(subject, src, dst, **how)
    if before.explanation.ok or choose >= len(before.fixes):
        return Mended(None, before)
    offer = before.fixes[choose]
    said = {(one.node, argv) for one in subject.drift({one.node for one in offer.commands}) for argv in one.commands}
    news = tuple(one for one in offer.commands if (one.node, one.argv) not in said)
    if subject.topology.machine:
        from vethlab.lab import guest  # noqa: PLC0415 - labs that join the machine only

        guest.require_ours(subject.namespaces, news)  # the rest is what `up` would do, which touches only what is the lab's
    back = _applied(subject, session, offer.commands)
    remember(back)
    after = answer(subject, src, dst, rehearse=False, **how)
    return Mended(offer, before, after, back, news=news)


def _applied(subject: Subject, session: Session, commands: Sequence[Command]) -> tuple[Command, ...]:
    """Carry the commands out, all or none, and say what takes them back."""
    with _alone(session):
        was = _state(session, subject, commands)
        rules = _rules(subject, commands)
        try:
            carry_out(subject.namespaces, commands, _declared(session, subject))
            back = undoing(was, _state(session, subject, commands), commands)
            return (*_without(rules, _rules(subject, commands), back), *back)
        except BaseException as error:
            back = undoing(was, _state(session, subject, commands), ())
            carry_out(subject.namespaces, (*_without(rules, _rules(subject, commands), back), *back))
            if isinstance(error, VethlabError):
                rolled_back = "rolled back: the lab is as it was before"
                raise BuildError(error.message, where=error.where, why=error.why, help=rolled_back) from error
            raise


def undo(
    subject: Subject, commands: Sequence[tuple[str, tuple[str, ...]]], question: Mapping[str, Any],
    remember: Callable[[tuple[Command, ...]], object],
) -> Undone:
    """Run the commands that take the last fix back. UsageError if there was none.

    One that fails, because somebody was there first, keeps none of the others from being run; `remember` is told of those that are left.
    """
    if not commands:
        raise UsageError("there is no fix to take back", slug="no-fix", help="`vethlab fix` remembers the last one it applied")
    back = tuple(Command(node, argv) for node, argv in commands)
    failed: list[tuple[Command, VethlabError]] = []
    for one in back:
        try:
            carry_out(subject.namespaces, (one,))
        except VethlabError as error:
            failed.append((one, error))
    remember(tuple(one for one, _ in failed))
    if failed:
        first = failed[0][1]
        raise BuildError(
            f"{len(failed)} of {len(back)} steps back failed: {first.message}", where=first.where, why=first.why, slug="rollback-failed",
            help="the others were taken; `vethlab fix --undo` tries these again, `vethlab plan` shows what differs from the lab file",
        ) from first
    if not question:
        return Undone(back)
    src, dst, how = words(question)
    return Undone(back, answer(subject, src, dst, rehearse=False, **how))


def words(question: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """The ends and the rest of a remembered question. UsageError if there is none."""
    if not question:
        raise UsageError("no question has failed in this lab yet", slug="no-question", help="ask one: vethlab why SRC DST")
    return str(question["src"]), str(question["dst"]), {key: value for key, value in question.items() if key not in {"src", "dst"}}


def asked_last(subject: Subject, question: Mapping[str, Any]) -> Flow | None:
    """A remembered question as a flow."""
    if not question:
        return None
    src, dst, how = words(question)
    return flow_between(subject.topology, wiring_of(subject.namespaces, subject.topology), src, dst, **how)


def _state(session: Session, subject: Subject, commands: Sequence[Command]) -> State:
    """The state of the lab with all the sysctls that matter here: those that commands write, and those that the kernel writes then."""
    actual, goal = session.compare(subject.topology)
    keys = [(command.node, key) for command in commands for key, _ in settings(command.argv)]
    return session.kernel.read(sorted(session.kernel.names()), [*goal.sysctls(), *keys, *followed(actual, keys)])


def _declared(session: Session, subject: Subject) -> list[tuple[str, Process]]:
    """What the lab file has nodes run."""
    return [(name, one) for name, space in session.desired(subject.topology).netns.items() for one in space.processes]


_Chain = tuple[str, tuple[str, ...]]


def _rules(subject: Subject, commands: Sequence[Command]) -> dict[_Chain, frozenset[int]]:
    """The handles of the rules in every chain that a command adds one to: only the kernel knows what the new one's will be."""
    from vethlab.kernel.nft_rules import handles  # noqa: PLC0415 - fixes of rulesets only

    chains = {(one.node, one.argv[3:6]) for one in commands if one.argv[:3] in {("nft", "add", "rule"), ("nft", "insert", "rule")}}
    return {(node, chain): handles(subject.namespaces, node, chain) for node, chain in chains}


def _without(
    before: Mapping[_Chain, frozenset[int]], after: Mapping[_Chain, frozenset[int]], back: Sequence[Command],
) -> Iterator[Command]:
    """Delete the rules that were added, unless what takes the fix back loads the ruleset or deletes the table anew."""
    reloaded = {one.node for one in back if one.argv[0] == "sh" and "| nft" in one.argv[-1]}
    deleted = {(one.node, *one.argv[3:5]) for one in back if one.argv[:3] == ("nft", "delete", "table")}
    for (node, chain), found in sorted(after.items()):
        if node not in reloaded and (node, *chain[:2]) not in deleted:
            for handle in sorted(found - before[node, chain]):
                yield Command(node, ("nft", "delete", "rule", *chain, "handle", str(handle)))


@contextmanager
def _alone(session: Session) -> Iterator[None]:
    """Nobody else changes the lab meanwhile."""
    if not session.held.detached:
        yield
        return
    with session.held.keeper.lock():
        yield


def write(file: str, commands: Sequence[Command]) -> str:
    """Say the fix in the lab file too. Returns the file's path, empty where the file says so already.

    UsageError where it cannot: the file is as it was then, and the lab is mended.
    """
    from vethlab.spec import edit  # noqa: PLC0415 - only for --write
    from vethlab.spec.file import read_text, write_text  # noqa: PLC0415

    if not os.path.exists(file):  # noqa: PTH110 - as in the facade
        raise _unwritten(f"{file} is not there any more: the lab is mended, its file is not", file)
    try:
        before = read_text(file)
        after, unsaid = edit.apply_commands(before, commands)
        if after != before and not unsaid:
            write_text(file, after, was=before)
    except (UsageError, SpecErrors) as error:
        raise _unwritten(f"the lab is mended, its file is as it was: {error.message}", file) from error
    if unsaid:
        raise _unwritten(f"the lab is mended, but its file cannot say so: {unsaid[0]}", file)
    return file if after != before else ""


def _unwritten(message: str, file: str) -> UsageError:
    return UsageError(message, where=file, slug="file", help="`vethlab fix --undo` takes the fix back")
