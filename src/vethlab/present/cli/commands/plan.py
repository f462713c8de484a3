"""`vethlab plan [FILE]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vethlab.present.cli import changes as shown
from vethlab.present.cli.choose import lab_file, lab_runs, mode
from vethlab.present.cli.command import option, output, verb
from vethlab.present.cli.complete import lab_files
from vethlab.present.cli.terminal import progress, screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vethlab.change import Change
    from vethlab.lab import Lab

__all__ = ["command", "print_plan"]


@verb("plan", examples=("vethlab plan", "vethlab plan --show-commands", "vethlab plan --exit-code -o json"))
@click.argument("file", required=False, type=click.Path(), shell_complete=lab_files)
@option("--exit-code", is_flag=True, help="Exit with 1 if there is anything to change.")
@option("--show-commands", is_flag=True, help="Print the equivalent command lines.")
@option("--root/--rootless", default=None, help="As root, or as an ordinary user; chosen by itself otherwise.")
@output("text", "wide", "json")
def command(file: str | None, output: str, *, exit_code: bool, show_commands: bool, root: bool | None) -> int:
    """Show what `up` would change.

    The file is compared with the lab as the kernel holds it now, changes made by hand included. Nothing is touched.
    """
    from vethlab import lab

    path = lab_file(file)
    one = lab.Lab.load(path, mode=mode(root=root))
    with progress(f"reading {one.name}"):
        found = one.plan()
    print_plan(one, path, found, output, show_commands=show_commands)
    return 1 if exit_code and found else 0


def print_plan(lab: Lab, path: str, found: Sequence[Change], output: str, *, show_commands: bool) -> None:
    """Show changes that are not made yet; `up --dry-run` is the same picture, and in JSON the same document."""
    if output == "json":
        from vethlab.present.cli.document import emit

        emit("plan", {"lab": lab.name, "file": path, "changes": shown.documents(found)})
        return
    terminal, exists = screen(), lab_runs(lab.name)
    if not found:
        terminal.line(f"{terminal.mark('ok')} {lab.name} matches its file, nothing to change")
        return
    if show_commands:
        shown.commands(found, terminal, lab=lab.name, exists=exists, joined=lab.topology.machine)
        return
    against = f"against the running lab {lab.name}" if exists else "is not running yet"
    terminal.line(f"{path} {against}      + add  ~ change  - remove")
    shown.table(found, terminal, wide=output == "wide")
    terminal.line(shown.summary(found))

