"""The way of a packet in steps: who saw it, what it was, when; where it died, and what it never reached.

Enters: an Explanation; leaves: steps, which a terminal prints and a picture draws. Rule of the file: a step is told as it was seen, in the
order in which it was seen; the only one that nobody saw is the verdict's place, and it says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vethlab.present.times import duration

if TYPE_CHECKING:
    from vethlab.model.finding import Explanation, Finding, PathHop

__all__ = ["NEVER", "WAYS", "Step", "asks", "clock", "steps"]

WAYS = {"out": "tx", "in": "rx"}
NEVER = "never"  # the time of a step that was not taken
NEIGHBOURS = ("ARP ", "solicitation: ", "advertisement: ")  # frames that ask for the way, and those that answer (explain/seen.py)


class Step(NamedTuple):
    """One step. `way`: tx, rx, or the stage at which the kernel decided; `mark`: the name of a mark, for the line that failed."""

    node: str
    interface: str
    way: str
    what: str
    time: str
    tail: str = ""
    mark: str = ""


def steps(explanation: Explanation) -> tuple[list[Step], list[Step]]:
    """The lines of the request and those of the reply."""
    request, reply = [_seen(hop) for hop in explanation.request], [_seen(hop) for hop in explanation.reply]
    verdict = explanation.verdict
    if verdict is None:
        return request, reply
    never = _never(explanation)
    if verdict.direction == "reply":
        return request, _ended(reply, verdict, never)
    return _ended(request, verdict, never), reply


def clock(ns: int) -> str:
    """Since the first step: `0 µs`, `+4 µs`, `+1.2 ms`."""
    if ns < 1_000_000:
        return f"{'+' if ns else ''}{ns / 1000:.0f} µs"
    return f"+{duration(ns / 1e9)}"


def asks(what: str) -> bool:
    """Whether a frame only asks for the way, or answers that."""
    return what.startswith(NEIGHBOURS)


def _seen(hop: PathHop) -> Step:
    return Step(hop.node, hop.interface, WAYS.get(hop.direction, hop.direction), hop.note, clock(hop.ns))


def _never(explanation: Explanation) -> list[Step]:
    seen = {f"{hop.node}:{hop.interface}" for hop in (*explanation.request, *explanation.reply)}
    places = (place.partition(":") for place in dict.fromkeys(explanation.expected) if place not in seen)
    return [Step(node, interface, "", "", NEVER) for node, _, interface in places]


def _ended(seen: list[Step], verdict: Finding, never: list[Step]) -> list[Step]:
    """What was seen, the verdict's own line, what was never reached. A packet that never came near the fault was last seen elsewhere."""
    where, last = verdict.where, verdict.last_seen
    near = last is None or not seen or where.node in {step.node for step in seen}
    own = Step(where.node, where.interface or "", where.stage, verdict.slug, "", "← died here" if near else "← at fault", "fail")
    if not near and last is not None:
        for position in range(len(seen) - 1, -1, -1):
            if seen[position].node == last.node and last.interface in {None, seen[position].interface}:
                seen = [*seen[:position], seen[position]._replace(tail="← last seen here"), *seen[position + 1 :]]
                break
    for position, step in enumerate(never):
        if step[:2] == own[:2]:
            return [*seen, *never[:position], own, *never[position + 1 :]]
    return [*seen, own, *never]
