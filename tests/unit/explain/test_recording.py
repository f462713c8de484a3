"""A conversation as text: what is left out, what is refused, and what is not asked again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.explain.scenes import ROUTED, Paper

from vethlab.errors import UsageError
from vethlab.explain import recording
from vethlab.explain.questions import Drifted, Observe, Question, Route
from vethlab.model.finding import Explanation
from vethlab.model.snapshot import Drift


def recorded(paper: Paper, target: str = "10.0.2.2") -> tuple[str, Explanation]:
    """A conversation on paper as text, and what it said."""
    explanation = paper.explain("a", target)
    answers: list[tuple[Question, Any]] = [(question, paper.answer(question)) for question in paper.asked]
    return recording.encode(paper.flow("a", target), paper.wiring, answers), explanation


@pytest.mark.parametrize("target", ["10.0.2.2", "fd02::2"])
def test_a_recording_explains_what_was_explained(target: str) -> None:
    """The same answers give the same explanation, of the same flow."""
    paper = Paper(ROUTED)
    paper.without("b", "0.0.0.0/0", "::/0")
    paper.drift = (Drift("b", "route", "default", "missing", (("ip", "route", "add", "default", "via", "10.0.2.1"),)),)
    text, explanation = recorded(paper, target)
    assert (paper.flow("a", target), explanation) == recording.replay(text)


def test_what_is_at_its_default_is_not_written() -> None:
    """A recording holds what differs: no interface says that it is up."""
    text, _ = recorded(Paper(ROUTED))
    assert '"up"' not in text
    paper = Paper(ROUTED)
    paper.interface("b:eth0", up=False)
    assert '"up":false' in recorded(paper)[0]


def test_drift_that_was_not_recorded_is_none() -> None:
    """A recording of a packet that passed holds no drift; a newer version that asks for it is told that there is none."""
    paper = Paper(ROUTED)
    paper.interface("r:left", ipv4={"forwarding": 0})
    paper.drift = (Drift("r", "sysctl", "net.ipv4.ip_forward", "1 → 0", (("sysctl", "--write", "net.ipv4.ip_forward=1"),)),)
    text, explanation = recorded(paper)
    document = json.loads(text)
    document["answers"] = [one for one in document["answers"] if one[0] != Drifted.__name__]
    _, without = recording.replay(json.dumps(document))
    assert (2, 1) == tuple(len(one.verdict.fixes) if one.verdict is not None else None for one in (explanation, without))


def test_a_probe_that_was_not_recorded_has_seen_nothing() -> None:
    """A recording without a probe is explained from the configuration alone."""
    paper = Paper(ROUTED)
    paper.without("a", "0.0.0.0/0")
    document = json.loads(recorded(paper)[0])
    document["answers"] = [one for one in document["answers"] if one[0] != Observe.__name__]
    _, explanation = recording.replay(json.dumps(document))
    assert "no-route" == (explanation.verdict.slug if explanation.verdict is not None else None)


def test_a_question_without_an_answer_is_named() -> None:
    """A recording of an older version that does not answer all questions says which one is missing."""
    document = json.loads(recorded(Paper(ROUTED))[0])
    document["answers"] = [one for one in document["answers"] if one[0] != Route.__name__]
    with pytest.raises(UsageError, match=r"does not answer Route\(netns='a'"):
        recording.replay(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json", "no recorded evidence"), ('{"schema": "vethlab.evidence/2"}', "has schema vethlab.evidence/2"),
        ('{"schema": "vethlab.evidence/1", "answers": [["Guess", {}, {}]]}', "no recorded evidence: 'Guess'"),
        ('{"schema": "vethlab.evidence/1", "answers": [["Look", {}, {}]]}', "no recorded evidence"),
    ],
)
def test_what_is_no_recording_is_refused(text: str, says: str) -> None:
    """Text that is none, another version, and an unknown question are usage errors that name the trouble."""
    with pytest.raises(UsageError, match=says):
        recording.decode(text)
