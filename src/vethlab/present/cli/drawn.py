"""Pictures, as the commands print them.

Enters: a lab or an answer, and a format; leaves: the text of the picture. Rule of the file: it chooses the writer, `present.drawing` draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vethlab.present.drawing.draw import draw
from vethlab.present.drawing.svg import svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vethlab.model.state import State
    from vethlab.model.topology import Topology

__all__ = ["lab"]


def lab(form: str, topology: Topology, state: State | None, words: Sequence[str]) -> str:
    """A lab as a picture. `words`: what is said below its name."""
    picture = draw(topology, state, said=" · ".join(words))
    return {"svg": svg}[form](picture)
