"""What a fix would change, what it did, and what taking it back did.

Enters: offers, Mended, Undone; leaves: lines. Rule of the file: a sysctl is shown as the change of a value, anything else as its command
line; after a change the new answer stands below the old one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vethlab.present.cli import verdict
from vethlab.present.cli.terminal import Terminal, errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vethlab.lab.explaining import Answer, Offer
    from vethlab.lab.fixing import Mended, Undone
    from vethlab.model.finding import Command

__all__ = ["changes", "done", "nothing", "offered", "undone"]


def offered(before: Answer, offer: Offer, terminal: Terminal) -> None:
    """What is the matter, and what would be changed."""
    terminal.line(verdict.headline(before, terminal))
    changes(offer.commands, terminal)
    if offer.policy:
        terminal.line(f"{terminal.mark('warn')} this changes what somebody decided, not what broke")
    if offer.lost:
        terminal.line(f"{terminal.mark('warn')} {verdict.no_way_back(offer)}")
    terminal.line(verdict.rehearsed(offer, terminal))


def changes(commands: Iterable[Command], terminal: Terminal) -> None:
    """A line for each command."""
    rows = [(command.node, *_change(command)) for command in commands]
    nodes = max((len(node) for node, _, _ in rows), default=0)
    names = max((len(name) for _, name, value in rows if value), default=0)
    for node, name, value in rows:
        text = f"{name:<{names}}  {value}" if value else name
        terminal.line(f"  {terminal.paint('~', 'yellow')} {node:<{nodes}}  {text}")


def nothing(before: Answer, offer: Offer | None, terminal: Terminal) -> None:
    """Why nothing was changed: it works, there is no such fix, or somebody said no."""
    if offer is not None:
        errors().line("nothing was changed")
        return
    terminal.line(verdict.headline(before, terminal))
    known = len(before.fixes)
    if before.explanation.ok:
        terminal.line("nothing to mend")
    elif known:
        terminal.line(f"there {'is 1 fix' if known == 1 else f'are {known} fixes'} to choose from; nothing was changed")
    else:
        terminal.line("no fix is known; nothing was changed")


def done(mended: Mended, terminal: Terminal, *, shown: bool, undo: str, write: bool = False) -> None:
    """What was applied, and the answer now. `shown`: what was the matter has been said already; `undo`: the command that takes it back.

    `write`: the file was to say it too.
    """
    if mended.applied is None or mended.after is None:
        nothing(mended.before, None, terminal)
        return
    if not shown:
        terminal.line(verdict.headline(mended.before, terminal))
        changes(mended.applied.commands, terminal)
    lost = mended.applied.lost
    back = f"undo: {undo}{' (of the rest)' if lost else ''}" if mended.undo else "there is no undo" if lost else ""
    terminal.line(f"{terminal.mark('ok')} applied", back)
    if lost and not shown:
        terminal.line(f"{terminal.mark('warn')} {verdict.no_way_back(mended.applied)}")
    if mended.wrote:
        terminal.line(f"{terminal.mark('ok')} {mended.wrote} says so too")
    elif mended.unwritten:
        terminal.line(f"{terminal.mark('warn')} the lab file was not touched: {mended.unwritten}")
    elif write:
        terminal.line(f"{terminal.mark('ok')} the lab file says so already")
    if mended.after.explanation.ok:
        verdict.healthy(mended.after, terminal)
    else:
        terminal.line(verdict.headline(mended.after, terminal))


def undone(back: Undone, terminal: Terminal) -> None:
    """What was taken back, and the answer now."""
    changes(back.commands, terminal)
    terminal.line(f"{terminal.mark('ok')} taken back")
    if back.explanation_after is not None:
        terminal.line(verdict.headline(back.explanation_after, terminal))


def _change(command: Command) -> tuple[str, str]:
    """(`net.ipv4.conf.vb.accept_local`, `0 → 1`) for a sysctl, (command line, nothing) for the rest."""
    key, value = _sysctl(command.argv)
    if not key:
        return verdict.command_line(command), ""
    before = dict(map(_sysctl, command.undo)).get(key, "")
    return key, f"{before} → {value}".strip()


def _sysctl(argv: tuple[str, ...]) -> tuple[str, str]:
    if len(argv) == 3 and argv[0] == "sysctl" and argv[1] in {"-w", "--write"} and "=" in argv[2]:
        key, _, value = argv[2].partition("=")
        return key, value
    return "", ""
