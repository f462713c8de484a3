"""Pages: complete, closed, and nothing in them comes from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from tests.journeys import JOURNEYS

from vethlab.model.topology import Node, Topology
from vethlab.present.drawing.draw import draw
from vethlab.present.drawing.gather import gather
from vethlab.present.drawing.html import Section, html
from vethlab.present.steps import steps

EMPTY = {"meta", "rect", "circle", "path", "br"}


class Reader(HTMLParser):
    """Which elements a page opens and closes, and what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it, and that it waits to be closed."""
        self.found.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without contents."""
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """It has to be the last one that was opened."""
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        """What is written."""
        self.texts.append(data.strip())


def read(page: str) -> Reader:
    """A page, read."""
    reader = Reader()
    reader.feed(page)
    return reader


def page_of(name: str, *story: Section) -> str:
    """The page of one of the journeys."""
    topology, explanation = JOURNEYS[name]
    said = [("what came of it", "bad")]
    return html(draw(topology, explanation=explanation, named=False), gather(topology), said, steps(explanation), story)


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_page_is_whole(name: str) -> None:
    """Every element is closed in its turn, no id is there twice, every hop is a row."""
    reader = read(page_of(name))
    ids = [attributes["id"] for _, attributes in reader.found if "id" in attributes]
    assert ([], [], len(ids)) == (reader.open, reader.wrong, len(set(ids)))
    rows = [attributes["data-key"] for tag, attributes in reader.found if tag == "tr" and "data-key" in attributes]
    topology, explanation = JOURNEYS[name]
    wanted = [f"{step.node}:{step.interface}" if step.interface else step.node for leg in steps(explanation) for step in leg]
    assert wanted == rows[: len(wanted)]
    assert {plug.key for plug in gather(topology).plugs} <= set(rows)


def test_nothing_is_fetched() -> None:
    """No address, no file, no font: the page opens offline, and its own policy forbids anything else."""
    page = page_of("journey-passes")
    assert [] == re.findall(r"(?:https?:|url\(|@import|<link|<img|<iframe|\bsrc=|\bhref=)", page)
    assert "default-src 'none'" in page


def test_the_story_is_told() -> None:
    """Sections of a story with their sentences, lists where there are many, and command lines as code."""
    reader = read(page_of(
        "journey-dies-asking", Section("Why", ("It is so.",)), Section("Evidence", ("one", "two", "three")),
        Section("What mends it", ("do that.",), (("sysctl -w a=<1>", "in box"),)),
    ))
    assert {"Why", "It is so.", "three", "sysctl -w a=<1>", "in box", "The journey", "Addresses", "In words"} <= set(reader.texts)


def test_names_are_text_wherever_they_stand() -> None:
    """A lab whose texts look like markup makes no element and no attribute of its own."""
    odd = "\"'><script>alert(1)</script><!--"
    topology = Topology(odd, (Node("a", run=odd),))
    reader = read(html(draw(topology, named=False), gather(topology), [(odd, "")]))
    assert (1, [], []) == (sum(tag == "script" for tag, _ in reader.found), reader.open, reader.wrong)
    assert odd in reader.texts
