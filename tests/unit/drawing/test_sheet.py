"""Colours that can be read, in light and dark."""

from __future__ import annotations

import pytest

from vethlab.present.drawing.sheet import COLOURS, sheet

GROUNDS = (".paper", ".box", ".own", ".switch", ".frame", ".chip", ".chip-bad", ".chip-never")
TEXTS = ("text", ".caption,.word,.legend,.lead", ".hop.request", ".hop.reply", ".never", ".bad,.fault")
LINES = (".cable", ".request", ".reply", ".asked", ".stub", ".tunnel", ".box", ".switch", ".frame")


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_on_every_ground(theme: int) -> None:
    """Every colour of text has 4.5 to 1 against every ground that a box or chip may give it."""
    pairs = {(text, ground): contrast(COLOURS[text][theme][0], COLOURS[ground][theme][0]) for text in TEXTS for ground in GROUNDS}
    assert {} == {pair: round(found, 2) for pair, found in pairs.items() if found < 4.5}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_lines_can_be_seen_on_the_paper(theme: int) -> None:
    """Every line has 3 to 1 against paper and frames."""
    pairs = {(line, on): contrast(COLOURS[line][theme][1], COLOURS[on][theme][0]) for line in LINES for on in (".paper", ".frame")}
    assert {} == {pair: round(found, 2) for pair, found in pairs.items() if found < 3}


def test_the_sheet_knows_both_themes() -> None:
    """Dark colours stand in a media query, behind the light ones, and nothing is fetched from anywhere."""
    light, dark = sheet().split("@media (prefers-color-scheme:dark)")
    assert (True, True, False) == ("#ffffff" in light, "#12161c" in dark, "url(" in sheet() or "@import" in sheet())
