"""Outcomes judged: what was seen against what the check expects.

Enters: a path, its outcome; leaves: a Result. Pure. Rule of the file: a path that nothing could be sent on is not blocked, it is untested.
"""

from __future__ import annotations

from collections.abc import Mapping

from vethlab.model.path import Path, Result
from vethlab.probe.outcome import Outcome
from vethlab.probe.survey import Survey


def foregone(paths: Mapping[int, Path], survey: Survey) -> dict[int, Outcome]:
    """The paths that need no packet to fail: no address to send to, or one that the source owns itself, so that nothing would leave it."""
    found: dict[int, Outcome] = {}
    mute = {version: {name for name, site in survey.sites.items() if not site.speaks(version)} for version in (4, 6)}
    for position, path in paths.items():
        if path.dst.is_unspecified:
            found[position] = Outcome(ok=False, reason=f"{path.target} has no address", finding="no-address")
        elif path.src in mute[path.dst.version] and not path.dst.is_loopback:
            reason = f"{path.src} has no IPv{path.dst.version} address to send from"
            found[position] = Outcome(ok=False, reason=reason, finding="no-address")
        elif path.dst_node not in {None, path.src} and survey.owns(path.src, path.dst.packed):
            reason = f"{path.src} owns {path.dst} itself: a packet to {path.dst_node} would never leave it"
            found[position] = Outcome(ok=False, reason=reason, finding="duplicate-address")
    return found


def judge(path: Path, outcome: Outcome) -> Result:
    """The result of one path."""
    if outcome.ok and path.expect == "ok" and path.within is None and not outcome.reason:
        return Result(path, ok=True, passed=True, rtt_us=outcome.rtt_us)
    if path.expect != "ok":
        if outcome.ok:
            return Result(path, ok=True, passed=False, rtt_us=outcome.rtt_us, reason=f"expected to be blocked, but {path.target} answered")
        return Result(path, ok=False, passed=outcome.blocked, reason=outcome.reason, finding=None if outcome.blocked else outcome.finding)
    if outcome.ok and path.within is not None and outcome.rtt_us is not None and outcome.rtt_us > path.within * 1e6 and not outcome.reason:
        late = f"took {outcome.rtt_us / 1000:.3g} ms, more than {path.within * 1000:g} ms"
        return Result(path, ok=True, passed=False, rtt_us=outcome.rtt_us, reason=late)
    return Result(path, outcome.ok, outcome.ok and not outcome.reason, outcome.rtt_us, outcome.reason, outcome.finding)
