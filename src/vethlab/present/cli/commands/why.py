"""`vethlab why SRC DST`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from vethlab.errors import UsageError
from vethlab.present.cli.choose import running
from vethlab.present.cli.command import JOURNEYS, option, output, verb
from vethlab.present.cli.probed import STDOUT, taker, tell, writes
from vethlab.present.cli.question import Question, asks
from vethlab.present.cli.terminal import progress, screen

if TYPE_CHECKING:
    from vethlab.lab.explaining import Answer

__all__ = ["command"]

EXAMPLES = (
    "vethlab why a b", "vethlab why a:eth0 10.0.0.2", "vethlab why web db --tcp 5432", "vethlab why a b --size 1472 -o json",
    "vethlab why a b -w why.pcapng", "vethlab why a b -o svg > why.svg",
)


@verb("why", examples=EXAMPLES)
@asks(required=False)
@option("--no-fix", setting=False, is_flag=True, help="Look for no fix; nothing is tried on a copy.")
@option("--truth/--no-truth", default=None, help="Ask the kernel's tracepoints too, or not (root); by itself where it may.")
@writes()
@option("--record", setting=False, type=click.Path(dir_okay=False), metavar="FILE", help="Keep the kernel's answers in a file.")
@option("--replay", setting=False, type=click.Path(dir_okay=False), metavar="FILE", help="Explain from such a file, without a lab.")
@output("text", "json", *JOURNEYS)
def command(
    question: Question, output: str, *, no_fix: bool, truth: bool | None, write: str | None, record: str | None, replay: str | None,
) -> int:
    """Say why a packet does not arrive.

    One packet is sent and looked at wherever it shows; the kernel is asked what it would do with it at each step. The answer names the
    place where the packet dies, the reason, on whose word that is, and the smallest change that mends it, tried on a throw-away copy of
    the lab. Nothing is changed in the lab itself.

    SRC and DST are nodes, interfaces (`a:eth0`: sent from there, as `ping -I` does) or addresses. Exit status 1 if the packet dies.

    With -w the packet is in a pcapng file as every interface on its way saw it, with comments for Wireshark: which hop, and where and why
    it died; no fix is looked for with `-w -`. `-o svg` draws the journey on the lab, `-o html` makes a page of the whole answer.
    """
    if replay is not None:
        name, answer = _replayed(question, replay, record or write, output)
    else:
        pcap, rehearse = taker(write), not no_fix and write != STDOUT
        name, answer = _asked(question, truth=truth, rehearse=rehearse, record=record, pcap=pcap)
    if no_fix:
        answer = replace(answer, fixes=())
    if write == STDOUT:
        pass
    elif output == "json":
        from vethlab.present.cli.answers import why
        from vethlab.present.cli.document import emit

        emit("why", why(name, answer))
    elif output in JOURNEYS:
        from vethlab.present.cli import drawn

        one = running(question.lab)
        screen().stream.write(drawn.answer(output, one.current, one.state(), answer))
    else:
        from vethlab.present.cli import verdict

        apply = f"vethlab fix{f' -l {question.lab}' if question.lab else ''}"
        verdict.show(answer, screen(), apply=apply, fixes=not no_fix and replay is None)
    tell(write, answer)
    return 0 if answer.explanation.ok else 1


def _asked(question: Question, **how: Any) -> tuple[str | None, Answer]:
    if question.src is None or question.dst is None:
        raise UsageError("why what?", help="name both ends: vethlab why SRC DST")
    one = running(question.lab)
    with progress(f"{one.name}: following {question.src} to {question.dst}"):
        return one.name, one.why(question.src, question.dst, **question.how, **how)


def _replayed(question: Question, path: str, kept: str | None, output: str) -> tuple[str | None, Answer]:
    if output in JOURNEYS:
        raise UsageError("a recording has no lab to draw", help=f"-o {output} needs the lab running; text and json do not")
    if question != Question(None, None, lab=question.lab) or kept is not None:
        raise UsageError("a recording holds its own question", help="vethlab why --replay FILE, and nothing else")
    from vethlab.lab import explaining

    answer = explaining.replay(path)
    return answer.lab or None, answer
