"""A picture as SVG: no script, no foreign address, no font of its own.

Enters: a Picture; leaves: text. Rule of the file: colours are in one style sheet, light and dark, as plain values, since many readers of
SVG know no custom properties; where they know no media queries either, the light ones hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from vethlab.present.drawing.metrics import clean
from vethlab.present.drawing.shapes import Group, Panel, Picture, Shape, Spot, Stroke, Words
from vethlab.present.drawing.sheet import sheet

__all__ = ["attribute", "svg", "text"]


def svg(picture: Picture, *, inline: bool = False) -> str:
    """The document, or with `inline` only the element for an HTML page that has the style sheet already."""
    width, height = number(picture.width), number(picture.height)
    names = "" if inline else ' xmlns="http://www.w3.org/2000/svg"'
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    lines = [
        f'<svg{names} class="vethlab" {size} role="img" aria-labelledby="vl-title vl-desc">',
        f'<title id="vl-title">{text(picture.title)}</title>',
        f'<desc id="vl-desc">{text(". ".join(one.rstrip(".") for one in picture.description))}.</desc>',
        *([] if inline else [f"<style>{sheet()}</style>"]),
        f'<rect class="paper" width="{width}" height="{height}" rx="10"/>',
        *_elements(picture.shapes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """At most one digit behind the point, and none that says nothing."""
    return f"{value:.1f}".removesuffix(".0").replace("-0", "0") if abs(value) < 0.05 else f"{value:.1f}".removesuffix(".0")


def text(value: str) -> str:
    """Text for an element: what XML cannot hold is replaced."""
    return escape(clean(value))


def attribute(value: str) -> str:
    """Text as the value of an attribute, with its quotes."""
    return quoteattr(clean(value))


def _elements(shapes: Iterable[Shape]) -> Iterator[str]:
    for shape in shapes:
        match shape:
            case Group():
                about = f" data-about={attribute(json.dumps(shape.about, ensure_ascii=False))}" if shape.about else ""
                yield f'<g class="{shape.role}"{about}><title>{text(shape.title)}</title>'
                yield from _elements(shape.shapes)
                yield "</g>"
            case Words():
                yield _words(shape)
            case Panel():
                place = f'x="{number(shape.x)}" y="{number(shape.y)}" width="{number(shape.width)}" height="{number(shape.height)}"'
                yield f'<rect class="{shape.kind}" {place} rx="{number(shape.radius)}"/>'
            case Stroke():
                yield f'<path class="{shape.kind}" d="{path(shape)}"/>'
            case Spot():
                yield _spot(shape)


def _words(words: Words) -> str:
    anchor = "" if words.anchor == "start" else f' text-anchor="{words.anchor}"'
    tone = f" {words.tone}" if words.tone else ""
    return f'<text class="{words.style}{tone}" x="{number(words.x)}" y="{number(words.y)}"{anchor}>{text(words.text)}</text>'


def path(stroke: Stroke) -> str:
    """The data of a path; a curve that is straight is a line."""
    parts, here = [f"M{number(stroke.start[0])} {number(stroke.start[1])}"], stroke.start
    for first, second, end in stroke.curves:
        if here[1] == first[1] == second[1] == end[1]:
            parts.append(f"H{number(end[0])}")
        else:
            parts.append("C" + " ".join(f"{number(x)} {number(y)}" for x, y in (first, second, end)))
        here = end
    return "".join(parts)


def _spot(spot: Spot) -> str:
    x, y = number(spot.x), number(spot.y)
    tone = f" {spot.tone}" if spot.tone else ""
    if spot.kind == "dot":
        return f'<circle class="dot{tone}" cx="{x}" cy="{y}" r="4"/>'
    if spot.kind == "arrow":
        return f'<path class="arrow{tone}" transform="translate({x} {y}) rotate({number(spot.turn)})" d="M6 0L-5 5.5L-2.5 0L-5 -5.5Z"/>'
    return f'<g class="death" transform="translate({x} {y})"><circle r="8.5"/><path d="M-3.5 -3.5L3.5 3.5M3.5 -3.5L-3.5 3.5"/></g>'
