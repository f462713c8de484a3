"""Pictures, as the commands print them.

Enters: a lab or an answer, and a format; leaves: the text of the picture. Rule of the file: it chooses the writer and finds the words,
`present.drawing` draws.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vethlab.present.cli.terminal import Terminal, duration
from vethlab.present.drawing.dot import dot
from vethlab.present.drawing.draw import draw
from vethlab.present.drawing.fold import folded
from vethlab.present.drawing.gather import gather
from vethlab.present.drawing.html import Section, html
from vethlab.present.drawing.mermaid import mermaid
from vethlab.present.drawing.svg import svg
from vethlab.present.steps import steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vethlab.lab.explaining import Answer
    from vethlab.model.state import State
    from vethlab.model.topology import Topology

__all__ = ["answer", "lab"]

GRAPHS = {"dot": dot, "mermaid": mermaid}  # layouts of others: they get what is to be drawn, not where


def lab(form: str, topology: Topology, state: State | None, words: Sequence[str]) -> str:
    """A lab as a picture. `words`: what is said below its name."""
    scene = gather(topology, state)
    if form in GRAPHS:
        return GRAPHS[form](folded(scene))
    said = [(" · ".join(words), "")]
    if form == "html":
        return html(draw(topology, state, named=False), scene, said)
    return svg(draw(topology, state, said=said))


def answer(form: str, topology: Topology, state: State, given: Answer) -> str:
    """A lab with the journey of an answer on it."""
    from vethlab.present.cli.verdict import headline

    said = given.explanation
    took = "" if said.rtt_us is None else f" · {duration(said.rtt_us / 1e6)}"
    plain = Terminal(sys.stdout, colour=False, unicode=True)
    lines = [(headline(given, plain) + took, "" if said.ok else "bad")]
    if said.verdict is not None:
        lines.append((f"{said.verdict.slug} at {said.verdict.where} ({said.verdict.grade})", ""))
    if form == "html":
        picture = draw(topology, state, explanation=said, named=False)
        return html(picture, gather(topology, state), lines, steps(said), list(_story(given, plain)))
    return svg(draw(topology, state, said=lines, explanation=said))


def _story(given: Answer, plain: Terminal) -> Iterator[Section]:
    """What `why` says besides the way: why, on whose word, what mends it."""
    from vethlab.explain.findings import declared
    from vethlab.present.cli import verdict

    said = given.explanation
    if said.verdict is not None:
        known = declared(said.verdict.slug)
        yield Section("Why", (f"{said.verdict.summary}.", *(() if known is None else (known.sentence,))))
        evidence = tuple(f"{verdict.said_by(one)}: {one.says}{'' if one.kernel else ' (our model)'}" for one in said.verdict.evidence)
        yield Section(f"Evidence ({said.verdict.grade})", evidence)
    for number, offer in enumerate(given.fixes, 1):
        commands = tuple((verdict.command_line(one), f"in {one.node}" if one.node else "") for one in offer.commands)
        title = "What mends it" if len(given.fixes) == 1 else f"What mends it, {number} of {len(given.fixes)}"
        yield Section(title, (f"{offer.title}.", f"{verdict.rehearsed(offer, plain)}."), commands)
    notes = (*dict.fromkeys([*given.notes, *said.notes]), *(f"also: {verdict.line(one)}" for one in said.also))
    notes = (*notes, *(f"warning: {verdict.line(one)}" for one in said.warnings))
    if notes:
        yield Section("Notes", notes)
