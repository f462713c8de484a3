"""From a lab to a finished picture: the page to read first.

Enters: a topology, its state or None, an explanation or None; leaves: a Picture for a writer. Rule of the file: it connects the steps and
decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from vethlab.present.drawing import paint
from vethlab.present.drawing.arrange import arrange
from vethlab.present.drawing.block import Block, Point
from vethlab.present.drawing.fold import folded
from vethlab.present.drawing.gather import gather
from vethlab.present.drawing.journey import ASKED, REPLY, REQUEST, Journey, journey, passed
from vethlab.present.drawing.legend import headline, legend
from vethlab.present.drawing.runs import runs
from vethlab.present.drawing.scene import Scene
from vethlab.present.drawing.shapes import Group, Picture, Shape, Spot
from vethlab.present.drawing.told import told
from vethlab.present.drawing.travel import places, tiles, travelled, turned_within

if TYPE_CHECKING:
    from vethlab.model.finding import Explanation
    from vethlab.model.state import State
    from vethlab.model.topology import Topology

__all__ = ["draw"]

MARGIN, APART = 24, 20
BELOW = 13  # the corner of a box: a mark there is beside its name, and below the name of the frame around it
NARROWEST = 460  # of the text above and below a small lab


def draw(
    topology: Topology, state: State | None = None, *, said: Sequence[tuple[str, str]] = (), explanation: Explanation | None = None,
    named: bool = True,
) -> Picture:
    """The picture of a lab, with a journey on it if there is one. `said`: lines below its name, each with a tone or without.

    `named`: the name stands in it; a page has it elsewhere.
    """
    ends = passed(explanation) if explanation is not None else []
    scene = folded(gather(topology, state, also=ends), {end.netns for end in ends})
    found = journey(scene, explanation) if explanation is not None else None
    block = arrange(scene, found.notes if found is not None else {})
    width = max(block.width, NARROWEST if said or found else 0)
    above, down = headline(topology.name, said, MARGIN, MARGIN - 8, width) if named else ([], MARGIN - APART)
    block.x, block.y = MARGIN + (width - block.width) / 2, down + APART
    body = list(_body(scene, block, found))
    down = block.y + block.height
    below, down = legend(_entries(found), MARGIN, down + APART, width) if found else ([], down)
    return Picture(
        width + 2 * MARGIN, down + MARGIN, _title(topology, said, found), (*(text for text, _ in said), *told(scene), *_way(found)),
        (*above, *body, *below),
    )


def _body(scene: Scene, block: Block, found: Journey | None) -> Iterator[Shape]:
    """Frames, then cables and what travelled on them, then boxes and what passed through them."""
    ways = dict(paint.wires(block))
    every = list(paint.blocks(scene, block, found.never if found is not None else frozenset()))
    frames = [one for one in every if isinstance(one, Group) and one.role == "frame"]
    yield from frames
    yield from _cables(scene, ways, found)
    if found is not None:
        yield from travelled(ways, found)
    yield from (one for one in every if one not in frames)
    if found is not None:
        where = dict(places(block))
        yield from turned_within(where, dict(tiles(block)), found)
        if found.fault in where:
            yield Spot(where[found.fault].edge, where[found.fault].y, "cross")
        else:
            yield from (Spot(x, y + BELOW, "cross") for key, x, y in paint.corners(block) if key == found.fault)


def _cables(scene: Scene, ways: Mapping[int, Sequence[Point]], found: Journey | None) -> Iterator[Shape]:
    for number, points in ways.items():
        cable = scene.cables[number]
        ends = {cable.left, cable.right}
        unused = found is not None and ends & found.never and not any(leg.cable == number for leg in found.legs)
        kind = ("tunnel" if cable.kind == "tunnel" else "cable") + (" bundle" if cable.count > 1 else "") + (" dead" if unused else "")
        yield Group(f"{cable.left} -- {cable.right}", (paint.curve(points, kind),), "wire", (cable.left, cable.right))


def _entries(found: Journey) -> list[tuple[str, str]]:
    """What the legend has to explain."""
    kinds = {leg.kind for leg in found.legs} | {turn.kind for turn in found.turns}
    entries = [(kind, text) for kind, text in ((REQUEST, "request"), (REPLY, "reply"), (ASKED, "only ARP")) if kind in kinds]
    entries += [("death", found.end)] if found.fault else []
    entries += [("cable dead", "never reached")] if found.never else []
    if found.asking and kinds - {ASKED}:
        hops = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs(found.asking))
        entries.append(("", f"not drawn: ARP, hops {hops}"))
    return entries


def _title(topology: Topology, said: Sequence[tuple[str, str]], found: Journey | None) -> str:
    return f"{topology.name}: {said[0][0]}" if found is not None and said else f"lab {topology.name}"


def _way(found: Journey | None) -> tuple[str, ...]:
    return () if found is None else tuple(f"hop {line}" for line in found.told)
