"""Recorded evidence as folders: evidence.json gives explanation.txt. A new case is what `vethlab why A B --record FILE` wrote.

Written anew by `VETHLAB_GOLDEN=write`; read the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vethlab.errors import UsageError
from vethlab.explain import recording
from vethlab.model.finding import Explanation, Finding

CASES = sorted(path.parent for path in (Path(__file__).parent / "evidence").glob("*/evidence.json"))


def told(explanation: Explanation) -> str:
    """An explanation as text, times left out."""
    lines = ["ok" if explanation.ok else "dead"]
    for word, found in [("verdict", explanation.verdict), *(("also", one) for one in explanation.also)]:
        lines += [] if found is None else finding(word, found)
    for one in explanation.warnings:
        lines += finding("warning", one)
    for word, path in (("request", explanation.request), ("reply", explanation.reply)):
        lines += [f"{word} {hop.node}:{hop.interface} {hop.direction} {hop.note}" for hop in path]
    return "\n".join([*lines, *(f"note {one}" for one in explanation.notes)]) + "\n"


def finding(word: str, found: Finding) -> list[str]:
    """One finding."""
    lines = [f"{word} {found.slug} at {found.where} [{found.where.stage}] {found.direction} {found.grade}: {found.summary}"]
    lines += [f"  last seen {found.last_seen}"] if found.last_seen is not None else []
    lines += [f"  {one.source}: {one.says}" for one in found.evidence]
    lines += [f"  ruled out {', '.join(found.ruled_out)}"] if found.ruled_out else []
    for one in found.fixes:
        lines.append(f"  fix {one.title}{' (policy)' if one.policy else ''}")
        lines += [f"    {command.node}# {' '.join(command.argv)}" for command in one.commands]
    return lines


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_recorded_evidence_is_explained_as_it_was(folder: Path) -> None:
    """The same answers of a kernel give the same explanation, without a kernel."""
    _, explanation = recording.replay((folder / "evidence.json").read_text(encoding="utf-8"))
    found, expected = told(explanation), folder / "explanation.txt"
    if os.environ.get("VETHLAB_GOLDEN") == "write":
        expected.write_text(found, encoding="utf-8")
    assert expected.read_text(encoding="utf-8") == found


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_recorded_evidence_survives_writing_and_reading(folder: Path) -> None:
    """What is decoded from a recording and encoded again is the same recording."""
    text = (folder / "evidence.json").read_text(encoding="utf-8")
    assert recording.decode(text) == recording.decode(recording.encode(*recording.decode(text)))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "vethlab.evidence/9"}', '{"schema": "vethlab.evidence/1", "flow": {}}'])
def test_what_is_no_evidence_is_refused(text: str) -> None:
    """A damaged recording, or one of another version, is a usage error and no traceback."""
    with pytest.raises(UsageError):
        recording.replay(text)


def test_evidence_that_does_not_answer_is_refused() -> None:
    """A recording that lacks an answer says which."""
    flow, wiring, answers = recording.decode((CASES[0] / "evidence.json").read_text(encoding="utf-8"))
    with pytest.raises(UsageError, match="does not answer"):
        recording.replay(recording.encode(flow, wiring, [pair for pair in answers if type(pair[0]).__name__ != "Look"]))
