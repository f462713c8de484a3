"""`vethlab show [LAB]`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from vethlab.errors import NotFoundError
from vethlab.present.cli import picture
from vethlab.present.cli.choose import files, is_file, lab_file, running
from vethlab.present.cli.command import PICTURES, option, output, verb
from vethlab.present.cli.complete import labs, labs_and_files
from vethlab.present.cli.counts import described
from vethlab.present.cli.table import print_table
from vethlab.present.cli.terminal import Terminal, duration, screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vethlab.kernel.port import ProcessStatus
    from vethlab.lab import Lab

__all__ = ["command"]

EXAMPLES = (
    "vethlab show", "vethlab show web3 -o wide", "vethlab show --expanded", "vethlab show web3 -o json", "vethlab show -o svg > lab.svg",
)
FORMATS = ("table", "wide", "json", "yaml", "expanded", *PICTURES)


@verb("show", examples=EXAMPLES)
@click.argument("lab", required=False, shell_complete=labs_and_files)
@option("-l", "--lab", "named", metavar="LAB", shell_complete=labs, help="The running lab.")
@option("--expanded", setting=False, is_flag=True, help="Print the lab file in its full form, every shorthand resolved.")
@output(*FORMATS)
def command(lab: str | None, named: str | None, output: str, *, expanded: bool) -> None:
    """Show one lab: nodes, interfaces, addresses, processes.

    A running lab is shown as the kernel holds it; a lab file whose lab does not run, as it is declared. `-o yaml` and `-o expanded` print
    the canonical lab file, which `up` accepts. `-o svg`
    draws the lab, `-o html` makes a page of it, `-o mermaid` and `-o dot` write it for those programs.
    """
    found, runs = _chosen(lab or named)
    if expanded or output in {"yaml", "expanded"}:
        from vethlab import spec

        screen().stream.write(spec.to_yaml(found.current))
        return
    state, processes = (found.state(), found.processes()) if runs else (None, [])
    if output == "json":
        from vethlab.present.cli.document import emit

        info = found.info() if runs else None
        head = {"lab": found.name, "running": runs, "mode": info.mode if info else None, "since": info.since if info else None}
        head["uplink"] = found.current.uplink
        where = {"file": info.file if info else found.current.source, "pid": info.pid if info else None}
        emit("show", {**head, **where, **picture.document(found.current, state, processes)})
        return
    if output in PICTURES:
        from vethlab.present.cli.drawn import lab as drawn

        screen().stream.write(drawn(output, found.current, state, _words(found, runs=runs)))
        return
    terminal = screen()
    _headline(found, terminal, runs=runs)
    _interfaces(picture.interfaces(found.current, state, wide=output == "wide"), terminal, wide=output == "wide")
    if processes:
        _processes(processes, terminal)


def _chosen(given: str | None) -> tuple[Lab, bool]:
    """The lab meant, and whether it runs. A file whose lab does not run is shown as declared."""
    from vethlab import lab

    try:
        return running(given), True
    except NotFoundError:
        if (given is not None and is_file(given)) or (given is None and len(files()) == 1):
            return lab.Lab.load(lab_file(given)), False
        raise


def _headline(lab: Lab, terminal: Terminal, *, runs: bool) -> None:
    dot = f" {terminal.mark('dot')} "
    words = _words(lab, runs=runs)
    if runs:
        info = lab.info()
        words = [*words, info.mode, f"up for {duration(max(1, round(time.time() - info.since)))}", f"keeper {info.pid}", info.file]
    else:
        words = [*words, lab.current.source]
    text = dot.join(word for word in words if word)
    terminal.line(f"{terminal.paint(lab.name, 'bold')}{dot}{text}")


def _words(lab: Lab, *, runs: bool) -> list[str]:
    """What is said of a lab in one line, wherever it runs and whenever."""
    out = [] if lab.current.uplink == "none" else [f"uplink {lab.current.uplink}"]
    return [described(lab.current), *out, *([] if runs else ["not running"])]


def _interfaces(rows: Sequence[picture.Interface], terminal: Terminal, *, wide: bool) -> None:
    if not rows:
        return
    live = any(row.state for row in rows)
    shaped = any(row.shaped for row in rows)
    head = ["NODE", "INTERFACE", *(["STATE"] if live else []), *(["KIND", "MTU", "MAC"] if wide else []), "TO"]
    head += [*(["SENDS"] if shaped else []), "ADDRESSES"]
    lines, before = [], ""
    for row in rows:
        state = terminal.paint(row.state, "green" if row.state == "up" else "red")
        more = [row.kind, str(row.mtu), row.mac or terminal.mark("none")] if wide else []
        lines.append([
            row.node if row.node != before or wide else "", row.name, *([state] if live else []), *more, row.to or terminal.mark("none"),
            *([row.shaped or terminal.mark("none")] if shaped else []), " ".join(row.addresses),
        ])
        before = row.node
    print_table(terminal, head, lines)


def _processes(processes: Sequence[ProcessStatus], terminal: Terminal) -> None:
    terminal.line()
    rows = []
    for one in processes:
        state = terminal.paint(picture.process_state(one), "green" if one.exited is None else "red")
        rows.append([one.netns, str(one.pid), state, one.log, one.process.command.splitlines()[0] if one.process.command else ""])
    print_table(terminal, ["NODE", "PID", "PROCESS", "LOG", "COMMAND"], rows)
