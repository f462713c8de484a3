"""One way to divide a group into columns, carried out: slots, order, places, ways of cables, and what it costs the eye.

Enters: a group, the column of each of its kids, which cables lead out of it; leaves: a Block and its cost. Rule of the file: a cable that
passes a column has a slot of no height in it, so passing and standing are settled together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from vethlab.present.drawing.block import LEFT, RIGHT, Block, Pin, Point
from vethlab.present.drawing.columns import settled
from vethlab.present.drawing.levels import Levels
from vethlab.present.drawing.nest import TOP, Nest
from vethlab.present.drawing.order import ordered

__all__ = ["Attempt", "bulge"]

GAP, LANE = 24, 14
CHANNEL, CHANNEL_MOST = 64, 170
ALIKE = 1.7  # boxes of one column become equally wide unless one is so much wider
CROSSING, BESIDE, PASSING, HAIRPIN, SLOPE, SHAPE, SIZE = 10, 45, 14, 30, 0.06, 60, 0.02  # what each costs


def bulge(height: float) -> float:
    """How far the control points of a cable between two places of one side stand off; it swings out three quarters of that."""
    return min(24 + 0.3 * abs(height), 110)


@dataclass(slots=True)
class Way:
    """A cable through the columns: its slots from left to right. `first`, `last`: its pins there, None where it leaves the group."""

    cable: int
    slots: list[int]
    first: Pin | None
    last: Pin | None


@dataclass(slots=True)
class Arc:
    """A cable between two kids of one column, or within one kid."""

    cable: int
    pins: tuple[Pin, Pin]
    slots: tuple[int, int]


@dataclass(slots=True)
class Attempt:
    """The work on one division."""

    nest: Nest
    group: str
    levels: Levels
    sides: Mapping[Pin, str]
    ranks: Mapping[Pin, float]
    columns: list[list[int]] = field(default_factory=list)
    kid_of: dict[int, str] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    arcs: list[Arc] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.columns = [[] for _ in range(max(self.levels.values()) + 1)]
        slots = {}
        for kid, level in self.levels.items():
            slots[kid] = self._slot(level, kid)
        for number, cable in enumerate(self.nest.scene.cables):
            a, b = (self.nest.kid_with(self.group, plug) for plug in (cable.left, cable.right))
            near, far = a if a in self.levels else None, b if b in self.levels else None
            self._route(number, near, far, slots)
        self.order({})

    def order(self, inside: Mapping[Pin, float]) -> None:
        """Put each column in order. `inside`: where in its kid a pin is, from 0 to 1, as far as that is known."""
        fixed: dict[int, list[float]] = {}
        for way in self.ways:
            for pin, slot in ((way.last, way.slots[0]), (way.first, way.slots[-1])):
                if (way.first is None or way.last is None) and pin is not None and pin in self.ranks:
                    fixed.setdefault(slot, []).append(self.ranks[pin])
        links = []
        for way in self.ways:
            at = [0.5] * len(way.slots)
            if way.first is not None:
                at[0] = inside.get(way.first, 0.5)
            if way.last is not None:
                at[-1] = inside.get(way.last, 0.5)
            links += [(a, x, b, y) for (a, x), (b, y) in pairwise(zip(way.slots, at, strict=True))]
        self.columns = ordered(self.columns, links, fixed, keep=not inside)

    def _slot(self, level: int, kid: str = "") -> int:
        number, self.count = self.count, self.count + 1
        self.columns[level].append(number)
        if kid:
            self.kid_of[number] = kid
        return number

    def _route(self, number: int, left: str | None, right: str | None, slots: Mapping[str, int]) -> None:
        pins: tuple[Pin, Pin] = ((number, 0), (number, 1))
        if left is None or right is None:
            if left is None and right is None:
                return
            kid, pin = (left, pins[0]) if left is not None else (right or "", pins[1])
            level, slot = self.levels[kid], slots[kid]
            if self.sides[pin] == RIGHT:
                self.ways.append(Way(number, [slot, *(self._slot(at) for at in range(level + 1, len(self.columns)))], pin, None))
            else:
                self.ways.append(Way(number, [*(self._slot(at) for at in range(level)), slot], None, pin))
            return
        a, b = self.levels[left], self.levels[right]
        if left == right and self.nest.is_group(left):
            return  # the group within does it
        if a == b:
            self.arcs.append(Arc(number, pins, (slots[left], slots[right])))
            return
        if a > b:
            left, right, a, b, pins = right, left, b, a, (pins[1], pins[0])
        self.ways.append(Way(number, [slots[left], *(self._slot(at) for at in range(a + 1, b)), slots[right]], pins[0], pins[1]))

    def pins_of(self, kid: str) -> dict[Pin, tuple[str, float]]:
        """For each cable at a kid: the side on which it leaves, and how far up it leads, for the order of the pins."""
        rank = {slot: (place + 0.5) / len(column) for column in self.columns for place, slot in enumerate(column)}
        found: dict[Pin, tuple[str, float]] = {}
        for way in self.ways:
            ends: tuple[tuple[Pin | None, int, str], ...] = ((way.first, 0, RIGHT), (way.last, -1, LEFT))
            for pin, end, side in ends:
                if pin is not None and self.kid_of.get(way.slots[end]) == kid:
                    near = way.slots[1 if end == 0 else -2] if len(way.slots) > 1 else None
                    found[pin] = (side, self.ranks.get(pin, 0.5) if near is None else rank[near])
        for arc in self.arcs:
            for pin, here, there in ((arc.pins[0], arc.slots[0], arc.slots[1]), (arc.pins[1], arc.slots[1], arc.slots[0])):
                if self.kid_of[here] == kid:
                    away = rank[there] - rank[here]
                    found[pin] = (RIGHT, (10 - away if away > 0 else -10 - away) if away else 5.0)
        return found

    def compose(self, blocks: Mapping[str, Block]) -> Block:
        """The group as a block, its kids placed."""
        of = {slot: blocks[kid] for slot, kid in self.kid_of.items()}
        heights = {slot: of[slot].height if slot in of else 0.0 for column in self.columns for slot in column}
        widths = [self._widen([of[slot] for slot in column if slot in of]) for column in self.columns]
        links = []
        for way in self.ways:
            for place, (a, b) in enumerate(pairwise(way.slots)):
                first = of[a].pins[way.first][1] if place == 0 and way.first is not None and a in of else 0.0
                last = of[b].pins[way.last][1] if place == len(way.slots) - 2 and way.last is not None and b in of else 0.0
                links.append((a, first, b, last))
        tops = settled(self.columns, heights, links, GAP, LANE)
        lefts, whole = self._across(widths, links, tops, of)
        height = max(tops[slot] + heights[slot] for slot in tops)
        block = Block(self.group, whole, height, parts=list(blocks.values()))
        for number, column in enumerate(self.columns):
            for slot in column:
                if slot in of:
                    of[slot].x, of[slot].y = lefts[number] + (widths[number] - of[slot].width) / 2, tops[slot]
        self._wire(block, of, tops, lefts, widths)
        block.cost = self._cost(block, links, tops) + sum(kid.cost for kid in blocks.values())
        return block

    def _widen(self, column: list[Block]) -> float:
        width = max((one.width for one in column), default=0)
        for one in column:
            if not one.frame and width <= ALIKE * one.width:
                one.stretch(width)
        return width

    def _across(
        self, widths: list[float], links: list[tuple[int, float, int, float]], tops: Mapping[int, float], of: Mapping[int, Block],
    ) -> tuple[list[float], float]:
        """Where each column begins, and where the last one ends."""
        column_of = {slot: number for number, column in enumerate(self.columns) for slot in column}
        steep, swung = [0.0] * len(widths), [0.0] * len(widths)
        for a, in_a, b, in_b in links:
            steep[column_of[a]] = max(steep[column_of[a]], abs(tops[a] + in_a - tops[b] - in_b))
        for arc in self.arcs:
            high, low = (tops[slot] + of[slot].pins[pin][1] for slot, pin in zip(arc.slots, arc.pins, strict=True))
            swung[column_of[arc.slots[0]]] = max(swung[column_of[arc.slots[0]]], 0.75 * bulge(high - low))
        lefts, x = [], 0.0
        for number, width in enumerate(widths):
            lefts.append(x)
            x += width + swung[number]
            if number < len(widths) - 1:
                x += min(CHANNEL + 0.16 * steep[number], CHANNEL_MOST)
        return lefts, x

    def _wire(
        self, block: Block, of: Mapping[int, Block], tops: Mapping[int, float], lefts: list[float], widths: list[float],
    ) -> None:
        column_of = {slot: number for number, column in enumerate(self.columns) for slot in column}

        def trail(slot: int, pin: Pin) -> tuple[Point, ...]:
            kid, column = of[slot], column_of[slot]
            points = tuple((x + kid.x, y + kid.y, way) for x, y, way in kid.trails[pin])
            edge = lefts[column] + (widths[column] if kid.pins[pin][0] == RIGHT else 0)
            return (*points, (edge, points[-1][1], points[-1][2])) if abs(edge - points[-1][0]) > 0.5 else points

        for way in self.ways:
            points: list[Point] = []
            for place, slot in enumerate(way.slots):
                if place == 0 and way.first is not None:
                    points += trail(slot, way.first)
                elif place == len(way.slots) - 1 and way.last is not None:
                    points += turned(trail(slot, way.last))
                else:
                    left = lefts[column_of[slot]]
                    points += [(left, tops[slot], 1), (left + widths[column_of[slot]], tops[slot], 1)]
            if way.first is not None and way.last is not None:
                block.wires[way.cable] = turned(points) if way.first[1] else tuple(points)
            elif way.first is not None:
                block.trails[way.first] = (*points, (block.width, points[-1][1], 1))
                block.pins[way.first] = (RIGHT, points[-1][1])
            elif way.last is not None:
                block.trails[way.last] = (*turned(points), (0, points[0][1], -1))
                block.pins[way.last] = (LEFT, points[0][1])
        for arc in self.arcs:
            block.wires[arc.cable] = (*trail(arc.slots[0], arc.pins[0]), *turned(trail(arc.slots[1], arc.pins[1])))

    def _cost(self, block: Block, links: list[tuple[int, float, int, float]], tops: Mapping[int, float]) -> float:
        column_of = {slot: number for number, column in enumerate(self.columns) for slot in column}
        ends = [(column_of[a], tops[a] + in_a, tops[b] + in_b) for a, in_a, b, in_b in links]
        crossed = sum(c == f and (a - d) * (b - e) < 0 for n, (c, a, b) in enumerate(ends) for f, d, e in ends[:n])
        spans = [(column_of[arc.slots[0]], *sorted(tops[slot] for slot in arc.slots)) for arc in self.arcs]
        crossed += sum(c == f and (a < d < b < e or d < a < e < b) for n, (c, a, b) in enumerate(spans) for f, d, e in spans[:n])
        slopes = sum(abs(a - b) for _, a, b in ends)
        beside = sum(arc.slots[0] != arc.slots[1] for arc in self.arcs)
        ratio = math.log(block.width / max(block.height, 1) / 2)
        large = min(3.0, block.width * block.height / 700_000)  # a strip of three boxes is fine, one of thirty is not
        shape = SHAPE * large * max(0.0, abs(ratio) - 0.5) if self.group == TOP else 0
        size = SIZE * (block.width + block.height)
        passing = self.count - len(self.kid_of)
        return CROSSING * crossed + BESIDE * beside + PASSING * passing + HAIRPIN * self._hairpins() + SLOPE * slopes + shape + size

    def _hairpins(self) -> int:
        """Kids that join others and have them all on one side."""
        sides: dict[int, list[int]] = {}
        for way in self.ways:
            for slot, pin, side in ((way.slots[0], way.first, 1), (way.slots[-1], way.last, -1)):
                if pin is not None:
                    sides.setdefault(slot, []).append(side)
        return sum(len(found) > 1 and len(set(found)) == 1 for found in sides.values())


def turned(points: tuple[Point, ...] | list[Point]) -> tuple[Point, ...]:
    """A way walked from its other end."""
    return tuple((x, y, -way) for x, y, way in reversed(points))
