"""`vethlab tour`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from vethlab.errors import UsageError
from vethlab.kernel.features import SYSTEM_PATHS
from vethlab.present.cli.choose import mode
from vethlab.present.cli.command import option, verb
from vethlab.present.cli.terminal import Terminal, duration, errors, plural, progress, screen

if TYPE_CHECKING:
    from vethlab.lab import Lab
    from vethlab.present.cli.tour import Chapter, Step

__all__ = ["at_a_terminal", "command"]

WIDE = 88
FILE = "tour.lab.yaml"


@verb("tour", examples=("vethlab tour", "vethlab tour --no-pause"))
@option("--root/--rootless", default=None, help="As root, or as an ordinary user; chosen by itself otherwise.")
@option("--no-pause", setting=False, is_flag=True, help="Run through, as it does without a terminal.")
@option("--pictures", setting=False, metavar="FOLDER", type=click.Path(file_okay=False, writable=True),
        help="Leave a picture of each lab there (SVG); it is made if it is not there.")
def command(*, root: bool | None, no_pause: bool, pictures: str | None) -> int:
    """Walk through six networks: a cable that fails, a cable, a bridge, Open vSwitch, docker0, an overlay.

    Each lab is brought up, probed and explained with the commands that are shown, and taken away again, also if you leave with Ctrl-C.
    While the tour waits for Enter, the lab can be looked at from another terminal, and its picture in a browser. A chapter for which a
    program is missing is left out, and says so. Exit status 1 if a step does not go as it is told.
    """
    from vethlab.present.cli.tour import CHAPTERS

    terminal, name = screen(), f"tour-{os.getpid()}"
    pausing = not no_pause and at_a_terminal()
    surprises: list[str] = []
    steps = 0
    if pictures:
        _folder(pictures)
    for number, chapter in enumerate(CHAPTERS, 1):
        terminal.line(terminal.paint(f"{number} of {len(CHAPTERS)}  {chapter.title}", "bold"))
        if _left_out(chapter, terminal):
            continue
        kept = f"{pictures}/{number}.svg" if pictures else ""
        surprises += [f"{number}: {one}" for one in _walk(chapter, name, terminal, mode(root=root), pausing=pausing, kept=kept)]
        steps += len(chapter.steps)
    if surprises:
        terminal.line(f"{terminal.mark('fail')} {len(surprises)} of {plural(steps, 'step')} did not go as told: {', '.join(surprises)}")
        return 1
    terminal.line(f"{terminal.mark('ok')} all {plural(steps, 'step')} went as told, and nothing of it is left")
    errors().line("  try: vethlab init bridge, vethlab up, and then break something and ask `vethlab why`")
    return 0


def at_a_terminal() -> bool:
    """Whether somebody reads and can press Enter."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be made: {error.strerror}", help="--pictures FOLDER, one that you may write to") from error


def _left_out(chapter: Chapter, terminal: Terminal) -> bool:
    """Whether this machine lacks what the chapter needs."""
    program, package = chapter.needs
    if not program or shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATHS}"):
        return False
    terminal.line(f"{terminal.mark('warn')} left out: it needs {program} (apt install {package})")
    terminal.line()
    return True


def _walk(chapter: Chapter, name: str, terminal: Terminal, how: str, *, pausing: bool, kept: str) -> list[str]:
    """Go through one lab. Returns the steps that did not go as told."""
    import tempfile

    from vethlab import lab
    from vethlab.present.cli.lifetime import ends_here

    text = chapter.file.format(name=name)
    _say(chapter.intro, terminal)
    for line in text.splitlines():
        terminal.line(f"    {line}" if line else "")
    terminal.line()
    with tempfile.TemporaryDirectory(prefix="vethlab-") as folder:
        path = f"{folder}/{FILE}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        one = lab.Lab.load(path, mode=how)
        first, *rest = chapter.steps
        _typed(first, name, terminal)
        with progress(f"{name}: building"):
            receipt = one.up(detach=True)
        with ends_here(one):
            terminal.line(f"{terminal.mark('ok')} {name} is up: {plural(len(one.topology.nodes), 'node')}", duration(receipt.seconds))
            if kept or pausing:
                _draw(one, kept or f"{folder}/tour.svg", terminal)
            _told(first, one, terminal, pausing=pausing)
            return [step.verb for step in rest if not _step(step, one, terminal, pausing=pausing)]


