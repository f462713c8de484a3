"""One turn of probing: every path sent once, whatever its kind, and the paths that need a witness sent before one.

Enters: paths by position, the hook that has neighbours verified; leaves: an Outcome for each. Rule of the file: the crowd goes first and
unwatched; taps are open only while the few paths that need them are under way.
"""

from __future__ import annotations

from collections.abc import Mapping

from vethlab.kernel.port import Namespaces
from vethlab.model.path import Path
from vethlab.probe import via
from vethlab.probe.blocked import Instrument
from vethlab.probe.marks import Marks
from vethlab.probe.outcome import Outcome
from vethlab.probe.ping import Before, Pinger
from vethlab.probe.survey import Survey
from vethlab.probe.tap import AT_ONCE, Taps
from vethlab.probe.tcp import Connector
from vethlab.probe.udp import Sender

STEADY_TRIES = 3  # a round trip that took too long is timed again: `within` is about the network, not about a busy machine


class Turn:
    """How paths of this lab are probed, with this timeout."""

    def __init__(self, namespaces: Namespaces, survey: Survey, *, timeout: float) -> None:
        self._namespaces, self._survey, self._timeout = namespaces, survey, timeout

    def run(self, paths: Mapping[int, Path], before: Before | None) -> dict[int, Outcome]:
        """Probe every path."""
        special = via.watched(paths, self._survey)
        crowd = {position: path for position, path in paths.items() if position not in special} if special else paths
        outcomes = self._transmit(crowd, Marks(), before)
        positions = list(special)
        for start in range(0, len(positions), AT_ONCE):
            outcomes |= self._witnessed({position: paths[position] for position in positions[start : start + AT_ONCE]}, special, before)
        self._steady(paths, outcomes)
        return outcomes

    def _transmit(self, paths: Mapping[int, Path], marks: Marks, before: Before | None) -> dict[int, Outcome]:
        kinds: dict[str, dict[int, Path]] = {"ping": {}, "tcp": {}, "udp": {}}
        for position, path in paths.items():
            kinds["tcp" if path.kind == "http" else path.kind][position] = path
        outcomes: dict[int, Outcome] = {}
        if kinds["ping"]:
            outcomes |= Pinger(self._namespaces, timeout=self._timeout, codec=marks.codec, before=before).run(kinds["ping"])
        if kinds["tcp"]:
            outcomes |= Connector(self._namespaces, marks, timeout=self._timeout, before=before).run(kinds["tcp"])
        if kinds["udp"]:
            outcomes |= Sender(self._namespaces, marks, timeout=self._timeout, before=before).run(kinds["udp"])
        return outcomes

    def _witnessed(self, paths: Mapping[int, Path], names: Mapping[int, list[str]], before: Before | None) -> dict[int, Outcome]:
        marks = Marks()
        blocked = {position: path for position, path in paths.items() if path.expect != "ok"}
        instrument = Instrument(self._namespaces, self._survey, blocked, timeout=self._timeout) if blocked else None
        with Taps(self._namespaces, [name for position in paths for name in names[position]], marks) as taps:
            outcomes = self._transmit(paths, marks, before)
            taps.drain()
        for position, path in paths.items():
            outcomes[position] = via.judge(position, path, outcomes[position], self._survey, taps)
            if instrument is not None and position in blocked:
                outcomes[position] = instrument.judge(position, path, outcomes[position], taps)
        return outcomes

    def _steady(self, paths: Mapping[int, Path], outcomes: dict[int, Outcome]) -> None:
        """Time slow paths with a bound again, alone; the best time counts."""
        for position, outcome in outcomes.items():
            within = paths[position].within
            if within is None or not outcome.ok or outcome.rtt_us is None:
                continue
            best = outcome.rtt_us
            for _ in range(STEADY_TRIES):
                if best <= within * 1e6:
                    break
                again = self._transmit({position: paths[position]}, Marks(), None)[position]
                best = min(best, again.rtt_us) if again.ok and again.rtt_us is not None else best
            outcomes[position] = outcome._replace(rtt_us=best)
