"""Which namespaces a request must have passed: those a check names by `via`, and the owner meant by an address that several own.

Enters: a path that got through, what the taps saw; leaves: its outcome. Rule of the file: an answer is not enough where the question is who
gave it. The request itself must have been seen there by a packet socket.
"""

from __future__ import annotations

from collections.abc import Mapping

from vethlab.model.path import Path
from vethlab.probe.outcome import Outcome
from vethlab.probe.survey import Survey
from vethlab.probe.tap import Taps


def owners(path: Path, survey: Survey) -> list[str]:
    """The namespaces that own the destination address, where there are several; else an empty list."""
    held = survey.owners.get(path.dst.packed, ())
    return [owner.netns for owner in held] if len(held) > 1 else []


def watched(paths: Mapping[int, Path], survey: Survey) -> dict[int, list[str]]:
    """The namespaces to tap for each path that needs it: of `via`, of a contested destination, and the source of a path to be blocked."""
    found: dict[int, list[str]] = {}
    for position, path in paths.items():
        names = [path.src] if path.expect != "ok" else []
        if path.via is not None:
            names.append(path.via)
        if path.dst_node is not None and owners(path, survey):
            names.append(path.dst_node)
        if names:
            found[position] = names
    return found


def judge(position: int, path: Path, outcome: Outcome, survey: Survey, taps: Taps) -> Outcome:
    """The outcome once it is known where the request was seen."""
    if not outcome.ok:
        return outcome
    several = owners(path, survey)
    if several and path.dst_node is not None and path.dst_node in several and (path.dst_node, position) not in taps.passed:
        others = " and ".join(name for name in several if name != path.dst_node)
        reason = f"{path.dst} belongs to {path.dst_node} and to {others}: an answer came, but {path.dst_node} never saw the request"
        return Outcome(ok=False, reason=reason, finding="duplicate-address")
    if path.via is not None and (path.via, position) not in taps.passed:
        return Outcome(ok=True, rtt_us=outcome.rtt_us, reason=f"an answer came, but the request did not pass {path.via}")
    return outcome
