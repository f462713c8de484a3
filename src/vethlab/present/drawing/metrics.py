"""How wide text is, without asking a font: an upper bound over the fonts that a reader may have.

Enters: a text and a style; leaves: pixels. Rule of the file: never too narrow. The tables hold, in thousandths of the font size, the widest
advance of each character among DejaVu Sans, Liberation Sans (as wide as Arial) and Noto Sans; DejaVu is about as wide as Verdana, and wider
than the system fonts of Windows, macOS and Android. Fixed fonts are 0.62 em at most (Menlo and DejaVu Sans Mono: 0.602).
"""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import combining, east_asian_width

__all__ = ["STYLES", "Style", "clean", "shorten", "text_width", "wrapped"]

FIXED = 620
OTHER, WIDE = 1000, 1200  # a character of no table, and one of East Asian width
REGULAR = {
    280: "'ijl", 320: " ,.·", 360: ":;If", 400: "()-/[\\]t", 440: "!r", 480: '"', 520: "J`", 560: "*?L_csz|–",  # noqa: RUF001 - a dash
    600: "kvxy", 640: "$0123456789FTabdeghnopqu{}µ", 680: "EKPSY", 720: "ABVXZ", 760: "CHNRU", 800: "&DGOQ", 840: "#+<=>^w~✗✓×",  # noqa: RUF001 - a sign
    920: "M", 960: "%", 1000: "Wm→←…↔", 1040: "@",
}
BOLD = {
    320: "'", 360: " ijl", 400: ",.:;I·", 440: "-/\\f", 480: "!()[]t", 520: "`r", 560: '"*J_|–', 600: "csz", 640: "?L", 680: "aekvxy",  # noqa: RUF001 - a dash
    720: "$0123456789EFTbdghnopqu{}", 760: "CPSYZµ", 800: "ABKRVX", 840: "#+<=>DGHNU^~✗✓×", 880: "&OQ", 960: "w", 1000: "@M→←…↔",  # noqa: RUF001 - a sign
    1040: "%", 1080: "m", 1120: "W",
}
WIDTHS = {
    False: {character: width for width, group in REGULAR.items() for character in group},
    True: {character: width for width, group in BOLD.items() for character in group},
}


@dataclass(frozen=True, slots=True)
class Style:
    """How a kind of text is set: font size and height of a line in pixels."""

    size: float
    line: float
    bold: bool = False
    fixed: bool = False


STYLES = {
    "head": Style(16, 24, bold=True), "lead": Style(13, 20), "title": Style(15, 20, bold=True), "caption": Style(12, 16),
    "plug": Style(12.5, 17, bold=True, fixed=True), "address": Style(12.5, 16, fixed=True), "word": Style(11.5, 15),
    "hop": Style(11.5, 16), "fault": Style(12, 16, bold=True), "legend": Style(12, 18),
}


def text_width(text: str, style: str) -> float:
    """Pixels that `text` takes at most."""
    how = STYLES[style]
    table = WIDTHS[how.bold]
    return sum(_advance(character, how, table) for character in text) * how.size / 1000


def _advance(character: str, how: Style, table: dict[str, int]) -> int:
    if combining(character):
        return 0
    if how.fixed:
        return FIXED if character.isascii() else 2 * FIXED
    return table.get(character) or (WIDE if east_asian_width(character) in "WF" else OTHER)


def shorten(text: str, style: str, width: float) -> str:
    """`text`, cut with an ellipsis if it is wider than `width` pixels."""
    if text_width(text, style) <= width:
        return text
    while text and text_width(text + "…", style) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def clean(text: str) -> str:
    """`text` on one line, without what XML cannot hold and what turns the direction of writing."""
    flat = " ".join(text.split())
    return "".join(one if one.isprintable() and one not in "\ufffe\uffff" else "\ufffd" for one in flat)


def wrapped(text: str, style: str, width: float) -> list[str]:
    """Lines of words, none wider than `width` unless a single word is."""
    lines: list[str] = []
    for word in clean(text).split():
        if lines and text_width(f"{lines[-1]} {word}", style) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