def _draw(lab: Lab, path: str, terminal: Terminal) -> None:
    """The lab's picture in a file, and where that is."""
    from vethlab.present.cli.drawn import lab as drawn

    with open(path, "w", encoding="utf-8") as file:
        file.write(drawn("svg", lab.topology, lab.state(), []))
    terminal.line(f"  picture: {path}")


def _step(step: Step, lab: Lab, terminal: Terminal, *, pausing: bool) -> bool:
    """Show one step. True if it went as told."""
    _typed(step, lab.name, terminal)
    went = STEPS[step.verb](step, lab, terminal)
    if went:
        _told(step, lab, terminal, pausing=pausing)
    else:
        terminal.line(f"{terminal.mark('warn')} this is not what the tour expected ({step.expects or 'that the packet arrives'})")
        terminal.line()
    return went


def _check(step: Step, lab: Lab, terminal: Terminal) -> bool:
    from vethlab.present.cli import paths

    with progress(f"{lab.name}: checking"):
        report = lab.check()
    paths.show(report, terminal, lab=lab.name)
    return report.ok is (step.expects == "passes")


def _why(step: Step, lab: Lab, terminal: Terminal) -> bool:
    from vethlab.present.cli import verdict

    with progress(f"{lab.name}: following {step.ends[0]} to {step.ends[1]}"):
        answer = lab.why(*step.ends)
    verdict.show(answer, terminal, apply=f"vethlab fix -l {lab.name}")
    found = answer.explanation.verdict
    return found is not None and found.slug == step.expects


def _fix(step: Step, lab: Lab, terminal: Terminal) -> bool:
    from vethlab.present.cli import mending

    with progress(f"{lab.name}: mending"):
        done = lab.fix(*step.ends)
    mending.done(done, terminal, shown=False, undo=f"vethlab fix --undo -l {lab.name}")
    return done.after is not None and done.after.explanation.ok


def _trace(step: Step, lab: Lab, terminal: Terminal) -> bool:
    from vethlab.present.cli.commands import trace

    with progress(f"{lab.name}: following {step.ends[0]} to {step.ends[1]}"):
        answer = lab.trace(*step.ends)
    trace.show(answer, terminal)
    way, _, place = step.expects.partition(" ")
    hops = answer.explanation.reply if way == "reply" else answer.explanation.request
    return answer.explanation.ok and place in {f"{hop.node}:{hop.interface}" for hop in hops}


STEPS: dict[str, Callable[[Step, Lab, Terminal], bool]] = {"check": _check, "why": _why, "fix": _fix, "trace": _trace}


def _typed(step: Step, name: str, terminal: Terminal) -> None:
    """The command that does the same."""
    words = (FILE,) if step.verb == "up" else (*(end for end in step.ends if end), "-l", name)
    terminal.line(terminal.paint(f"$ vethlab {' '.join((step.verb, *words))}", "cyan"))


def _told(step: Step, lab: Lab, terminal: Terminal, *, pausing: bool) -> None:
    terminal.line()
    _say(step.told, terminal)
    if pausing:
        node = lab.topology.nodes[0].name
        errors().line(terminal.paint(f"  Enter: go on. Ctrl-C: leave. In another terminal: vethlab sh -l {lab.name} {node}", "dim"))
        terminal.stream.flush()
        sys.stdin.readline()


def _say(text: str, terminal: Terminal) -> None:
    import textwrap

    for line in textwrap.wrap(text, WIDE, break_long_words=False, break_on_hyphens=False):
        terminal.line(line)
    terminal.line()
