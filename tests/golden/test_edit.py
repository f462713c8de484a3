"""Edits of lab files as folders: input.lab.yaml and commands.txt give expected.lab.yaml and said.txt. A new case is a new folder.

A line of commands.txt is `NODE# COMMAND`; a line `  undo: COMMAND` below it says what takes it back. Written anew by
`VETHLAB_GOLDEN=write`; read the difference before you commit it.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from vethlab import spec
from vethlab.model.finding import Command
from vethlab.spec import edit

CASES = sorted(path.parent for path in (Path(__file__).parent / "edit").glob("*/commands.txt"))


def commands(folder: Path) -> list[Command]:
    """The commands of a case."""
    found: list[Command] = []
    for line in (folder / "commands.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("  undo: "):
            last = found.pop()
            found.append(Command(last.node, last.argv, (*last.undo, tuple(shlex.split(line.removeprefix("  undo: "))))))
        else:
            node, _, words = line.partition("# ")
            found.append(Command(node, tuple(shlex.split(words))))
    return found


def read(path: Path) -> str:
    """The text of a file with its line breaks as they are."""
    return path.read_bytes().decode()


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_an_edit_is_what_it_was(folder: Path) -> None:
    """The edited file, byte by byte, and what could not be said, are as recorded; the same commands then ask for nothing more."""
    text, said = edit.apply_commands(read(folder / "input.lab.yaml"), commands(folder))
    sentences = "".join(f"{one}\n" for one in said)
    if os.environ.get("VETHLAB_GOLDEN") == "write":
        (folder / "expected.lab.yaml").write_bytes(text.encode())
        (folder / "said.txt").write_text(sentences, encoding="utf-8")

    assert read(folder / "expected.lab.yaml") == text
    assert read(folder / "said.txt") == sentences
    assert (text, said) == edit.apply_commands(text, commands(folder))


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_comments_stay(folder: Path) -> None:
    """Whatever the edit, each comment of the file is still there, in its order."""
    before, after = (read(folder / f"{name}.lab.yaml") for name in ("input", "expected"))
    rest = iter(after.replace("\r\n", "\n").splitlines())

    assert [] == [line for line in before.splitlines() if "#" in line and not any(_comment(line) in other for other in rest)]


def _comment(line: str) -> str:
    return line[line.index("#") :].rstrip()


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_what_is_refused_stays_as_it_was(folder: Path) -> None:
    """A file that could say nothing of a fix is returned byte by byte; one that was edited is a lab file."""
    before, after = (read(folder / f"{name}.lab.yaml") for name in ("input", "expected"))
    if before != after:
        assert spec.loads(before).name == spec.loads(after).name
    assert (folder / "said.txt").exists()
