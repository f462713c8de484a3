"""Live changes: links down and up, narrow and slow; links, places on networks and nodes, one more and one less.

Enters: a running lab and a wish; leaves: what was done, and what takes it back. Rule of the file: the running lab is changed and nothing
else of it, drift included; without `write` what the lab file says stays as it is, so that `plan` shows the change and `up` takes it back,
and the lab as it is meant meanwhile is kept in its record, for whoever asks of it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from vethlab import spec
from vethlab.apply.convergence import Goal
from vethlab.change import AddMacvlan, AddNetns, AddVeth, RemoveNetns
from vethlab.errors import BuildError, NotFoundError, SpecErrors, UsageError
from vethlab.lab.requirements import require
from vethlab.lab.undo import as_commands, undoing
from vethlab.lab.wishing import LinkWish, Wanted, wanted
from vethlab.plan.delta import lowered, raised, settled, shifted
from vethlab.plan.desired import with_sysctls
from vethlab.plan.diff import LEFT, MISSING, NEW, diff
from vethlab.plan.members import EXTRA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vethlab.change import Change
    from vethlab.lab.session import Session
    from vethlab.model.finding import Command
    from vethlab.model.state import State
    from vethlab.model.topology import Topology
    from vethlab.spec.membership import Gone

ASKED = "asked for"
_UNSAYABLE = (AddNetns, RemoveNetns, AddVeth, AddMacvlan)
__all__ = ["LinkWish", "Linked", "change", "take_back"]


@dataclass(frozen=True, slots=True)
class Linked:
    """What was done, or (`dry_run`) would be.

    `undo`: command lines that take it back, empty where none can (namespaces of a lab have no names, and a pair between two needs one);
    `fix --undo` takes back those too. `along`: what was said of what is gone and is left out with it, a sentence each. `wrote`: the file
    that was edited, empty if none was; `declared` is what it means then, `text` what it says.
    """

    changes: tuple[Change, ...]
    undo: tuple[Command, ...] = ()
    wrote: str = ""
    dry_run: bool = False
    declared: Topology | None = None
    text: str = ""
    along: tuple[str, ...] = ()


def change(session: Session, asked: LinkWish) -> Linked:
    """Do it, all or nothing. NotFoundError for ends that no link has, UsageError for what makes no sense there."""
    with _alone(session):
        now = session.held.current()
        wish = wanted(now, asked)
        require(wish.topology, session.held.keeper.mode)
        edit = _edited(session, now, wish, asked) if asked.write else _NO_EDIT
        before = settled(session.compare(now)[0])
        goal = _goal(session, before, (now, wish), up=asked.up)
        planned = diff(before, goal)
        if asked.dry_run or not (planned or asked.write):
            return Linked(_wished(planned), dry_run=asked.dry_run, along=wish.along)
        done = session.steer(wish.topology, before, Goal(goal))
        after = settled(session.kernel.read(sorted(session.kernel.names()), Goal(before).sysctls()))
        said = not any(isinstance(one, _UNSAYABLE) for one in diff(after, before))
        back = undoing(before, after, ()) if said else ()
        if asked.write:
            _write(session, now, edit, (before, after))
        declared = _remember(session, now, wish.topology, spec.loads(edit.text, edit.file) if asked.write else None, edit.text)
    return Linked(_wished(done), back, edit.file, declared=declared, text=edit.text, along=wish.along)


def _write(session: Session, now: Topology, edit: _Edit, states: tuple[State, State]) -> None:
    """Say it in the file; where that cannot be, the lab goes back as well, and nobody has to remember that the two differ."""
    from vethlab.spec.file import write_text  # noqa: PLC0415 - only for --write

    before, after = states
    try:
        write_text(edit.file, edit.text, was=edit.was)
    except (UsageError, SpecErrors) as error:
        session.steer(now, after, Goal(before))
        rolled_back = "rolled back: the lab is as it was before, and so is its file"
        raise BuildError(error.message, where=edit.file, help=rolled_back) from error


def take_back(session: Session) -> tuple[Command, ...]:
    """Make the lab what it was before the last live change; the command lines of what was done."""
    with _alone(session):
        now, was = session.held.current(), spec.loads(session.held.record.before, session.held.record.file or "<python>")
        before = settled(session.compare(now)[0])
        done = session.steer(was, before, Goal(shifted(before, session.desired(now), _wanted(session, was))))
        _remember(session, was, was, None, "")
    return as_commands(done)


def _remember(session: Session, was: Topology, now: Topology, declared: Topology | None, text: str) -> Topology | None:
    """What the lab is meant to be from here on, and what it was before."""
    from vethlab.lab import naming  # noqa: PLC0415 - for labs of root

    held = session.held
    if declared is not None:
        session.settle(declared, text)
    else:
        session.settle(now, held.record.text, live="" if now == held.declared() else spec.to_yaml(now))
    if now != was:
        held.record = replace(held.record, before=spec.to_yaml(was))
        if held.detached:
            held.keeper.put_record(held.record.encode())
    if held.record.mode == "root" and held.detached:
        naming.settle(held, now, asked=False, created=False)
    return declared


@contextlib.contextmanager
def _alone(session: Session) -> Iterator[None]:
    """Nobody else changes the lab meanwhile, and what they did before is known."""
    held = session.held
    if not held.detached:
        yield
        return
    with held.keeper.lock():
        held.refresh()
        yield


def _wished(changes: Sequence[Change]) -> tuple[Change, ...]:
    """With the one reason that they have: no file was asked."""
    return tuple(replace(one, reason=ASKED) if one.reason in {NEW, MISSING, EXTRA, LEFT} else one for one in changes)


def _wanted(session: Session, topology: Topology) -> State:
    """What a declaration asks for; settings that it asks for no longer go back to what they were."""
    wanted = session.desired(topology)
    return with_sysctls(wanted, session.returned(wanted))


def _goal(session: Session, before: State, said: tuple[Topology, Wanted], *, up: bool | None) -> State:
    now, wish = said
    old, new, end = session.desired(now), _wanted(session, wish.topology), wish.end
    if end is None or up is None:
        return shifted(before, old, new)
    if end.interface not in before.netns[end.netns].links:
        raise NotFoundError(f"no interface `{end.interface}` in `{end.netns}`", where=str(end), slug="no-such-interface",
                            help="it was taken away by hand: `vethlab plan` shows it, `vethlab up` makes it again")
    return raised(before, new, end) if up else lowered(before, end)


def _named(file: str, wish: Wanted) -> UsageError:
    return UsageError(
        f"the lab file says more that names what goes: {', '.join(wish.along)}", where=file, slug="file",
        help="take that out of the file first, or leave --write away",
    )


def _without(text: str, file: str, gone: Gone, wish: Wanted) -> str:
    """The text without it. A route that follows from a gateway stands nowhere in it, and goes with what it followed from."""
    from vethlab.spec import link_edits  # noqa: PLC0415 - as in _edited
    from vethlab.spec.edit import Unsaid  # noqa: PLC0415

    try:
        return link_edits.remove(text, gone, wish.topology)
    except (Unsaid, SpecErrors):
        if wish.along:
            raise _named(file, wish) from None
        raise


class _Edit(NamedTuple):
    """A lab file, what it says, and what it will say."""

    file: str = ""
    was: str = ""
    text: str = ""


_NO_EDIT = _Edit()


def _edited(session: Session, now: Topology, wish: Wanted, asked: LinkWish) -> _Edit:
    """The lab file and what it will say, before anything is touched."""
    from vethlab.spec import link_edits  # noqa: PLC0415 - only for --write
    from vethlab.spec.edit import Unsaid  # noqa: PLC0415
    from vethlab.spec.file import read_text  # noqa: PLC0415

    file = session.held.record.file
    if not file or not os.path.exists(file):  # noqa: PTH110 - as in the facade
        raise UsageError("the lab has no file to write to", slug="file", help="leave --write away")
    if asked.up is not None:
        raise UsageError("a lab file has no word for an interface that is down", help="leave --write away")
    text = read_text(file)
    if spec.loads(text, file) != now:
        raise UsageError(f"{file} says something else than the running lab is", slug="file", help="vethlab up, then again")
    if any(one.startswith("check ") for one in wish.along):
        raise _named(file, wish)
    try:
        if asked.add:
            return _Edit(file, text, link_edits.add(text, wish.joined, asked.said, wish.topology))
        if wish.gone is not None:
            return _Edit(file, text, _without(text, file, wish.gone, wish))
        return _Edit(file, text, text if wish.where is None else link_edits.set_keys(text, wish.where, asked.said, wish.topology))
    except Unsaid as unsaid:
        raise UsageError(f"the lab file cannot say so: {unsaid}", where=file, slug="file", help="leave --write away, or edit it") from None
