"""From placed blocks to shapes: boxes, their texts, cables, and a legend of what is not self-evident.

Enters: a scene, its block and the journey on it, if there is one; leaves: a Picture. Rule of the file: cables first, boxes over them, so
that a line never lies on a text; what is drawn is told in words too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from vethlab.present.drawing.attempt import bulge
from vethlab.present.drawing.block import LEFT, Block, Chip, Point, Tile
from vethlab.present.drawing.metrics import STYLES
from vethlab.present.drawing.scene import HOST_BOX, NETWORK, Scene
from vethlab.present.drawing.shapes import Group, Panel, Shape, Spot, Stroke, Words

__all__ = ["blocks", "curve", "wires"]

BASE = 0.75  # where in its line a text's baseline is
SHEET = 5  # how far the sheets of a stack show below it


def wires(block: Block, x: float = 0, y: float = 0) -> Iterator[tuple[int, tuple[Point, ...]]]:
    """Every cable's way in the coordinates of the whole."""
    x, y = x + block.x, y + block.y
    for cable, points in block.wires.items():
        yield cable, tuple((at + x, down + y, way) for at, down, way in points)
    for part in block.parts:
        yield from wires(part, x, y)


def curve(points: Sequence[Point], kind: str, shift: float = 0) -> Stroke:
    """A smooth line through points. `shift`: moved aside by so many pixels, to the right of who travels it."""
    moved = [(x, y + shift * way, way) for x, y, way in points]
    curves = []
    for (x1, y1, a), (x2, y2, b) in pairwise(moved):
        if a == b:
            bend = abs(x2 - x1) / 2
            aside = shift * (-1 if y2 > y1 else 1 if y2 < y1 else 0) if abs(y2 - y1) > 1 else 0
            curves.append(((x1 + a * bend + aside, y1), (x2 - b * bend + aside, y2), (x2, y2)))
        else:
            bend = bulge(y2 - y1)
            curves.append(((x1 + a * bend, y1), (x2 - b * bend, y2), (x2, y2)))
    return Stroke(moved[0][:2], tuple(curves), kind)


def corners(block: Block, x: float = 0, y: float = 0) -> Iterator[tuple[str, float, float]]:
    """The upper left corner of every box, by its key."""
    x, y = x + block.x, y + block.y
    if block.box is not None and (block.frame or block.key == block.box.key):
        yield block.key, x, y
    for part in block.parts:
        yield from corners(part, x, y)


def blocks(scene: Scene, block: Block, never: Collection[str], x: float = 0, y: float = 0) -> Iterator[Shape]:
    """The shapes of a block and of all in it. `never`: interfaces that a journey did not reach."""
    x, y = x + block.x, y + block.y
    if block.frame and block.box is not None:
        yield Group(block.box.name, tuple(_frame(block, x, y)), "frame", (block.key,))
    if block.tile is not None:
        yield Group(_title(block.tile), tuple(_tile(block, block.tile, never, x, y)), block.tile.box.kind, (block.key,))
    for part in block.parts:
        yield from blocks(scene, part, never, x, y)


def _frame(block: Block, x: float, y: float) -> Iterator[Shape]:
    yield Panel(x, y, block.width, block.height, "frame", 14)
    down = y + 12
    for line in block.head:
        down += STYLES[line.style].line
        yield Words(x + 18, down - 5, line.text, line.style, tone=line.tone)


def _title(tile: Tile) -> str:
    chips = [" ".join([chip.plug.name, *chip.plug.addresses, *chip.plug.words]) for chip in (*tile.left, *tile.right)]
    return "; ".join([" ".join([tile.box.name, *tile.box.words, *tile.box.addresses]), *chips])


def _tile(block: Block, tile: Tile, never: Collection[str], x: float, y: float) -> Iterator[Shape]:
    box = tile.box
    if box.members:
        for n in (2, 1):
            yield Panel(x + SHEET * n, y + 2 * SHEET, block.width - 2 * SHEET * n, block.height - (2 - n) * SHEET, "sheet", 9)
    yield Panel(x, y, block.width, block.height, _kind(tile), 9)
    down = y + 6
    for line in tile.head:
        down += STYLES[line.style].line
        yield Words(x + block.width / 2, down - 4, line.text, line.style, "middle", line.tone)
    if box.kind == NETWORK and (tile.left or tile.right):
        yield from _bar(block, tile, x, y)
    for side, chips in (("left", tile.left), ("right", tile.right)):
        for chip in chips:
            kind = "chip-bad" if chip.plug.bad else "chip-never" if chip.plug.key in never else "chip"
            yield from _chip(block, tile, chip, kind, x, y, left=side == LEFT)


def _kind(tile: Tile) -> str:
    return "switch" if tile.box.kind == NETWORK else "own" if tile.box.kind == HOST_BOX else "box"


def _bar(block: Block, tile: Tile, x: float, y: float) -> Iterator[Shape]:
    """The bar that joins the ports of a switch."""
    at = x + bar_at(block, tile)
    tops = {chip.plug.key: y + tile.tops[chip.plug.key] for chip in (*tile.left, *tile.right)}
    top, bottom = min(tops.values()), max(tops[chip.plug.key] + chip.height for chip in (*tile.left, *tile.right))
    for chips, left in ((tile.left, True), (tile.right, False)):
        for chip in (one for one in chips if not one.plug.loose):
            height = tops[chip.plug.key] + chip.height / 2
            edge = x + chip.width if left else x + block.width - chip.width
            yield Stroke((edge, height), (((edge, height), (at, height), (at, height)),), "stub")
    yield Panel(at - 3.5, top, 7, bottom - top, "bar", 3.5)


def bar_at(block: Block, tile: Tile) -> float:
    """Where the bar of a switch, or the middle of a node, is."""
    left, right = (max((chip.width for chip in chips), default=0) for chips in (tile.left, tile.right))
    return (left + block.width - right) / 2


def _chip(block: Block, tile: Tile, chip: Chip, kind: str, x: float, y: float, *, left: bool) -> Iterator[Shape]:
    top = y + tile.tops[chip.plug.key]
    edge = x if left else x + block.width
    if chip.lines:
        yield Panel(x + (1 if left else block.width - chip.width - 1), top, chip.width, chip.height, kind, 4)
    down = top + 5
    for line in chip.lines:
        height = STYLES[line.style].line
        at = edge + (12 if left else -12)
        yield Words(at, down + BASE * height, line.text, line.style, "start" if left else "end", line.tone)
        down += height
    if chip.wired:
        yield Spot(edge, top + chip.height / 2, "dot", "bad" if chip.plug.bad else "")
