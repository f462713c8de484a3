"""`vethlab watch [NODE...]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from vethlab.present.cli.choose import running
from vethlab.present.cli.command import option, output, verb
from vethlab.present.cli.complete import labs, nodes
from vethlab.present.cli.streaming import reader_gone, silence, stopped_by_signals
from vethlab.present.cli.terminal import errors, plural, screen

if TYPE_CHECKING:
    from vethlab.lab import Lab
    from vethlab.observe.deaths import Death
    from vethlab.observe.watch import Watch

__all__ = ["command"]

EXAMPLES = ("vethlab watch", "vethlab watch web db --drops", "vethlab watch -o jsonl --duration 60 > deaths.jsonl")
SECONDS = click.FloatRange(min=0, min_open=True)


@verb("watch", examples=EXAMPLES)
@click.argument("places", nargs=-1, metavar="[NODE]...", shell_complete=nodes)
@option("-l", "--lab", metavar="LAB", shell_complete=labs, is_eager=True, help="The running lab.")
@option("--drops", is_flag=True, help="Only packets that were dropped: no refused connections, no unanswered ARP.")
@option("--truth/--no-truth", default=True, help="Ask the kernel for its drop reasons (BPF), where this is possible: as root.")
@output("text", "jsonl")
@option("-c", "--count", type=click.IntRange(min=1), metavar="NUMBER", help="Stop after so many.")
@option("--duration", type=SECONDS, metavar="SECONDS", help="Stop after that time.")
def command(
    places: tuple[str, ...], lab: str | None, drops: bool, truth: bool, output: str, count: int | None, duration: float | None,
) -> None:
    """Show where packets die, as it happens.

    A line for each packet that does not arrive: when, in which node and at which interface, from whom to whom, and why, with the word that
    `vethlab explain` knows. Without a node, all nodes and `host` are watched, those that `up` adds meanwhile too.

    Told are packets that a rule of nftables drops or rejects, errors that a node answers (no route, time exceeded, too big), connections
    that are refused, ARP and neighbour solicitations that nobody answers within a second, and counters of interfaces and queues that grow.
    As root the kernel's own word on every dropped packet comes in addition. What happens to good packets too is left out.

    Ctrl-C, SIGTERM, --count and --duration end it. Looking changes nothing in the lab, and no root is needed.
    """
    one = running(lab)
    gone = False
    with one.watch(*places, truth=truth) as watch, stopped_by_signals(watch.stop):
        _announce(one.name, watch)
        try:
            gone = _stream(one, watch, output, drops=drops, count=count, seconds=duration)
        except BrokenPipeError:
            gone = True
    if gone:
        silence()
    else:
        _summary(one.name, watch)


def _announce(name: str, watch: Watch) -> None:
    how = "with the kernel's drop reasons" if watch.truth else f"without the kernel's drop reasons: {watch.without}"
    errors().line(f"{name}: watching {plural(len(watch.nodes), 'node')}, {how}")
    errors().stream.flush()


def _stream(lab: Lab, watch: Watch, output: str, *, drops: bool, count: int | None, seconds: float | None) -> bool:
    """Print until the end; True if nobody reads any more."""
    from vethlab.observe.deaths import DROPPED

    show = _printer(lab, watch, output)
    left = count
    for batch in watch.batches(seconds=seconds):
        wanted = [death for death in batch if not drops or death.type == DROPPED][:left]
        if wanted:
            show(wanted)
        elif reader_gone():
            return True
        if left is not None:
            left -= len(wanted)
            if left == 0:
                break
    return False


def _printer(lab: Lab, watch: Watch, output: str) -> Callable[[list[Death]], None]:
    from vethlab.lab.watching import Names
    from vethlab.present.cli.deaths import SCHEMA, as_json, as_text

    terminal = screen()
    if output == "jsonl":
        head = {"schema": SCHEMA, "lab": lab.name, "nodes": watch.nodes, "truth": watch.truth, "without": watch.without or None}
        terminal.stream.write(json.dumps(head) + "\n")
        terminal.stream.flush()
        show = as_json(lab.name)
    else:
        show = as_text(lab.name, Names(lab.namespaces), terminal.paint)

    def write(deaths: list[Death]) -> None:
        terminal.write("".join(show(death) + "\n" for death in deaths))
        sys.stdout.flush()

    return write


def _summary(name: str, watch: Watch) -> None:
    terminal = errors()
    if watch.lab_ended:
        terminal.line(f"lab `{name}` has ended")
    told = watch.told()
    if told.missed:
        terminal.line(f"{plural(told.missed, 'frame or event')} came faster than they could be read, and were missed")
