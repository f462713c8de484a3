"""`vethlab trace SRC DST`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vethlab.errors import UsageError
from vethlab.present.cli.choose import running
from vethlab.present.cli.command import JOURNEYS, option, output, verb
from vethlab.present.cli.probed import STDOUT, taker, tell, writes
from vethlab.present.cli.question import Question, asks
from vethlab.present.cli.terminal import duration, errors, progress, screen

if TYPE_CHECKING:
    from vethlab.lab.explaining import Answer
    from vethlab.present.cli.terminal import Terminal

__all__ = ["command", "show"]


EXAMPLES = (
    "vethlab trace a b", "vethlab trace a b --tcp 80", "vethlab trace box:va box:vb", "vethlab trace a b -o json",
    "vethlab trace a b -o svg > way.svg", "vethlab trace a b -w - | tshark -r -",
)


@verb("trace", examples=EXAMPLES)
@asks(required=True)
@option("--truth/--no-truth", default=None, help="Ask the kernel's tracepoints too, or not (root); by itself where it may.")
@writes()
@output("text", "json", *JOURNEYS)
def command(question: Question, output: str, *, truth: bool | None, write: str | None) -> int:
    """Show the way a packet takes, there and back.

    One packet is sent, and every interface that sees it or its answer is a line, with the time since the first. If it does not arrive,
    the last line says where it died, and the exit status is 1; `vethlab why` tells the rest.

    `-o svg` draws the way on a picture of the lab, `-o html` makes a page of it. With -w the packet is in a pcapng file as every interface
    saw it, with comments for Wireshark.
    """
    if question.src is None or question.dst is None:  # click has asked for both
        raise UsageError("trace what?", help="vethlab trace SRC DST")
    pcap = taker(write)
    one = running(question.lab)
    with progress(f"{one.name}: following {question.src} to {question.dst}"):
        answer = one.trace(question.src, question.dst, **question.how, truth=truth, pcap=pcap)
    if write == STDOUT:
        pass
    elif output == "json":
        from vethlab.present.cli.answers import trace
        from vethlab.present.cli.document import emit

        emit("trace", trace(one.name, answer))
    elif output in JOURNEYS:
        from vethlab.present.cli import drawn

        screen().stream.write(drawn.answer(output, one.current, one.state(), answer))
    else:
        show(answer, screen())
        if not answer.explanation.ok:
            errors().line(f"  next: {question.line('why')}")
    tell(write, answer)
    return 0 if answer.explanation.ok else 1


def show(answer: Answer, terminal: Terminal) -> None:
    """Print the way, and where it ends if it does."""
    from vethlab.present.cli import journey, verdict

    said = answer.explanation
    took = "" if said.rtt_us is None else f"{'open in ' if answer.flow.kind == 'tcp' else ''}{duration(said.rtt_us / 1e6)}"
    terminal.line(verdict.headline(answer, terminal), took)
    journey.table(said, terminal)
    for note in dict.fromkeys([*answer.notes, *said.notes]):
        verdict.paragraph(terminal, "note", note)
