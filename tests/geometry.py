"""What tests ask about a picture: where its texts and lines are, and whether they are in each other's way.

Enters: a Picture; leaves: lists of what is wrong, empty if all is well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vethlab.present.drawing.shapes import Extent, Group, Picture, Shape, Stroke, Words

STEPS = 24  # points looked at on each curve


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
    points = [point for line in lines for point in line.points(STEPS)]
    return [one.text for one in words if any(_holds(one.extent, point) for point in points)]


def _meet(a: Extent, b: Extent) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _holds(extent: Extent, point: tuple[float, float]) -> bool:
    return extent[0] < point[0] < extent[2] and extent[1] < point[1] < extent[3]
