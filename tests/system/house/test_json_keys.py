"""docs/reference/json.md names the keys that the program prints, all of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "reference" / "json.md").read_text()
SHAPES = dict(re.findall(r"^## `vethlab\.(\w+)/1`\n\n```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
LAB = "name: json-keys\nnodes: {a: {run: sleep 60}, b: {}}\nlinks: [a -- b]\nnetworks: {br0: {nodes: [a, b]}}\n"
COMMANDS = {
    "version": ["version"], "doctor": ["doctor"], "validate": ["validate"], "up": ["up"], "plan": ["plan"], "ls": ["ls"], "show": ["show"],
    "check": ["check"], "why": ["why", "a", "b"], "trace": ["trace", "a", "b"], "fix": ["fix", "a", "b", "--dry-run"],
    "link": ["link", "a", "b", "--mtu", "1400", "--dry-run"], "bench": ["bench", "--with", "own", "--seconds", "0.1"],
    "clean": ["clean", "--dry-run"], "error": ["show", "no-such-lab"], "down": ["down"],
}


def vethlab(folder: Path, *arguments: str) -> Any:
    """Run one command in `folder` and decode its document."""
    argv = [sys.executable, "-m", "vethlab", *arguments, "-o", "json"]
    return json.loads(subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False).stdout)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The document of every command, from the life of one small lab."""
    folder = tmp_path_factory.mktemp("json")
    (folder / "json-keys.lab.yaml").write_text(LAB)
    try:
        yield {verb: vethlab(folder, *arguments) for verb, arguments in COMMANDS.items()}
    finally:
        vethlab(folder, "down")


def shape(text: str) -> dict[str, Any]:
    """`{a, b: [{c}]}` as {"a": None, "b": {"c": None}}."""
    quoted = re.sub(r"(\w+)(\s*:)?", lambda found: f'"{found[1]}"' + (":" if found[2] else ": null"), text)
    whole: dict[str, Any] = json.loads(re.sub(r"\[(\{)|(\})\]", r"\1\2", quoted))
    return whole


def keys(document: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The keys of a document, looked into as deep as `wanted` looks; empty lists are taken at their word."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        inner = wanted.get(key)
        first = value[0] if isinstance(value, list) and value else value
        found[key] = keys(first, inner) if inner and isinstance(first, dict) else inner
    return found


def test_every_document_is_described() -> None:
    """The page has a shape for each command that prints JSON here."""
    assert sorted(COMMANDS) == sorted(SHAPES)


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_the_page_names_every_key(printed: dict[str, Any], verb: str) -> None:
    """The documented keys of a document are its keys, at every depth that the page shows."""
    wanted = shape(SHAPES[verb])
    assert (f"vethlab.{verb}/1", wanted) == (printed[verb]["schema"], keys(printed[verb], wanted))
