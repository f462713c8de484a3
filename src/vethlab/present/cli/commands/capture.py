"""`vethlab capture [NODE[:INTERFACE]...]`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from vethlab.errors import UsageError
from vethlab.present.cli.choose import running
from vethlab.present.cli.command import option, verb
from vethlab.present.cli.complete import labs, nodes
from vethlab.present.cli.streaming import silence, stopped_by_signals
from vethlab.present.cli.terminal import duration, errors, plural

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from vethlab.kernel.packet import Held
    from vethlab.lab import Lab
    from vethlab.observe.capture import Capture, Tally
    from vethlab.observe.record import Recorder

__all__ = ["command"]

EXAMPLES = (
    "vethlab capture", "vethlab capture a b:eth0 --filter 'icmp or arp'", "vethlab capture -w lab.pcapng --duration 10",
    "vethlab capture -w - | tshark -r -",
)
SNAPLEN = 262_144
SECONDS = click.FloatRange(min=0, min_open=True)


@verb("capture", examples=EXAMPLES)
@click.argument("places", nargs=-1, metavar="[NODE[:INTERFACE]]...", shell_complete=nodes)
@option("-l", "--lab", metavar="LAB", shell_complete=labs, is_eager=True, help="The running lab.")
@option(
    "-w", "--write", setting=False, metavar="FILE",
    help="Record into a pcapng file, which is overwritten if it exists (as tcpdump does); `-` is standard output.",
)
@option("-f", "--filter", "expression", metavar="EXPR", default="", help="Only packets that match, as tcpdump says it (man pcap-filter).")
@option("-c", "--count", type=click.IntRange(min=1), metavar="NUMBER", help="Stop after so many packets.")
@option("--duration", type=SECONDS, metavar="SECONDS", help="Stop after that time.")
@option(
    "-s", "--snaplen", type=click.IntRange(min=14, max=SNAPLEN), default=SNAPLEN, metavar="BYTES",
    help="Keep only the beginning of each packet.",
)
@option(
    "-o", "--output", type=click.Choice(("text", "jsonl")), metavar="FORMAT",
    help="How to print packets: text or jsonl. With -w they are printed only if this is given.",
)
def command(  # noqa: PLR0913, PLR0917 - a parameter for each option
    places: tuple[str, ...], lab: str | None, write: str | None, expression: str, count: int | None, duration: float | None,
    snaplen: int, output: str | None,
) -> None:
    """Show or record the packets of the whole lab.

    All interfaces of the chosen nodes are looked at together, `lo` included, in one order of time; without a node, all nodes and `host`,
    those that `up` adds meanwhile too. A packet that crosses a cable is seen at both ends: `>` left a node, `<` came in.

    With -w the packets go to one pcapng file with an interface for each `node:interface`, the lab's names for its addresses, nanosecond
    times and directions. Ctrl-C, SIGTERM, --count and --duration end the capture; the file is complete then. Looking changes nothing in
    the lab, and no root is needed.
    """
    if write == "-" and output:
        raise UsageError("`-w -` and -o both want standard output", help="write into a file, or leave -o away")
    if write == "-" and sys.stdout.isatty():
        raise UsageError("a pcapng file is nothing for a terminal", help="pipe it: vethlab capture -w - | tshark -r -")
    one = running(lab)
    prepared = one.capture(*places, filter=expression, snaplen=snaplen)
    with _target(write) as descriptor, prepared as capture, stopped_by_signals(capture.stop):
        show = _printer(one, capture, output or "text") if output or not write else None
        record = _recorder(one, capture, descriptor, snaplen, expression) if descriptor is not None else None
        _announce(one.name, capture)
        try:
            for batch in capture.batches(count=count, seconds=duration):
                if record:
                    record.frames(batch)
                if show:
                    show(batch)
            if record:
                record.finish(capture.tally())
        except BrokenPipeError:  # the reader has seen enough
            silence()
    _summary(one.name, capture.tally(), write, ended=capture.lab_ended)


def _announce(name: str, capture: Capture) -> None:
    looked_at = capture.shown()
    places = f"{plural(len(looked_at), 'interface')} of {plural(len({one.node for one in looked_at}), 'node')}"
    errors().line(f"{name}: capturing on {places}")
    errors().stream.flush()


def _target(write: str | None) -> AbstractContextManager[int | None]:
    return nullcontext() if write is None else nullcontext(sys.stdout.fileno()) if write == "-" else _opened(write)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _recorder(lab: Lab, capture: Capture, descriptor: int, snaplen: int, expression: str) -> Recorder:
    from vethlab.lab.capturing import address_names
    from vethlab.observe.record import Recorder

    def write(data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    record = Recorder(capture, write, snaplen=snaplen, capture_filter=expression)
    record.begin(lab.name, address_names(lab.state()))
    return record


def _printer(lab: Lab, capture: Capture, output: str) -> Callable[[list[Held]], None]:
    from vethlab.present.cli.packets import as_json, as_text

    width = max((len(str(one)) for one in capture.shown()), default=0)
    show = as_json(lab.name) if output == "jsonl" else as_text(width)

    def write(batch: list[Held]) -> None:
        sys.stdout.write("".join(show(frame, capture.interface(frame)) + "\n" for frame in batch))
        sys.stdout.flush()

    return write


def _summary(name: str, tally: Tally, write: str | None, *, ended: bool) -> None:
    terminal = errors()
    if ended:
        terminal.line(f"lab `{name}` has ended")
    took = duration(max(0, tally.ended - tally.started) / 1e9)
    file = f", in {write}" if write not in {None, "-"} else ""
    counts = f"{tally.seen:,} seen, {tally.dropped:,} dropped by the kernel"
    terminal.line(f"{plural(tally.delivered, 'packet')} captured in {took}{file}; {counts}")
    if tally.dropped:
        terminal.line("   = help: less to do for each packet: --snaplen 128, --filter EXPR, fewer nodes, -w FILE without -o")
