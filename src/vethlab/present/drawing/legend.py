"""What stands above and below a drawing: its name, what is said of it, and what its lines mean.

Enters: what is to be explained, a width; leaves: shapes and their height. Rule of the file: only what occurs in the picture is explained.
"""

from __future__ import annotations

from collections.abc import Sequence

from vethlab.present.drawing.metrics import STYLES, text_width, wrapped
from vethlab.present.drawing.shapes import Shape, Spot, Stroke, Words

__all__ = ["headline", "legend"]

SAMPLE, BESIDE, APART = 34, 8, 26
Entry = tuple[str, str]  # a kind of line or mark, what it means


def headline(name: str, said: Sequence[tuple[str, str]], x: float, y: float, width: float) -> tuple[list[Shape], float]:
    """The name of a lab and lines below it, each with a tone; and how far down they reach."""
    shapes: list[Shape] = []
    for style, text, tone in (("head", name, ""), *(("lead", line, tone) for line, tone in said)):
        for line in wrapped(text, style, width):
            y += STYLES[style].line
            shapes.append(Words(x, y - 6, line, style, tone=tone))
    return shapes, y


def legend(entries: Sequence[Entry], x: float, y: float, width: float) -> tuple[list[Shape], float]:
    """Samples with their words, in rows; and how far down they reach."""
    shapes: list[Shape] = []
    at, left = x, x
    for kind, text in entries:
        long = (SAMPLE + BESIDE if kind else 0) + text_width(text, "legend")
        if at > left and at + long > left + width:
            at, y = left, y + 22
        shapes += _sample(kind, at, y + 9)
        shapes.append(Words(at + (SAMPLE + BESIDE if kind else 0), y + 13, text, "legend"))
        at += long + APART
    return shapes, y + (22 if entries else 0)


def _sample(kind: str, x: float, y: float) -> list[Shape]:
    if kind == "death":
        return [Spot(x + SAMPLE / 2, y, "cross")]
    if not kind:
        return []
    line = Stroke((x, y), (((x, y), (x + SAMPLE, y), (x + SAMPLE, y)),), kind)
    tone = {"request": "request", "reply": "reply", "asked": "request"}.get(kind)
    return [line, *([Spot(x + SAMPLE / 2, y, "arrow", tone)] if tone else [])]
