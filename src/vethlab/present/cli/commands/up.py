"""`vethlab up [FILE]`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from vethlab.present.cli import changes as shown
from vethlab.present.cli.choose import flag, lab_file, mode
from vethlab.present.cli.command import option, output, verb
from vethlab.present.cli.complete import lab_files
from vethlab.present.cli.counts import described
from vethlab.present.cli.terminal import duration, errors, plural, progress, screen

if TYPE_CHECKING:
    from vethlab.lab import Lab, Receipt
    from vethlab.model.path import Report

__all__ = ["command"]

EXAMPLES = ("vethlab up", "vethlab up web3.lab.yaml --check", "vethlab up --dry-run --show-commands", "sudo vethlab up --names")
DONE = {"add": "added", "change": "changed", "remove": "removed"}


@verb("up", examples=EXAMPLES)
@click.argument("file", required=False, type=click.Path(), shell_complete=lab_files)
@option("--root/--rootless", default=None, help="As root, or as an ordinary user; chosen by itself otherwise.")
@option("--names", is_flag=True, help="Give the namespaces names under /run/netns, for `ip netns` (root).")
@option("--check", is_flag=True, help="Prove the paths afterwards; exit with 1 if one fails.")
@option("--dry-run", is_flag=True, help="Show what would change and touch nothing.")
@option("--show-commands", is_flag=True, help="Print the equivalent command lines.")
@output("text", "json")
def command(
    file: str | None, output: str, *, root: bool | None, names: bool, check: bool, dry_run: bool, show_commands: bool,
) -> int:
    """Make the network what its file says.

    A lab that runs is changed, not rebuilt: only the difference is applied, read back from the kernel, and undone if a step fails.
    """
    from vethlab import lab
    from vethlab.present.cli.main import go_through, interruptible

    path = lab_file(file)
    one = lab.Lab.load(path, mode=mode(root=root), ahead=not dry_run)
    if dry_run:
        from vethlab.present.cli.commands.plan import print_plan

        print_plan(one, path, one.plan(), output, show_commands=show_commands)
        return 0
    with progress(f"{one.name}: building {plural(len(one.topology.nodes), 'node')}"), go_through():
        receipt = one.up(detach=True, names=names)
    if output == "text":
        _tell(one, receipt, show_commands=show_commands, hint=not check)
    if check:
        interruptible()
    report = _checked(one, output) if check else None
    if output == "json":
        _document(one, path, receipt, report)
    return 0 if report is None or report.ok else 1


def _checked(lab: Lab, output: str) -> Report:
    from vethlab.present.cli import paths

    with progress(f"{lab.name}: checking"):
        report = lab.check()
    if output == "text":
        paths.show(report, screen())
    return report


def _tell(lab: Lab, receipt: Receipt, *, show_commands: bool, hint: bool) -> None:
    terminal = screen()
    if show_commands and receipt.changes:
        shown.commands(receipt.changes, terminal, lab=lab.name, exists=not receipt.created, joined=lab.topology.machine)
    for warning in receipt.warnings:
        errors().line(f"  note: {warning} (vethlab doctor)")
    ok, took = terminal.mark("ok"), duration(receipt.seconds)
    if receipt.created:
        counts = described(lab.topology, checks=False)
        terminal.line(f"{ok} {lab.name} is up: {counts}, {receipt.mode}", took)
        if hint:
            first = next((node.name for node in lab.topology.nodes), "host")
            which = flag(lab.name)
            words = (f"vethlab check{which}", f"vethlab sh {first}{which}", f"vethlab down{which}")
            errors().line("  try: " + f" {errors().mark('dot')} ".join(words))
        return
    if not receipt.changes:
        terminal.line(f"{ok} {lab.name} matches its file, nothing to change", took)
        return
    actions = Counter(row.action for row in shown.rows(receipt.changes))
    done = [f"{actions[action]} {word}" for action, word in DONE.items() if actions[action]]
    terminal.line(f"{ok} {lab.name} matches its file: {', '.join([*done, f'{receipt.untouched} untouched'])}", took)


def _document(lab: Lab, path: str, receipt: Receipt, report: Report | None) -> None:
    from vethlab.present.cli.document import emit

    body: dict[str, Any] = {
        "lab": lab.name, "file": path, "mode": receipt.mode, "created": receipt.created, "nodes": receipt.nodes, "links": receipt.links,
        "untouched": receipt.untouched, "seconds": round(receipt.seconds, 6), "changes": shown.documents(receipt.changes),
        "warnings": list(receipt.warnings),
    }
    if report is not None:
        from vethlab.present.cli import paths

        body["check"] = paths.document(lab.name, report)
    emit("up", body)
