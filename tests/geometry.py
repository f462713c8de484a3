"""What tests ask about a picture: where its texts and lines are, and whether they are in each other's way.

Enters: a Picture; leaves: lists of what is wrong, empty if all is well.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import Any

from vethlab.present.drawing.shapes import Extent, Group, Panel, Picture, Shape, Spot, Stroke, Words

STEPS = 24  # points looked at on each curve
TILES = ("box", "own", "switch")  # what a cable may only end at
RADII = {"cross": 9.0, "dot": 5.0}
INNER = 2.0  # how far within its border a tile begins


def flat(shapes: Iterable[Shape]) -> Iterator[Shape]:
    """Every shape, those in groups too."""
    for shape in shapes:
        if isinstance(shape, Group):
            yield from flat(shape.shapes)
        else:
            yield shape


def overlapping_texts(picture: Picture) -> list[tuple[str, str]]:
    """Pairs of texts that share a place."""
    words = [one for one in flat(picture.shapes) if isinstance(one, Words)]
    return [(a.text, b.text) for number, a in enumerate(words) for b in words[:number] if _meet(a.extent, b.extent)]


def outside(picture: Picture) -> list[Shape]:
    """Shapes that leave the paper."""
    found = []
    for one in flat(picture.shapes):
        left, top, right, bottom = one.extent
        if left < 0 or top < 0 or right > picture.width or bottom > picture.height:
            found.append(one)
    return found


def crossed_texts(picture: Picture) -> list[str]:
    """Texts that a cable or a journey runs through."""
    words = [one for one in flat(picture.shapes) if isinstance(one, Words)]
    lines = [one for one in flat(picture.shapes) if isinstance(one, Stroke)]
    points = _Points(point for line in lines for point in line.points(STEPS))
    return [one.text for one in words if points.within(one.extent)]


def marked_texts(picture: Picture) -> list[str]:
    """Texts that a mark lies on: that of a death, or a plug."""
    spots = [(one, RADII[one.kind]) for one in flat(picture.shapes) if isinstance(one, Spot) and one.kind in RADII]
    extents = [(spot.x - radius, spot.y - radius, spot.x + radius, spot.y + radius) for spot, radius in spots]
    return [one.text for one in flat(picture.shapes) if isinstance(one, Words) and any(_meet(one.extent, spot) for spot in extents)]


def crossed_tiles(picture: Picture) -> list[Panel]:
    """Boxes that a cable or a journey on one runs through or behind."""
    lines = [line for one in picture.shapes if isinstance(one, Group) and one.role in {"wire", "leg"} for line in flat(one.shapes)]
    points = _Points(point for line in lines if isinstance(line, Stroke) for point in line.points(STEPS))
    tiles = [one for one in flat(picture.shapes) if isinstance(one, Panel) and one.kind in TILES]
    inner = [(one, (one.x + INNER, one.y + INNER, one.x + one.width - INNER, one.y + one.height - INNER)) for one in tiles]
    return [one for one, extent in inner if points.within(extent)]


def amiss(picture: Picture) -> dict[str, list[Any]]:
    """Everything that is wrong with a picture, by what it is; empty if all is well."""
    checks: dict[str, Callable[[Picture], list[Any]]] = {
        "texts overlap": overlapping_texts, "lines cross texts": crossed_texts, "marks lie on texts": marked_texts,
        "lines cross boxes": crossed_tiles, "outside of the paper": outside,
    }
    return {what: found for what, check in checks.items() if (found := check(picture))}


class _Points:
    """Points in order of height, so that only those beside an extent are looked at."""

    def __init__(self, points: Iterable[tuple[float, float]]) -> None:
        self._sorted = sorted((y, x) for x, y in points)

    def within(self, extent: Extent) -> bool:
        """Whether one of them lies in it."""
        left, top, right, bottom = extent
        first, last = bisect_right(self._sorted, (top, inf)), bisect_left(self._sorted, (bottom, -inf))
        return any(left < x < right for _, x in self._sorted[first:last])


def _meet(a: Extent, b: Extent) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
