"""Pictures, as the commands print them.

Enters: a lab or an answer, and a format; leaves: the text of the picture. Rule of the file: it chooses the writer, `present.drawing` draws.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from vethlab.present.cli.terminal import Terminal, duration
from vethlab.present.drawing.draw import draw
from vethlab.present.drawing.svg import svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vethlab.lab.explaining import Answer
    from vethlab.model.state import State
    from vethlab.model.topology import Topology

__all__ = ["answer", "lab"]

WRITERS = {"svg": svg}


def lab(form: str, topology: Topology, state: State | None, words: Sequence[str]) -> str:
    """A lab as a picture. `words`: what is said below its name."""
    return WRITERS[form](draw(topology, state, said=[(" · ".join(words), "")]))


def answer(form: str, topology: Topology, state: State, given: Answer) -> str:
    """A lab with the journey of an answer on it."""
    from vethlab.present.cli.verdict import headline

    said = given.explanation
    took = "" if said.rtt_us is None else f" · {duration(said.rtt_us / 1e6)}"
    plain = Terminal(sys.stdout, colour=False, unicode=True)
    lines = [(headline(given, plain) + took, "" if said.ok else "bad")]
    if said.verdict is not None:
        lines.append((f"{said.verdict.slug} at {said.verdict.where} ({said.verdict.grade})", ""))
    return WRITERS[form](draw(topology, state, said=lines, explanation=said))
