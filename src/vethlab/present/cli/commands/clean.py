"""`vethlab clean`."""

from __future__ import annotations

from vethlab.present.cli.command import option, output, verb
from vethlab.present.cli.terminal import screen

__all__ = ["command"]


@verb("clean", examples=("vethlab clean --dry-run", "vethlab clean"))
@option("--dry-run", is_flag=True, help="Show what would go and touch nothing.")
@output("text", "json")
def command(output: str, *, dry_run: bool) -> None:
    """Remove what a crash left behind.

    A lab dies with its keeper, so only names under /run/netns (`up --names`) can stay, and interfaces in the machine's own network of a lab
    with `host: machine` whose keeper was killed. Only what a dead lab's own record lists, or what bears its mark, is removed.
    """
    from vethlab import lab

    found = list(lab.clean(dry_run=dry_run))
    if output == "json":
        from vethlab.present.cli.document import emit

        emit("clean", {"removed": [] if dry_run else found, "would_remove": found if dry_run else [], "dry_run": dry_run})
        return
    terminal = screen()
    for item in found:
        terminal.line(f"would remove {item}" if dry_run else f"{terminal.mark('ok')} removed {item}")
    if not found:
        terminal.line(f"{terminal.mark('ok')} nothing was left behind")
