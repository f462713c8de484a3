"""An answer on one screen: what is the matter, how far the packet came, on whose word, and what would mend it.

Enters: an Answer; leaves: lines. Rule of the file: the first line says it all, everything below is in the order in which people ask; no
more certainty than the grade, and what was not tried says why.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from vethlab.present.cli import journey
from vethlab.present.cli.terminal import Terminal, duration, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vethlab.lab.explaining import Answer, Offer
    from vethlab.model.finding import Command, Evidence, Finding, Where
    from vethlab.model.flow import Flow

__all__ = ["command_line", "headline", "healthy", "line", "paragraph", "place", "rehearsed", "said_by", "show"]

LABEL, WIDE = 10, 96
PLACE = 46  # where `in box` stands behind a command
SAID_BY = {
    "route-oracle": "kernel's own answer", "configuration": "configuration", "observation": "seen on the wire", "counters": "counters",
    "neighbour-table": "neighbour table", "nft-trace": "nft trace", "kernel-drop": "kernel's drop reason", "socket-table": "socket table",
    "icmp": "ICMP message",
}
CANNOT = {"ping": "cannot ping", "tcp": "cannot connect to", "udp": "cannot send to", "arp": "cannot resolve"}


def show(answer: Answer, terminal: Terminal, *, apply: str = "vethlab fix", fixes: bool = True) -> None:
    """Print all of an answer. `apply`: the command that applies the first fix; `fixes`: whether any were looked for."""
    said = answer.explanation
    if said.ok:
        healthy(answer, terminal)
        return
    terminal.line(headline(answer, terminal))
    terminal.line()
    if journey.table(said, terminal):
        terminal.line()
    if said.verdict is not None:
        _why(said.verdict, terminal)
        _evidence(said.verdict, terminal)
    _further(answer, terminal)
    if fixes and said.verdict is not None:
        terminal.line()
        _fixes(answer.fixes, terminal, apply)


def healthy(answer: Answer, terminal: Terminal) -> None:
    """A path that works: both ways with what each interface saw."""
    said = answer.explanation
    took = duration(said.rtt_us / 1e6) if said.rtt_us is not None else ""
    terminal.line(f"{terminal.mark('ok')} {answer.flow.text(terminal.mark('arrow'))}", took)
    for label, hops in (("request", said.request), ("reply", said.reply)):
        if hops:
            paragraph(terminal, label, journey.way(hops, terminal))
    _further(answer, terminal)


def headline(answer: Answer, terminal: Terminal) -> str:
    """One line: who cannot do what, and why."""
    said = answer.explanation
    if said.ok:
        return f"{terminal.mark('ok')} {answer.flow.text(terminal.mark('arrow'))}"
    verdict = said.verdict
    why = said.reason or "no reply" if verdict is None else verdict.summary
    dies = "the reply dies: " if verdict is not None and verdict.direction == "reply" else ""
    return f"{terminal.mark('fail')} {terminal.paint(_cannot(answer.flow), 'bold')}: {dies}{why}"


def line(finding: Finding) -> str:
    """A finding in one line: `rp-filter at box:vb, input (proven): ...`."""
    leg = "on the way back, " if finding.direction == "reply" else ""
    return f"{finding.slug} at {place(finding.where)} ({finding.grade}): {leg}{finding.summary}"


def place(where: Where) -> str:
    """`box:vb, input`."""
    return f"{where}, {where.stage}" if where.stage else str(where)


def no_way_back(offer: Offer) -> str:
    """What nobody can undo, said before anything is done."""
    return f"no undo brings back {' and '.join(offer.lost)}"


def rehearsed(offer: Offer, terminal: Terminal) -> str:
    """What trying it on a copy said."""
    if offer.rehearsed is None:
        return f"not rehearsed{f': {offer.why_not}' if offer.why_not else ''}"
    passed, of = offer.rehearsed
    mark = "" if passed == of else f"{terminal.mark('fail')} "
    return f"{mark}rehearsed on a copy: {passed} of {of} {'passes' if passed == 1 else 'pass'}"


def command_line(command: Command) -> str:
    """As one would type it in the node; of a text of many lines (a ruleset) the first and the last, since `-o json` has it whole."""
    script = command.argv[2] if command.argv[:2] == ("sh", "-c") else ""
    first, *between, last = script.splitlines() if script.count("\n") > 1 else ("", "")
    return f"{first} … {last}  ({len(between) + 2} lines)" if first else shlex.join(command.argv)


def paragraph(terminal: Terminal, label: str, text: str, *more: str) -> None:
    """A label and its text, wrapped beside it; `more` begin new lines."""
    import textwrap

    lines = [part for one in (text, *more) for part in textwrap.wrap(one, WIDE - LABEL, break_long_words=False, break_on_hyphens=False)]
    _beside(terminal, label, [part.replace(journey.FIXED, " ") for part in lines])


def _beside(terminal: Terminal, label: str, lines: Iterable[str]) -> None:
    for text in lines:
        head = f"{terminal.paint(label, 'bold') if label else ''}{' ' * (LABEL - len(label))}"
        terminal.line(f"{head}{text}")
        label = ""


def _cannot(flow: Flow) -> str:
    port = "" if flow.port is None else f" port {flow.port}"
    size = "" if flow.size is None else f" with {flow.size:,} bytes"
    over = f" ({flow.kind})" if flow.kind in {"tcp", "udp"} else ""
    return f"{flow.src} {CANNOT.get(flow.kind, 'cannot reach')} {flow.dst}{port}{size}{over}"


def _why(verdict: Finding, terminal: Terminal) -> None:
    from vethlab.explain.findings import declared

    last = verdict.last_seen
    seen = "" if last is None or last == verdict.where else f"; last seen at {place(last)}"
    known = declared(verdict.slug)
    means = [] if known is None else [known.sentence, f"more: vethlab explain {verdict.slug}"]
    inner = [] if verdict.inner is None else [f"underneath: {line(verdict.inner)}"]
    paragraph(terminal, "why", f"{verdict.slug} at {place(verdict.where)}{seen}", *means, *inner)


def _evidence(verdict: Finding, terminal: Terminal) -> None:
    sources = len({one.source for one in verdict.evidence})
    grade = terminal.paint(verdict.grade, "green" if verdict.grade == "proven" else "yellow")
    terminal.line()
    count = f" {terminal.mark('dot')} {sources} {'source' if sources == 1 else 'sources'}" if sources else ""
    _beside(terminal, "evidence", [f"{grade}{count}"])
    width = max((len(said_by(one)) for one in verdict.evidence), default=0)
    for one in verdict.evidence:
        terminal.line(f"  {terminal.paint(f'{said_by(one):<{width}}', 'dim')}  {one.says}{'' if one.kernel else ' (our model)'}")
    if verdict.ruled_out:
        dot = f"{journey.FIXED}{terminal.mark('dot')} "
        paragraph(terminal, "ruled out", dot.join(verdict.ruled_out))


def said_by(evidence: Evidence) -> str:
    """Whose word it is."""
    return SAID_BY.get(evidence.source, evidence.source)


def _further(answer: Answer, terminal: Terminal) -> None:
    """Notes, further obstacles on the same way, and what will bite later."""
    said = answer.explanation
    notes = dict.fromkeys([*answer.notes, *said.notes])
    parts = [("note", note) for note in notes]
    parts += [("also", line(one)) for one in said.also]
    parts += [("warning", line(one)) for one in said.warnings]
    if parts and not said.ok:
        terminal.line()
    for label, text in parts:
        paragraph(terminal, label, text)


def _fixes(offers: Sequence[Offer], terminal: Terminal, apply: str) -> None:
    if not offers:
        paragraph(terminal, "fix", "none is known")
        return
    for number, offer in enumerate(offers, 1):
        label = "fix" if len(offers) == 1 else f"fix {number}"
        titled = [offer.title] if len(offers) > 1 or len(offer.commands) != 1 else []
        policy = ["this changes what somebody decided, not what broke"] if offer.policy else []
        policy += [no_way_back(offer)] if offer.lost else []
        _beside(terminal, label, [*titled, *policy, *(_aside(one) for one in offer.commands), rehearsed(offer, terminal)])
        choose = f" --choose {number}" if number > 1 else ""
        write = f"{'':6}also in the file: {apply} --write" if len(offers) == 1 and offer.sayable else ""
        _beside(terminal, "", [f"apply: {apply}{choose}{write}"])


def _aside(command: Command) -> str:
    text = command_line(command)
    return f"{text}{' ' * max(2, PLACE - visible(text))}in {command.node}" if command.node else text
