"""A journey as lines on a picture: beside each other on their cables, within boxes from interface to interface, and the mark of a death.

Enters: the ways of cables, where the interfaces are, a Journey; leaves: shapes. Rule of the file: request and reply differ in dash, side
and direction, not in colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from vethlab.present.drawing.block import Block, Chip, Point, Tile
from vethlab.present.drawing.journey import REPLY, REQUEST, Journey, Turn
from vethlab.present.drawing.paint import bar_at, curve
from vethlab.present.drawing.shapes import Extent, Group, Shape, Spot, Stroke

__all__ = ["Place", "places", "tiles", "travelled", "turned_within"]

ASIDE = 3.6  # from the middle of a cable
INSIDE = 2.6
NEAR = 60  # between two tiles of a column that have nothing between them
SWING = {REQUEST: 16.5, REPLY: 12}  # how far a loop stands off: with its arrow it just fits into the margin


@dataclass(frozen=True, slots=True)
class Place:
    """Where an interface is: the dot on the border, the inner edge of its chip, the bar or middle of its box, half the chip's height."""

    tile: str
    left: bool
    edge: float
    inner: float
    middle: float
    y: float
    half: float


def places(block: Block, x: float = 0, y: float = 0) -> Iterator[tuple[str, Place]]:
    """Every interface, by key."""
    x, y = x + block.x, y + block.y
    if block.tile is not None:
        for left, chips in ((True, block.tile.left), (False, block.tile.right)):
            for chip in chips:
                yield chip.plug.key, _place(block, block.tile, chip, x, y, left=left)
    for part in block.parts:
        yield from places(part, x, y)


def _place(block: Block, tile: Tile, chip: Chip, x: float, y: float, *, left: bool) -> Place:
    edge = x if left else x + block.width
    inner = edge + chip.width + 1 if left else edge - chip.width - 1
    return Place(block.key, left, edge, inner, x + bar_at(block, tile), y + tile.tops[chip.plug.key] + chip.height / 2, chip.height / 2)


def travelled(ways: Mapping[int, Sequence[Point]], found: Journey) -> Iterator[Shape]:
    """The legs on cables, each with an arrowhead half-way."""
    for leg in found.legs:
        points = list(ways[leg.cable]) if leg.forth else [(x, y, -way) for x, y, way in reversed(ways[leg.cable])]
        whole = curve(points, leg.kind, ASIDE)
        if not leg.arrived:
            whole = _first_half(whole)
        tone = REQUEST if leg.kind == "asked" else leg.kind
        x, y, turn = _at(whole, 0.5 if leg.arrived else 0.92)
        told = f"{leg.kind}{'' if leg.arrived else ', sent and not seen at the other end'}"
        yield Group(told, (whole, Spot(x, y, "arrow", tone, turn)), "leg")


def turned_within(where: Mapping[str, Place], tiles: Mapping[str, Extent], found: Journey) -> Iterator[Shape]:
    """The legs within boxes, from the inner edge of one chip over the middle to that of another; and from one tile of a host to another."""
    for turn in found.turns:
        start, end = where.get(turn.start), where.get(turn.end)
        if start is not None and start == end:
            yield from _again(turn, start)
            continue
        if start is not None and end is not None and start.tile == end.tile:
            yield _within(turn, start, end)
            continue
        one, other = (place.tile if place is not None else key for place, key in ((start, turn.start), (end, turn.end)))
        if one == other:
            yield from (_tap(turn.kind, place) for place in (start, end) if place is not None)
        elif one in tiles and other in tiles:
            yield from _between(turn.kind, tiles[one], tiles[other])


def tiles(block: Block, x: float = 0, y: float = 0) -> Iterator[tuple[str, Extent]]:
    """Every tile, by key."""
    x, y = x + block.x, y + block.y
    if block.tile is not None:
        yield block.key, (x, y, x + block.width, y + block.height)
    for part in block.parts:
        yield from tiles(part, x, y)


