"""From a scene to placed blocks: columns of boxes, groups arranged within themselves, and the way of every cable between them.

Enters: a scene and further lines of text; leaves: one Block that holds all. Rule of the file: cables run in the channels between columns,
and through a column only on a lane that is kept free for them, so that no cable ever crosses a text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from vethlab.present.drawing.attempt import Attempt
from vethlab.present.drawing.block import RIGHT, Block, Line, Notes, Pin, heading, tile_block
from vethlab.present.drawing.levels import Levels, candidates, components
from vethlab.present.drawing.nest import TOP, Nest
from vethlab.present.drawing.scene import Scene

__all__ = ["arrange"]

APART = 34  # between parts of a lab that no cable joins
SHAPE = 1.7  # width to height, as screens and pages like it
FRAME, FRAME_TOP = 18, 12
TORN = 80  # what it costs the eye that alike boxes stand in different columns


def arrange(scene: Scene, notes: Notes) -> Block:
    """The whole lab as one block."""
    nest = Nest(scene)
    return _packed([_best(nest, TOP, part, {}, {}, notes) for part in _parts(nest)])


def _parts(nest: Nest) -> list[list[str]]:
    return components(_graph(nest, TOP, nest.kids(TOP)))


def _graph(nest: Nest, group: str, kids: list[str]) -> dict[str, list[str]]:
    graph: dict[str, list[str]] = {kid: [] for kid in kids}
    for cable in nest.scene.cables:
        a, b = nest.kid_with(group, cable.left), nest.kid_with(group, cable.right)
        if a is not None and b is not None and a != b and a in graph and b in graph:
            graph[a].append(b)
            graph[b].append(a)
    return graph


def _best(
    nest: Nest, group: str, kids: list[str], sides: Mapping[Pin, str], ranks: Mapping[Pin, float], notes: Notes,
) -> Block:
    """A group's kids, arranged in the way that draws best. `sides` and `ranks`: where the cables leave that lead out of it."""
    graph = _graph(nest, group, kids)
    kinds = {kid: f"{nest.box_of(kid).kind} {len(nest.box_of(kid).members)} {nest.is_group(kid)}" for kid in kids}
    leaving = [nest.kid_with(group, _plug(nest, pin)) for pin, side in sides.items() if side == RIGHT]
    ends = [kid for kid in kids if kid in leaving] or [kid for kid in kids if kid in {nest.kid_with(group, _plug(nest, p)) for p in sides}]
    found: Block | None = None
    for levels, torn in candidates(graph, kinds, ends):
        block = _attempt(nest, group, levels, sides, ranks, notes)
        block.cost += TORN * torn
        if found is None or block.cost < found.cost - 0.5:
            found = block
    if found is None:
        raise AssertionError("a group has kids")
    return _framed(nest, group, found, notes) if group != TOP else found


def _plug(nest: Nest, pin: Pin) -> str:
    cable = nest.scene.cables[pin[0]]
    return cable.right if pin[1] else cable.left


def _attempt(
    nest: Nest, group: str, levels: Levels, sides: Mapping[Pin, str], ranks: Mapping[Pin, float], notes: Notes,
) -> Block:
    attempt = Attempt(nest, group, levels, sides, ranks)
    blocks = _filled(nest, attempt, notes)
    inside = {pin: y / block.height for kid, block in blocks.items() if nest.is_group(kid) for pin, (_, y) in block.pins.items()}
    if len(inside) > 1:  # only now is it known where in a group its cables end: order again
        attempt.order(inside)
        blocks = _filled(nest, attempt, notes)
    return attempt.compose(blocks)


def _filled(nest: Nest, attempt: Attempt, notes: Notes) -> dict[str, Block]:
    """A block for each kid, its pins in the order that the columns ask for."""
    blocks = {}
    for kid in attempt.levels:
        pins = attempt.pins_of(kid)
        if nest.is_group(kid):
            sides, ranks = {pin: side for pin, (side, _) in pins.items()}, {pin: rank for pin, (_, rank) in pins.items()}
            blocks[kid] = _best(nest, kid, nest.kids(kid), sides, ranks, notes)
        else:
            wired: dict[str, list[tuple[Pin, str, float]]] = {}
            for pin, (side, rank) in pins.items():
                wired.setdefault(_plug(nest, pin), []).append((pin, side, rank))
            blocks[kid] = tile_block(nest.box_of(kid), nest.plugs_of(kid), wired, notes, own=kid not in nest.boxes)
            blocks[kid].key = kid
    return blocks


def _framed(nest: Nest, group: str, block: Block, notes: Notes) -> Block:
    """A group in its frame, with the name of its box."""
    box = nest.boxes[group]
    head = _on_one_line(heading(box, notes))
    down = FRAME_TOP + 24 + sum(18 for line in head[1:])
    right = max(0.0, max(line.width for line in head) - block.width)
    framed = Block(group, block.width + 2 * FRAME + right, block.height + down + FRAME, cost=block.cost, box=box, head=head, frame=True)
    block.x, block.y = FRAME + right / 2, down
    for pin, (side, y) in block.pins.items():
        framed.pins[pin] = (side, y + down)
        border = (framed.width, y + down, 1) if side == RIGHT else (0, y + down, -1)
        framed.trails[pin] = (*((x + block.x, at + down, way) for x, at, way in block.trails[pin]), border)
    framed.parts = [block]
    return framed


def _on_one_line(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """A frame is wide: what is said of it in words stands in one line below its name."""
    words = [line.text for line in lines[1:] if line.style == "caption"]
    return (lines[0], *([Line(" · ".join(words), "caption")] if words else []), *(line for line in lines[1:] if line.style != "caption"))


def _packed(parts: list[Block]) -> Block:
    """Parts that no cable joins, in rows like text."""
    area = sum((part.width + APART) * (part.height + APART) for part in parts)
    limit = max([math.sqrt(area * SHAPE), *(part.width for part in parts)])
    whole = Block(TOP, 0, 0, cost=sum(part.cost for part in parts), parts=parts)
    x = y = tall = 0.0
    for part in parts:
        if x and x + part.width > limit:
            x, y, tall = 0, y + tall + APART, 0
        part.x, part.y = x, y
        x, tall = x + part.width + APART, max(tall, part.height)
        whole.width, whole.height = max(whole.width, x - APART), y + tall
    return whole
