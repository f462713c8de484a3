"""`vethlab fix [SRC DST]`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from vethlab.errors import UsageError
from vethlab.present.cli.choose import running
from vethlab.present.cli.command import option, output, verb
from vethlab.present.cli.question import Question, asks
from vethlab.present.cli.terminal import progress, screen

if TYPE_CHECKING:
    from vethlab.lab import Lab
    from vethlab.lab.explaining import Answer, Offer
    from vethlab.lab.fixing import Mended

__all__ = ["command"]

EXAMPLES = ("vethlab fix", "vethlab fix a b --dry-run", "vethlab fix a b --yes --write", "vethlab fix --undo")


@verb("fix", examples=EXAMPLES)
@asks(required=False)
@option("--choose", setting=False, type=click.IntRange(min=1), default=1, metavar="NUMBER", help="Which fix, if `why` offered several.")
@option("--yes", setting=False, is_flag=True, help="Do not ask; needed where there is no terminal.")
@option("--dry-run", is_flag=True, help="Show what would change and touch nothing.")
@option("--undo", setting=False, is_flag=True, help="Take the last fix back.")
@option("--write", setting=False, is_flag=True, help="Say it in the lab file too.")
@output("text", "json")
def command(question: Question, output: str, choose: int, *, yes: bool, dry_run: bool, undo: bool, write: bool) -> int:
    """Mend what `why` found, and prove it.

    Without SRC and DST it is the lab's last failing `why`, asked again first. The fix is applied, the same packet is sent again, and both
    answers are shown. Exit status 1 if nothing was mended, 5 if a command of the fix failed and what had been done was taken back.
    """
    if undo:
        if question.src or dry_run or write:
            raise UsageError("`--undo` takes back the last fix and nothing else", help="vethlab fix --undo")
        return _undo(running(question.lab), output)
    asking = not yes and not dry_run
    if asking and (output == "json" or not sys.stdin.isatty()):
        raise UsageError(
            "a fix changes the lab, and here nobody can be asked", slug="needs-yes",
            help="`--dry-run` shows what would change, `--yes` does it",
        )
    one = running(question.lab)
    if not yes or dry_run:
        question = _last(one, question)
        before = _why(one, question)
        offer = before.fixes[choose - 1] if not before.explanation.ok and choose <= len(before.fixes) else None
        if dry_run or offer is None or not _agreed(before, offer):
            return _unchanged(one, before, offer, output, dry_run=dry_run)
    how = question.how if question.src else {}
    with progress(f"{one.name}: mending"):
        done = one.fix(question.src, question.dst, **how, choose=choose - 1, write=write)
    return _done(one, done, output, shown=asking, write=write, undo=f"vethlab fix --undo{f' -l {question.lab}' if question.lab else ''}")


def _last(lab: Lab, question: Question) -> Question:
    """What is asked, or what failed last."""
    if question.src:
        return question
    flow = lab.last_question()
    if flow is None:
        raise UsageError("no question has failed in this lab yet", slug="no-question", help="ask one: vethlab why SRC DST")
    return Question.of_flow(flow, lab=question.lab)


def _why(lab: Lab, question: Question) -> Answer:
    with progress(f"{lab.name}: following {question.src} to {question.dst}"):
        return lab.why(str(question.src), str(question.dst), **question.how)


def _agreed(before: Answer, offer: Offer) -> bool:
    from vethlab.present.cli import mending

    terminal = screen()
    mending.offered(before, offer, terminal)
    terminal.stream.flush()
    return click.confirm("Apply?", err=True)


def _unchanged(lab: Lab, before: Answer, offer: Offer | None, output: str, *, dry_run: bool) -> int:
    """Say what would be, or why nothing is. 0 if nothing is amiss, or for a dry run that has something to offer."""
    if output == "json":
        from vethlab.lab.fixing import Mended

        _document(lab, Mended(None, before), dry_run=True)
    else:
        from vethlab.present.cli import mending

        if dry_run and offer is not None:
            mending.offered(before, offer, screen())
        mending.nothing(before, offer, screen())
    return 0 if before.explanation.ok or (dry_run and offer is not None) else 1


def _done(lab: Lab, done: Mended, output: str, *, shown: bool, write: bool, undo: str) -> int:
    """Show what was applied and the answer now. 0 if the packet arrives."""
    if output == "json":
        _document(lab, done)
    else:
        from vethlab.present.cli import mending

        mending.done(done, screen(), shown=shown, undo=undo, write=write)
    return 0 if (done.after or done.before).explanation.ok else 1


def _undo(lab: Lab, output: str) -> int:
    with progress(f"{lab.name}: taking back"):
        back = lab.undo()
    if output == "json":
        from vethlab.present.cli.answers import undone
        from vethlab.present.cli.document import emit

        emit("fix", undone(lab.name, back))
    else:
        from vethlab.present.cli import mending

        mending.undone(back, screen())
    return 0


def _document(lab: Lab, done: Mended, *, dry_run: bool = False) -> None:
    from vethlab.present.cli.answers import mended
    from vethlab.present.cli.document import emit

    emit("fix", mended(lab.name, done, dry_run=dry_run))
