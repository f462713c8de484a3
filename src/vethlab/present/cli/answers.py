"""Answers as programs read them: the bodies of `why/1`, `trace/1` and `fix/1`.

Enters: an Answer, what mended or undid it; leaves: plain dictionaries. Rule of the file: every key is always there, null where it does
not apply; docs/reference/json.md names them, and they only grow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vethlab.lab.explaining import Answer, Offer
    from vethlab.lab.fixing import Mended, Undone
    from vethlab.model.finding import Command, Finding, PathHop, Where
    from vethlab.model.flow import Flow, Side

__all__ = ["commands", "mended", "trace", "undone", "verdict", "why"]


def why(lab: str | None, answer: Answer) -> dict[str, Any]:
    """The body of `why/1`."""
    said = answer.explanation
    return {
        "lab": lab, "ok": said.ok, "probe": _probe(answer.flow), "verdict": verdict(said.verdict),
        "also": [verdict(one) for one in said.also], "warnings": [verdict(one) for one in said.warnings],
        "fix": [_offer(one) for one in answer.fixes], "path": _path(answer), "rtt_us": _rounded(said.rtt_us), "notes": _notes(answer),
        "seconds": round(answer.seconds, 6),
    }


def trace(lab: str | None, answer: Answer) -> dict[str, Any]:
    """The body of `trace/1`."""
    said = answer.explanation
    return {
        "lab": lab, "ok": said.ok, "probe": _probe(answer.flow), "rtt_us": _rounded(said.rtt_us), "path": _path(answer),
        "notes": _notes(answer), "verdict": verdict(said.verdict), "seconds": round(answer.seconds, 6),
    }


def mended(lab: str, done: Mended, *, dry_run: bool = False) -> dict[str, Any]:
    """The body of `fix/1`. With `dry_run` nothing was applied, and `before` holds what would be."""
    return {
        "lab": lab, "ok": (done.after or done.before).explanation.ok, "applied": None if done.applied is None else _offer(done.applied),
        "before": why(lab, done.before), "after": None if done.after is None else why(lab, done.after),
        "undo": commands(done.undo), "wrote": done.wrote or None,
        "unwritten": done.unwritten or None, "dry_run": dry_run,
    }


def undone(lab: str, back: Undone) -> dict[str, Any]:
    """The body of `fix/1` for what was taken back: `undo` holds the commands that did it."""
    after = back.explanation_after
    return {
        "lab": lab, "ok": None if after is None else after.explanation.ok, "applied": None,
        "before": None, "after": None if after is None else why(lab, after),
        "undo": commands(back.commands), "wrote": None, "unwritten": None, "dry_run": False,
    }


def verdict(finding: Finding | None) -> dict[str, Any] | None:
    """A finding, as `verdict`, `also` and `warnings` hold it."""
    if finding is None:
        return None
    return {
        "finding": finding.slug, "grade": finding.grade, "direction": finding.direction, "where": _where(finding.where),
        "last_seen": _where(finding.last_seen), "summary": finding.summary,
        "evidence": [{"source": one.source, "says": one.says, "kernel": one.kernel} for one in finding.evidence],
        "ruled_out": list(finding.ruled_out), "inner": verdict(finding.inner),
    }


def commands(given: Iterable[Command]) -> list[dict[str, Any]]:
    """Command lines, each with its node."""
    return [{"node": one.node, "argv": list(one.argv)} for one in given]


def _probe(flow: Flow) -> dict[str, Any]:
    return {"kind": flow.kind, "src": _side(flow.src), "dst": _side(flow.dst), "port": flow.port, "size": flow.size}


def _side(side: Side) -> dict[str, Any]:
    return {"node": side.node, "interface": side.interface, "address": None if side.address is None else str(side.address)}


def _where(where: Where | None) -> dict[str, Any] | None:
    return None if where is None else {"node": where.node, "interface": where.interface, "stage": where.stage or None}


def _offer(offer: Offer) -> dict[str, Any]:
    tried = None if offer.rehearsed is None else dict(zip(("pass", "of"), offer.rehearsed, strict=True))
    return {
        "title": offer.title, "commands": commands(offer.commands), "rehearsed": tried, "why_not": offer.why_not or None,
        "policy": offer.policy, "lost": list(offer.lost),
    }


def _path(answer: Answer) -> dict[str, Any]:
    return {"request": _hops(answer.explanation.request), "reply": _hops(answer.explanation.reply)}


def _hops(hops: Iterable[PathHop]) -> list[dict[str, Any]]:
    return [
        {"node": hop.node, "interface": hop.interface, "direction": hop.direction, "ns": hop.ns, "note": hop.note} for hop in hops
    ]


def _notes(answer: Answer) -> list[str]:
    return list(dict.fromkeys([*answer.notes, *answer.explanation.notes]))


def _rounded(microseconds: float | None) -> float | None:
    return None if microseconds is None else round(microseconds, 1)
