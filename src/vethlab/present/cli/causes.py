"""What several failing paths have in common.

Enters: the Report of a check, and what `why` answers about a path; leaves: causes, the most frequent first. Rule of the file: without
`why` failures that look alike are one cause; with it, those that die at one place for one reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vethlab.model.finding import Finding
    from vethlab.model.path import Path, Report, Result

__all__ = ["Cause", "causes", "explained", "reason"]


class Cause(NamedTuple):
    """Failures of one cause. `verdict`: what `why` says about the first of them, if it was asked."""

    finding: str | None
    reason: str
    results: list[Result]
    verdict: Finding | None = None


def causes(report: Report) -> list[Cause]:
    """The failures, those that look alike together."""
    found: dict[tuple[str | None, str], list[Result]] = {}
    for result in report.results:
        if not result.passed:
            found.setdefault((result.finding, reason(result)), []).append(result)
    return _sorted(Cause(*key, results) for key, results in found.items())


def explained(report: Report, why: Callable[[Path], Finding | None]) -> list[Cause]:
    """The failures, those with one finding at one place together. `why` is asked once for each that looks different."""
    alike = causes(report)
    verdicts = [_verdict(cause, why) for cause in reversed(alike)][::-1]  # what is asked last is what `vethlab fix` mends
    found: dict[object, Cause] = {}
    for cause, verdict in zip(alike, verdicts, strict=True):
        if verdict is None:
            found[cause.finding, cause.reason] = cause
            continue
        key = (verdict.slug, verdict.where)
        known = found.get(key, Cause(verdict.slug, verdict.summary, [], verdict))
        found[key] = known._replace(results=[*known.results, *cause.results])
    return _sorted(found.values())


def reason(result: Result) -> str:
    """Why it did not pass, in a sentence."""
    return result.reason or ("got through, though it should be blocked" if result.ok else "no reply")


def _verdict(cause: Cause, why: Callable[[Path], Finding | None]) -> Finding | None:
    dead = next((result for result in cause.results if not result.ok), None)  # one that got through has no place of death
    return None if dead is None else why(dead.path)


def _sorted(found: Iterable[Cause]) -> list[Cause]:
    return sorted(found, key=lambda one: -len(one.results))
