"""The documents of `why -o json` and `fix -o json`, as programs may rely on them: keys may be added, and none may go."""

from __future__ import annotations

from typing import Any

__all__ = ["FIX", "WHY"]

TEXT, MAYBE_TEXT = {"type": "string", "minLength": 1}, {"type": ["string", "null"], "minLength": 1}
NUMBER = {"type": "number", "minimum": 0}


def shape(**keys: Any) -> dict[str, Any]:
    """An object that has at least these keys."""
    return {"type": "object", "required": sorted(keys), "properties": keys}


def every(one: dict[str, Any]) -> dict[str, Any]:
    """A list."""
    return {"type": "array", "items": one}


def maybe(one: dict[str, Any]) -> dict[str, Any]:
    """It, or null."""
    return {"anyOf": [one, {"type": "null"}]}


def why(**more: Any) -> dict[str, Any]:
    """An answer: passed without verdict, or a verdict."""
    return {
        **shape(
            lab=TEXT, ok={"type": "boolean"}, probe=shape(kind={"enum": ["ping", "tcp", "udp", "arp"]}, src=SIDE, dst=SIDE),
            also=every(FINDING), warnings=every(FINDING), fix=every(OFFER), path=shape(request=every(HOP), reply=every(HOP)), **more,
        ),
        "if": {"properties": {"ok": {"const": True}}},
        "then": {"properties": {"verdict": {"type": "null"}}, "required": ["verdict"]},
        "else": {"properties": {"verdict": FINDING}, "required": ["verdict"]},
    }


SIDE = shape(node=MAYBE_TEXT, interface=MAYBE_TEXT, address=MAYBE_TEXT)
PLACE = shape(node=TEXT, interface=MAYBE_TEXT, stage=MAYBE_TEXT)
FINDING = shape(
    finding={"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"}, grade={"enum": ["proven", "inferred", "unknown"]},
    direction={"enum": ["request", "reply"]}, where=PLACE, last_seen=maybe(PLACE), summary=TEXT,
    evidence={**every(shape(source=TEXT, says=TEXT)), "minItems": 1}, ruled_out=every(TEXT),
)
COMMAND = shape(node=TEXT, argv={**every(TEXT), "minItems": 1})
TRIED = shape(**{"pass": {"type": "integer"}, "of": {"type": "integer"}})
OFFER = shape(title=TEXT, commands={**every(COMMAND), "minItems": 1}, rehearsed=maybe(TRIED))
HOP = shape(node=TEXT, interface=TEXT, direction={"enum": ["in", "out"]}, ns={"type": "integer"}, note={"type": "string"})
WHY = why(schema={"const": "vethlab.why/1"})
FIX = shape(
    schema={"const": "vethlab.fix/1"}, lab=TEXT, applied=maybe(OFFER), before=maybe(why()), after=maybe(why()), undo=every(COMMAND),
)
