"""The docs say what the code says: generated pages are fresh, links lead somewhere, examples parse."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from vethlab import __version__, spec
from vethlab.present.cli.topics import topics

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.lab.yaml"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def named(path: Path) -> str:
    """A path as people name it in this tree."""
    return path.relative_to(ROOT).as_posix()


def blocks(language: str) -> list[tuple[str, str]]:
    """(page, text) of every code block in a language."""
    return [(named(page), text) for page in PAGES for found, text in BLOCK.findall(page.read_text()) if found == language]


def loaded() -> ModuleType:
    """docs/generate.py, which is a script and no package."""
    place = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


GENERATOR = loaded()


@pytest.mark.parametrize("page", sorted(GENERATOR.PAGES))
def test_generated_pages_are_fresh(page: str) -> None:
    """What is committed is what the code says now; if not, `./dev docs` mends it."""
    assert GENERATOR.WRITTEN + GENERATOR.PAGES[page]() == (ROOT / "docs" / page).read_text()


@pytest.mark.parametrize("name", sorted(GENERATOR.PICTURES))
def test_pictures_are_fresh(name: str) -> None:
    """What is committed is what the code draws now; if not, `./dev docs` mends it."""
    assert GENERATOR.PICTURES[name]() == (ROOT / "docs" / name).read_text()


def test_no_picture_is_left_over() -> None:
    """Every picture in the docs has somebody who draws it."""
    assert set(GENERATOR.PICTURES) == {f"pictures/{path.name}" for path in (ROOT / "docs" / "pictures").glob("*")}


def test_no_generated_page_is_left_over() -> None:
    """A finding that is no longer declared has no page either."""
    folder = ROOT / "docs" / "reference" / "findings"
    assert {page for page in GENERATOR.PAGES if "/findings/" in page} == {f"reference/findings/{path.name}" for path in folder.glob("*")}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of this tree."""
    links = [link.split("#")[0] for link in re.findall(r"\]\((?!https?:)([^)#][^)]*)\)", page.read_text())]
    assert [] == [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize(("page", "text"), [(p, t) for p, t in blocks("yaml") if "name:" in t and "reference/" not in p])
def test_lab_files_in_the_docs_are_valid(page: str, text: str) -> None:
    """A reader who copies a whole lab file from a page gets a lab."""
    assert spec.loads(text, page).nodes


@pytest.mark.parametrize(("page", "text"), blocks("python"))
def test_python_in_the_docs_compiles(page: str, text: str) -> None:
    """A reader who copies Python from a page gets no syntax error."""
    assert compile(text, page, "exec")


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_examples_are_valid(path: Path) -> None:
    """Every example is a valid lab file whose name says what it is."""
    assert spec.loads(path.read_text(), str(path)).nodes


def test_the_changelog_has_this_version() -> None:
    """The version of the code has an entry in the changelog."""
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_every_slug_can_be_explained() -> None:
    """A word that an error shows is a word that `vethlab explain` knows."""
    assert set() == GENERATOR.slugs() - set(topics())