def _between(kind: str, a: Extent, b: Extent) -> Iterator[Shape]:
    """From one tile to the one above or below it; where others are in between, the numbers at both have to do."""
    left, right = max(a[0], b[0]), min(a[2], b[2])
    top, bottom = (a[3], b[1]) if a[1] < b[1] else (a[1], b[3])
    if right - left < NEAR / 2 or not 0 < abs(bottom - top) < NEAR:
        return
    x = (left + right) / 2 + (ASIDE if kind == REQUEST else -ASIDE)
    yield Stroke((x, top), (((x, top), (x, bottom), (x, bottom)),), f"{kind} inside")
    yield Spot(x, (top + bottom) / 2, "arrow", kind, 90 if bottom > top else -90)


def _tap(kind: str, place: Place) -> Stroke:
    """From a port to the bar of its bridge: the bridge's own interface has no place of its own."""
    y = place.y + (INSIDE if kind == REQUEST else -INSIDE)
    return Stroke((place.inner, y), (((place.inner, y), (place.middle, y), (place.middle, y)),), f"{kind} inside")


def _again(turn: Turn, place: Place) -> Iterator[Shape]:
    """Out of an interface and in again."""
    out, half = (-1 if place.left else 1) * SWING[turn.kind], place.half
    first, last = (place.edge, place.y - half), (place.edge, place.y + half)
    middle = (place.edge + out, place.y)
    bend = 0.55 * half
    yield Stroke(first, (
        ((place.edge + 0.6 * out, first[1]), (middle[0], place.y - bend), middle),
        ((middle[0], place.y + bend), (place.edge + 0.6 * out, last[1]), last),
    ), f"{turn.kind} inside")
    yield Spot(*middle, "arrow", turn.kind, 90)


def _within(turn: Turn, start: Place, end: Place) -> Stroke:
    aside = INSIDE if turn.kind == REQUEST else -INSIDE
    across = (start.middle - start.inner >= 0) == start.left
    middle = start.middle + aside * (1 if end.y >= start.y else -1) if across else start.middle
    corners = [(start.inner, start.y + aside), (middle, start.y + aside), (middle, end.y + aside), (end.inner, end.y + aside)]
    return Stroke(corners[0], tuple((a, b, b) for a, b in pairwise(corners)), f"{turn.kind} inside")


def _lengths(stroke: Stroke, steps: int = 24) -> list[float]:
    points = list(stroke.points(steps))
    return [math.dist(a, b) for a, b in pairwise(points)]


def _at(stroke: Stroke, fraction: float) -> tuple[float, float, float]:
    """The place on a line after a fraction of its length, and the direction there in degrees."""
    points, lengths = list(stroke.points(24)), _lengths(stroke)
    left = sum(lengths) * fraction
    for (x1, y1), (x2, y2), length in zip(points, points[1:], lengths, strict=False):
        if length and left <= length:
            part = left / length
            return x1 + part * (x2 - x1), y1 + part * (y2 - y1), math.degrees(math.atan2(y2 - y1, x2 - x1))
        left -= length
    return (*points[-1], 0.0)


def _first_half(stroke: Stroke) -> Stroke:
    """The line up to half of its length."""
    lengths = _lengths(stroke)
    left, curves, here = sum(lengths) / 2, [], stroke.start
    for number, (a, b, end) in enumerate(stroke.curves):
        mine = sum(lengths[24 * number : 24 * (number + 1)])
        if left < mine:
            t = left / mine
            ab, bc, cd = _mix(here, a, t), _mix(a, b, t), _mix(b, end, t)
            abc, bcd = _mix(ab, bc, t), _mix(bc, cd, t)
            curves.append((ab, abc, _mix(abc, bcd, t)))
            break
        curves.append((a, b, end))
        left, here = left - mine, end
    return replace(stroke, curves=tuple(curves))


def _mix(a: tuple[float, float], b: tuple[float, float], t: float) -> tuple[float, float]:
    return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])
