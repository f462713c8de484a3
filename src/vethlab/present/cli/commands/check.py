"""`vethlab check [LAB]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vethlab.present.cli import paths
from vethlab.present.cli.choose import running
from vethlab.present.cli.command import option, output, verb
from vethlab.present.cli.complete import labs, labs_and_files
from vethlab.present.cli.terminal import progress, screen

if TYPE_CHECKING:
    from vethlab.lab import Lab
    from vethlab.model.finding import Finding
    from vethlab.model.path import Path, Report
    from vethlab.present.cli.causes import Cause

__all__ = ["command"]

SECONDS = click.FloatRange(min=0, min_open=True)


@verb("check", examples=("vethlab check", "vethlab check --why", "vethlab check web3 -o wide", "vethlab check --junit report.xml"))
@click.argument("lab", required=False, shell_complete=labs_and_files)
@option("-l", "--lab", "named", metavar="LAB", shell_complete=labs, help="The running lab.")
@option("--timeout", type=SECONDS, default=1.0, metavar="SECONDS", show_default=True, help="How long a reply may take.")
@option("--seed", type=int, metavar="NUMBER", help="Draw the same samples again (`sample:` in the file).")
@option("--why", is_flag=True, help="Ask `why` about one path of each cause.")
@option("--junit", type=click.Path(dir_okay=False), metavar="FILE", help="Write the results as JUnit XML too.")
@output("text", "wide", "json")
def command(
    lab: str | None, named: str | None, output: str, timeout: float, seed: int | None, junit: str | None, *, why: bool,
) -> int:
    """Prove with real packets that the paths work.

    The checks of the lab file are run; without any, every node pings every other. Exit status 1 if a path does not do what is expected.
    """
    one = running(lab or named)
    with progress(f"{one.name}: checking"):
        report = one.check(seed=seed, timeout=timeout)
    found = _explained(one, report) if why else None
    if junit:
        from vethlab.present.cli import junit as xml

        xml.write(junit, one.name, report)
    if output == "json":
        from vethlab.present.cli.document import emit

        emit("check", paths.document(one.name, report, explained=found))
    else:
        paths.show(report, screen(), wide=output == "wide", explained=found, lab=one.name if lab or named else None)
    return 0 if report.ok else 1


def _explained(lab: Lab, report: Report) -> list[Cause]:
    """The causes, with the verdict on the first path of each. Nothing is tried on a copy: that is for `why` itself."""
    from vethlab.present.cli.causes import explained
    from vethlab.present.cli.question import Question

    def ask(path: Path) -> Finding | None:
        question = Question.of_path(path)
        return lab.why(str(question.src), str(question.dst), **question.how, rehearse=False).explanation.verdict

    with progress(f"{lab.name}: asking why"):
        return explained(report, ask)
