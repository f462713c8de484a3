"""Blocks: rectangles with pins on their left and right sides, which is all that arranging has to know of what is in them.

Enters: a box with its interfaces and which side each cable leaves on; leaves: a Block of known size. Rule of the file: all text of a lab
stands inside of a block, so what keeps blocks apart keeps texts apart; between blocks there are only lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vethlab.present.drawing.metrics import STYLES, clean, shorten, text_width
from vethlab.present.drawing.scene import NETWORK, Box, Plug

__all__ = ["LEFT", "RIGHT", "WIDEST", "Block", "Chip", "Line", "Notes", "Pin", "Point", "Tile", "tile_block"]

LEFT, RIGHT = "left", "right"
Pin = tuple[int, int]  # a cable's number in the scene, and 0 for its left end, 1 for its right end
Point = tuple[float, float, int]  # x, y, and the direction in which a cable passes: 1 to the right, -1 to the left

PAD = 12  # between a tile's border and its text
CHIP_PAD, CHIP_GAP = 5, 7
ROOM = 20  # beside chips of one side: a journey turns there
MIDDLE, BUS = 22, 46  # between the left chips and the right ones: empty, or with the bar of a switch
WIDEST = 300  # of a line of text; what is longer is cut, and whole in the title that a pointer shows


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in a tile."""

    text: str
    style: str
    tone: str = ""

    @property
    def width(self) -> float:
        """In pixels."""
        return text_width(self.text, self.style)


Notes = Mapping[str, Sequence[Line]]  # further lines, by the key of a box or plug


@dataclass(frozen=True, slots=True)
class Chip:
    """An interface on a tile, typeset."""

    plug: Plug
    lines: tuple[Line, ...]
    wired: bool = True

    @property
    def width(self) -> float:
        """With its padding; nothing where there is no interface, only a place to plug in."""
        return max(line.width for line in self.lines) + 2 * PAD if self.lines else 0

    @property
    def height(self) -> float:
        """With its padding."""
        return sum(STYLES[line.style].line for line in self.lines) + 2 * CHIP_PAD


@dataclass(slots=True)
class Tile:
    """A box without boxes in it, typeset. `tops`: where each chip begins, by the key of its plug."""

    box: Box
    head: tuple[Line, ...]
    left: list[Chip]
    right: list[Chip]
    middle: float
    tops: dict[str, float] = field(default_factory=dict)

    @property
    def head_height(self) -> float:
        """What the lines above the chips take."""
        return sum(STYLES[line.style].line for line in self.head) + (PAD if self.head else 0)


@dataclass(slots=True)
class Block:
    """A rectangle to be placed. `pins`: side and height of each cable that leaves it; `trails`: its way from interface to border."""

    key: str
    width: float
    height: float
    pins: dict[Pin, tuple[str, float]] = field(default_factory=dict)
    trails: dict[Pin, tuple[Point, ...]] = field(default_factory=dict)
    x: float = 0
    y: float = 0
    tile: Tile | None = None
    parts: list[Block] = field(default_factory=list)
    wires: dict[int, tuple[Point, ...]] = field(default_factory=dict)
    cost: float = 0
    box: Box | None = None
    head: tuple[Line, ...] = ()
    frame: bool = False

    def stretch(self, width: float) -> None:
        """Make it wider: the pins of the right side move along."""
        more, self.width = width - self.width, width
        for pin, trail in self.trails.items():
            if self.pins[pin][0] == RIGHT:
                self.trails[pin] = tuple((x + (more if self.tile else 0), y, way) for x, y, way in trail)


def tile_block(
    box: Box, plugs: Sequence[Plug], wired: Mapping[str, Sequence[tuple[Pin, str, float]]], notes: Notes, *, own: bool = False,
) -> Block:
    """A tile of `box`. `wired`: for each plug its pins, the side of each, and how far up its other end lies. `own`: no headline."""
    sides: dict[str, tuple[str, float]] = {}
    used = {pins[0][1] for pins in wired.values()}
    for plug in plugs:
        pins = wired.get(plug.key, ())
        side = pins[0][1] if pins else RIGHT if used == {RIGHT} else LEFT
        sides[plug.key] = (side, sum(rank for _, _, rank in pins) / len(pins) if pins else float("inf"))
    upwards = sorted(plugs, key=lambda one: sides[one.key][1])
    left, right = (
        [_chip(plug, notes, wired=plug.key in wired) for plug in upwards if sides[plug.key][0] == side] for side in (LEFT, RIGHT)
    )
    head = () if own else heading(box, notes)
    tile = Tile(box, head, left, right, BUS if box.kind == NETWORK else MIDDLE)
    block = Block(box.key, _width(tile), 0, tile=tile, box=box)
    _stack(block, tile, wired)
    return block


def heading(box: Box, notes: Notes) -> tuple[Line, ...]:
    """The lines at the top of a box."""
    lines = [Line(clean(box.name), "title"), *(Line(shorten(clean(word), "caption", WIDEST), "caption") for word in box.words)]
    lines += [Line(address, "address") for address in box.addresses]
    return (*lines, *notes.get(box.key, ()))


def _chip(plug: Plug, notes: Notes, *, wired: bool) -> Chip:
    lines = [Line(clean(plug.name), "plug")] if plug.name else []
    lines += [Line(shorten(clean(one), "address", WIDEST), "address") for one in plug.addresses]
    lines += [Line(shorten(clean(word), "word", WIDEST), "word", "bad" if plug.bad else "") for word in plug.words]
    return Chip(plug, (*lines, *notes.get(plug.key, ())), wired)


def _width(tile: Tile) -> float:
    head = max((line.width for line in tile.head), default=0) + 2 * PAD
    left, right = (max((chip.width for chip in chips), default=0) for chips in (tile.left, tile.right))
    both = left + right + (tile.middle if (left and right) or tile.box.kind == NETWORK else 0)
    if not (left and right):
        both += ROOM
    return max(head, both, 84)


def _stack(block: Block, tile: Tile, wired: Mapping[str, Sequence[tuple[Pin, str, float]]]) -> None:
    """Put the chips of both sides below the headline, the shorter side in the middle of the longer."""
    totals = [sum(chip.height + CHIP_GAP for chip in chips) - CHIP_GAP if chips else 0 for chips in (tile.left, tile.right)]
    block.height = tile.head_height + PAD / 2 + max(totals) + (PAD if max(totals) else PAD / 2)
    for chips, total, side in zip((tile.left, tile.right), totals, (LEFT, RIGHT), strict=True):
        y = tile.head_height + PAD / 2 + (max(totals) - total) / 2
        for chip in chips:
            tile.tops[chip.plug.key] = y
            pins = wired.get(chip.plug.key, ())
            for number, (pin, _, _) in enumerate(pins, 1):
                height = y + chip.height * number / (len(pins) + 1)
                block.pins[pin] = (side, height)
                block.trails[pin] = ((0 if side == LEFT else block.width, height, -1 if side == LEFT else 1),)
            y += chip.height + CHIP_GAP
