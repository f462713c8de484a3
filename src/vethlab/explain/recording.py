"""Recorded evidence: a conversation as JSON, and the same conversation held again without a kernel.

Enters: a flow, the wiring, questions with their answers; leaves: text, and from text the Explanation. Rule of the file: one codec for all
values, driven by their types, so that a new field needs no line here; a recording of another schema is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from vethlab.errors import UsageError
from vethlab.explain.questions import Drifted, Forward, Forwarded, Look, Observe, Question, Rewrite, Rewriting, Route, Routed
from vethlab.explain.story import explain
from vethlab.model.finding import Explanation
from vethlab.model.flow import Flow
from vethlab.model.journey import Observed
from vethlab.model.snapshot import Drift, Snapshot, Wiring

__all__ = ["decode", "encode", "replay"]

SCHEMA = "vethlab.evidence/1"
QUESTIONS: dict[str, tuple[type, Any]] = {
    "Look": (Look, Snapshot), "Route": (Route, Routed),
    "Forward": (Forward, Forwarded), "Drifted": (Drifted, tuple[Drift, ...]), "Observe": (Observe, Observed),
    "Rewriting": (Rewriting, tuple[Rewrite, ...]),
}
ADDRESSES: dict[type, Any] = {
    IPv4Address: ip_address, IPv6Address: ip_address, IPv4Interface: ip_interface, IPv6Interface: ip_interface,
    IPv4Network: ip_network, IPv6Network: ip_network,
}


def encode(flow: Flow, wiring: Wiring, answers: Iterable[tuple[Question, Any]]) -> str:
    """A conversation as text."""
    return json.dumps({
        "schema": SCHEMA, "flow": _plain(flow), "wiring": _plain(wiring),
        "answers": [[type(question).__name__, _plain(question), _plain(answer)] for question, answer in answers],
    }, separators=(",", ":"))


def decode(text: str) -> tuple[Flow, Wiring, list[tuple[Question, Any]]]:
    """The conversation again. UsageError if the text is none, or of another version."""
    try:
        found = json.loads(text)
        if found["schema"] != SCHEMA:
            raise UsageError(f"this evidence has schema {found['schema']}, not {SCHEMA}", slug="evidence")
        answers = [
            (_value(QUESTIONS[kind][0], question), _value(QUESTIONS[kind][1], answer)) for kind, question, answer in found["answers"]
        ]
        return _value(Flow, found["flow"]), _value(Wiring, found["wiring"]), answers
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = "`vethlab why A B --record FILE` writes it"
        raise UsageError(f"this is no recorded evidence: {error}", slug="evidence", help=remedy) from error


def replay(text: str) -> tuple[Flow, Explanation]:
    """Explain recorded evidence. UsageError if it does not hold what this version asks for."""
    flow, wiring, answers = decode(text)
    known = {json.dumps([type(question).__name__, _plain(question)]): answer for question, answer in answers}
    drift = [one for question, answer in answers if isinstance(question, Drifted) for one in answer]
    observed = next((answer for question, answer in answers if isinstance(question, Observe)), Observed(ok=False))
    conversation = explain(flow, wiring)
    try:
        question = next(conversation)
        while True:
            question = conversation.send(_recorded(question, known, observed, drift))
    except StopIteration as end:
        return flow, end.value


def _recorded(question: Question, known: Mapping[str, Any], observed: Observed, drift: Sequence[Drift]) -> Any:
    if isinstance(question, Observe):
        return observed
    if isinstance(question, Drifted):  # whatever was asked for then, in one question or in several
        return tuple(one for one in drift if one.node in question.netns)
    key = json.dumps([type(question).__name__, _plain(question)])
    if key in known:
        return known[key]
    raise UsageError(f"the recorded evidence does not answer {question}", slug="evidence", help="record it again with this version")


def _plain(value: Any) -> Any:
    """Values as JSON has them; what is at its default is left out."""
    if is_dataclass(value):
        return {one.name: _plain(held) for one in fields(value) if (held := getattr(value, one.name)) != _default(one)}
    if isinstance(value, Mapping):
        return [[_plain(key), _plain(one)] for key, one in value.items()]
    if isinstance(value, frozenset):
        return sorted(_plain(one) for one in value)
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return str(value) if type(value) in ADDRESSES else value


def _default(one: Field[Any]) -> Any:
    if one.default_factory is not MISSING:
        return one.default_factory()
    return one.default


def _value(kind: Any, plain: Any) -> Any:  # noqa: PLR0911 - a line for each shape of a type
    """JSON as a value of that type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return None if plain is None else _value(next(one for one in arguments if one is not NoneType), plain)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return tuple(_value(arguments[0], one) for one in plain)
        return tuple(_value(one, part) for one, part in zip(arguments, plain, strict=True))
    if origin is frozenset:
        return frozenset(_value(arguments[0], one) for one in plain)
    if origin is not None:  # Mapping
        return {_value(arguments[0], key): _value(arguments[1], one) for key, one in plain}
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{one.name: _value(hints[one.name], plain[one.name]) for one in fields(kind) if one.name in plain})  # type: ignore[operator]
    return ADDRESSES[kind](plain) if kind in ADDRESSES else plain
