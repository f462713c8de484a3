"""Pictures as folders: lab.lab.yaml gives picture.svg, .mmd and .dot. A new case is a new folder; tests/journeys.py has journeys.

Written anew by `VETHLAB_GOLDEN=write`; look at the difference in a browser before you commit it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.geometry import amiss
from tests.journeys import JOURNEYS

from vethlab.present.drawing.dot import dot
from vethlab.present.drawing.draw import draw
from vethlab.present.drawing.fold import folded
from vethlab.present.drawing.gather import gather
from vethlab.present.drawing.mermaid import mermaid
from vethlab.present.drawing.scene import Scene
from vethlab.present.drawing.svg import svg
from vethlab.spec import load

FOLDER = Path(__file__).parent / "picture"
CASES = sorted(path.parent for path in FOLDER.glob("*/lab.lab.yaml"))


def same(folder: Path, name: str, found: str) -> None:
    """Compare with a recorded file, or record it."""
    expected = folder / name
    if os.environ.get("VETHLAB_GOLDEN") == "write":
        expected.write_text(found, encoding="utf-8")
    assert expected.read_text(encoding="utf-8") == found


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_a_picture_is_what_it_was(folder: Path) -> None:
    """The SVG of a lab is as recorded, and nothing in it is in the way of a text."""
    picture = draw(load(str(folder / "lab.lab.yaml")), None, said=[("as declared", "")])
    assert {} == amiss(picture)
    same(folder, "picture.svg", svg(picture))


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
@pytest.mark.parametrize(("writer", "suffix"), [(mermaid, "mmd"), (dot, "dot")], ids=["mermaid", "dot"])
def test_a_graph_is_what_it_was(folder: Path, writer: Callable[[Scene], str], suffix: str) -> None:
    """What Mermaid and Graphviz get of a lab is as recorded."""
    same(folder, f"picture.{suffix}", writer(folded(gather(load(str(folder / "lab.lab.yaml"))))))


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_journey_is_drawn_as_it_was(name: str) -> None:
    """The SVG of a journey is as recorded, and nothing in it is in the way of a text."""
    topology, explanation = JOURNEYS[name]
    picture = draw(topology, explanation=explanation, said=[("what came of it", "bad")])
    assert {} == amiss(picture)
    (FOLDER / name).mkdir(exist_ok=True)
    same(FOLDER / name, "picture.svg", svg(picture))
