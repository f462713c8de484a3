"""What is on the paper: rectangles, strokes, marks and words, with coordinates. Leaves `paint`, enters a writer and the tests of geometry.

Rule of the file: values in pixels, y grows downwards; every shape knows its extent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from vethlab.present.drawing.metrics import STYLES, text_width

__all__ = ["Extent", "Group", "Panel", "Picture", "Shape", "Spot", "Stroke", "Words"]

Extent = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; `y` is its baseline, `anchor` start, middle or end. `tone`: a class of colour besides that of its style."""

    x: float
    y: float
    text: str
    style: str
    anchor: str = "start"
    tone: str = ""

    @property
    def extent(self) -> Extent:
        """As wide as the metrics allow, ascenders and descenders included (0.95 and 0.25 of the size)."""
        width, size = text_width(self.text, self.style), STYLES[self.style].size
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return left, self.y - 0.95 * size, left + width, self.y + 0.25 * size


@dataclass(frozen=True, slots=True)
class Panel:
    """A rectangle. `kind` is a class of the style sheet."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    radius: float = 0

    @property
    def extent(self) -> Extent:
        """Its corners."""
        return self.x, self.y, self.x + self.width, self.y + self.height


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line: a start, then cubic curves of three points each (control, control, end)."""

    start: tuple[float, float]
    curves: tuple[tuple[tuple[float, float], tuple[float, float], tuple[float, float]], ...]
    kind: str

    @property
    def extent(self) -> Extent:
        """Of the points on it: the control points of a curve lie further out than the curve."""
        points = list(self.points(16))
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return min(xs), min(ys), max(xs), max(ys)

    def points(self, steps: int) -> Iterator[tuple[float, float]]:
        """Points on the line, `steps` for each curve."""
        here = self.start
        yield here
        for (x1, y1), (x2, y2), end in self.curves:
            x, y = here
            for step in range(1, steps + 1):
                t = step / steps
                a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
                yield a * x + b * x1 + c * x2 + d * end[0], a * y + b * y1 + c * y2 + d * end[1]
            here = end


REACHES = {"dot": 5.0, "arrow": 7.5, "cross": 9.0}  # from the middle of a mark to the farthest of what svg.py draws, its border too


@dataclass(frozen=True, slots=True)
class Spot:
    """A small mark at a place: `dot` a plug, `arrow` with a direction in degrees, `cross` a death."""

    x: float
    y: float
    kind: str
    tone: str = ""
    turn: float = 0

    @property
    def extent(self) -> Extent:
        """A square that holds it, however it is turned."""
        reach = REACHES[self.kind]
        return self.x - reach, self.y - reach, self.x + reach, self.y + reach


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that belong together, with a name that a pointer shows. `role`: what it is; `about`: keys, for who looks them up."""

    title: str
    shapes: tuple[Shape, ...]
    role: str = ""
    about: tuple[str, ...] = ()

    @property
    def extent(self) -> Extent:
        """All of it."""
        every = [one.extent for one in self.shapes]
        return min(e[0] for e in every), min(e[1] for e in every), max(e[2] for e in every), max(e[3] for e in every)


Shape = Words | Panel | Stroke | Spot | Group


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished drawing. `description`: the same in sentences, a line each."""

    width: float
    height: float
    title: str
    description: tuple[str, ...]
    shapes: tuple[Shape, ...] = field(default=())
