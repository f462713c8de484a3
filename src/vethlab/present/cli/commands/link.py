"""`vethlab link A B ...`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vethlab.errors import UsageError
from vethlab.present.cli.choose import running
from vethlab.present.cli.command import option, output, verb
from vethlab.present.cli.complete import labs
from vethlab.present.cli.terminal import plural, progress, screen

if TYPE_CHECKING:
    from vethlab.lab import Lab
    from vethlab.lab.linking import Linked

__all__ = ["command"]

EXAMPLES = (
    "vethlab link a b --down", "vethlab link a b --up", "vethlab link a b --rate 10mbit", "vethlab link br0 --mtu 9000 --dry-run",
    'vethlab link --add "a 10.0.9.1/24 -- c 10.0.9.2/24" --write', 'vethlab link --add "d 10.1.0.9 -- br0"', "vethlab link d br0 --add",
    "vethlab link a b --remove", "vethlab link c --remove --dry-run",
)
BETWEEN = " -- "  # `--add` without a value: between the ends that are given


@verb("link", examples=EXAMPLES)
@click.argument("ends", nargs=-1, metavar="[A B]")
@option("--down/--up", "down", setting=False, default=None, help="Set A's end of it down, or up again with its addresses and routes.")
@option("--mtu", setting=False, type=click.IntRange(68, 65535), metavar="BYTES", help="The largest packet, at both ends.")
@option("--rate", setting=False, metavar="RATE", help="How much passes in a second, e.g. 10mbit.")
@option("--delay", setting=False, metavar="TIME", help="Holds every packet back, e.g. 5ms (needs sch_netem).")
@option("--loss", setting=False, metavar="SHARE", help="Loses this share of the packets, e.g. 1% (needs sch_netem).")
@option(
    "--add", setting=False, default="", is_flag=False, flag_value=BETWEEN, metavar="'END -- END'",
    help="One link more, said as in a lab file; alone, between A and B. A node that is not there yet comes with it.",
)
@option("--remove", setting=False, is_flag=True, help="One link less, or a place on a network; A alone: the node with all its links.")
@option("--write", setting=False, is_flag=True, help="Say it in the lab file too; its comments stay.")
@option("--dry-run", is_flag=True, help="Show what would change and touch nothing.")
@option("--show-commands", is_flag=True, help="Print the equivalent command lines.")
@option("-l", "--lab", "named", metavar="LAB", shell_complete=labs, help="The running lab.")
@output("text", "json")
def command(  # noqa: PLR0913 - an option each
    ends: tuple[str, ...], output: str, named: str | None, add: str, *, down: bool | None, remove: bool, write: bool, dry_run: bool,
    show_commands: bool, **said: str | int | None,
) -> int:
    """Change a link of the running lab, or add or remove a link or a node.

    A and B are nodes or interfaces (`a:eth0`); B may be a network, and a network alone means the whole of it. Without --write the lab file
    stays as it is: `plan` shows the change, `up` takes it back, and so does `fix --undo`.
    """
    from vethlab.lab.linking import LinkWish

    keys = {key: str(value) for key, value in said.items() if value is not None}
    if add == BETWEEN and len(ends) == 2:
        add, ends = BETWEEN.join(ends), ()
    asked = LinkWish(ends, None if down is None else not down, keys, add, remove, write, dry_run)
    if sum((down is not None, bool(keys) and not add, bool(add), remove)) != 1 or (add and ends):
        raise UsageError(
            "say one thing: --down, --up, settings, --add or --remove", help="vethlab link a b --rate 1mbit, or vethlab link a b --add",
        )
    one = running(named)
    with progress(f"{one.name}: changing a link"):
        done = one.change_link(asked)
    if output == "json":
        _document(one, done)
    else:
        _show(one, done, show_commands=show_commands, undo=f"vethlab fix --undo{f' -l {named}' if named else ''}")
    return 0


def _document(lab: Lab, done: Linked) -> None:
    from vethlab.present.cli import changes
    from vethlab.present.cli.document import emit

    back = [{"node": one.node, "argv": list(one.argv)} for one in done.undo]
    emit("link", {
        "lab": lab.name, "changes": changes.documents(done.changes), "undo": back, "wrote": done.wrote or None, "dry_run": done.dry_run,
        "along": list(done.along),
    })


def _show(lab: Lab, done: Linked, *, show_commands: bool, undo: str) -> None:
    from vethlab.present.cli import changes

    terminal = screen()
    if show_commands:
        changes.commands(done.changes, terminal, lab=lab.name, exists=True, joined=lab.current.machine)
    else:
        changes.table(done.changes, terminal)
    for sentence in done.along:
        terminal.line(f"  left out with it: {sentence}")
    if not done.changes:
        terminal.line(f"{terminal.mark('ok')} {lab.name}: it is so already")
    elif done.dry_run:
        terminal.line(changes.summary(done.changes))
    else:
        wrote = f", {done.wrote} says so too" if done.wrote else f"; take it back: {undo}"
        terminal.line(f"{terminal.mark('ok')} {lab.name}: {plural(len(changes.rows(done.changes)), 'change')}{wrote}")
