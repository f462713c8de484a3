"""From a lab to a finished picture: the page to read first.

Enters: a topology, its state or None; leaves: a Picture for a writer. Rule of the file: it connects the steps and decides nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vethlab.present.drawing import paint
from vethlab.present.drawing.arrange import arrange
from vethlab.present.drawing.gather import gather
from vethlab.present.drawing.metrics import text_width
from vethlab.present.drawing.shapes import Group, Picture, Words
from vethlab.present.drawing.told import told

if TYPE_CHECKING:
    from vethlab.model.state import State
    from vethlab.model.topology import Topology

__all__ = ["draw"]

MARGIN, TOP = 24, 58


def draw(topology: Topology, state: State | None, *, said: str = "") -> Picture:
    """The picture of a lab. `said`: what stands below its name."""
    scene = gather(topology, state)
    block = arrange(scene, {})
    block.x, block.y = MARGIN, TOP + 14
    cables = []
    for number, points in paint.wires(block):
        cable = scene.cables[number]
        stroke = paint.curve(points, "cable" + (" bundle" if cable.count > 1 else ""))
        cables.append(Group(f"{cable.left} -- {cable.right}", (stroke,), "wire", (cable.left, cable.right)))
    every = tuple(paint.blocks(scene, block))
    frames = tuple(one for one in every if isinstance(one, Group) and one.role == "frame")
    width = max(block.width, text_width(scene.name, "head"), text_width(said, "lead")) + 2 * MARGIN
    head = (Words(MARGIN, 34, scene.name, "head"), Words(MARGIN, 54, said, "lead"))
    shapes = (*head, *frames, *cables, *(one for one in every if one not in frames))
    return Picture(width, block.height + TOP + 14 + MARGIN, f"lab {scene.name}", (*([said] if said else []), *told(scene)), shapes)
