"""One question about one flow, answered from the kernel: the conversation of `explain` with a running lab.

Enters: namespaces, what the lab file says, a flow; leaves: an Explanation and the transcript that gives it again. Rule of the file: it
carries questions to those who can answer, and answers back; it has no opinion.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from vethlab.explain.questions import Drifted, Forward, Look, Observe, Question, Rewriting, Route
from vethlab.explain.story import explain
from vethlab.lab.wiring import wiring_of
from vethlab.observe.onlooker import look_on
from vethlab.observe.oracle import Oracle
from vethlab.observe.unanswered import take_away, unresolved
from vethlab.probe.settle import settle
from vethlab.probe.single import probe

if TYPE_CHECKING:
    from vethlab.kernel.port import Namespaces
    from vethlab.model.finding import Explanation
    from vethlab.model.flow import Flow
    from vethlab.model.journey import Observed
    from vethlab.model.path import Path
    from vethlab.model.snapshot import Drift, Wiring
    from vethlab.model.topology import Topology
    from vethlab.observe.onlooker import Keep

__all__ = ["Inquiry", "Transcript"]

REPEATED = 1.2  # a question that somebody asked before us is repeated after a second (net.ipv4.neigh.*.retrans_time_ms)
PATIENCE = 0.5  # seconds for a reply on one machine; ARP asks again after a second only


@dataclass(slots=True)
class Transcript:
    """All that was asked and answered: enough to explain it again elsewhere (explain/recording.py)."""

    flow: Flow
    wiring: Wiring
    answers: list[tuple[Question, Any]] = field(default_factory=list)


class Inquiry:
    """Asks one lab. `drift` tells what is not as the lab file says; `truth` adds what BPF sees, where it may be loaded.

    `keep` is given the frames of the probe; the transcript has none.
    """

    def __init__(
        self, namespaces: Namespaces, topology: Topology, *, drift: Callable[[Collection[str]], tuple[Drift, ...]], truth: bool,
        patience: float = PATIENCE, keep: Keep | None = None,
    ) -> None:
        self._namespaces, self._topology, self._drift = namespaces, topology, drift
        self._truth, self._patience, self._keep = truth, patience, keep
        self.transcript: Transcript | None = None

    def ask(self, flow: Flow, path: Path | None = None, *, wiring: Wiring | None = None, hasty: bool = False) -> Explanation:
        """Explain a flow. `path`: what has to settle first; `hasty`: send nothing where the walk alone meets an obstacle.

        `wiring`: as it was read a moment ago; it is read again if something settled meanwhile.
        """
        if (path is not None and settle(self._namespaces, path)) or wiring is None:
            wiring = wiring_of(self._namespaces, self._topology)
        self.transcript = Transcript(flow, wiring)
        conversation = explain(flow, wiring, hasty=hasty)
        with Oracle(self._namespaces) as oracle:
            try:
                question = next(conversation)
                while True:
                    answer = self._answer(question, oracle)
                    self.transcript.answers.append((question, answer))
                    question = conversation.send(answer)
            except StopIteration as end:
                explanation: Explanation = end.value
                return explanation

    def _answer(self, question: Question, oracle: Oracle) -> Any:
        if isinstance(question, Look | Route):
            return oracle.answer(question)
        if isinstance(question, Forward):
            from vethlab.kernel.switch_wiring import forwarded  # noqa: PLC0415 - only for labs with Open vSwitch

            return forwarded(self._namespaces, question)
        if isinstance(question, Rewriting):
            from vethlab.kernel.nft_rules import rewrites  # noqa: PLC0415 - only where hops ran out that nobody can account for

            return rewrites(self._namespaces, question.netns)
        if isinstance(question, Drifted):
            return self._drift(question.netns)
        return self._observe(question)

    def _observe(self, question: Observe) -> Observed:
        known = unresolved(self._namespaces, question.solicits)
        patience = max(self._patience, REPEATED) if question.waits else self._patience

        def look() -> Observed:
            return look_on(
                self._namespaces, question.flow, question.netns, truth=self._truth, keep=self._keep, targets=question.targets,
                outers=question.outers,
                probe=lambda mark: probe(self._namespaces, question.flow, interface=question.interface, timeout=patience, mark=mark),
            )

        observed = look()
        if question.waits and _gave_up(observed):  # the question that somebody asked before us ended meanwhile: now ours is asked
            observed = look()
        if observed.ok:
            return observed
        return replace(observed, unanswered=take_away(self._namespaces, question.solicits, known))


def _gave_up(observed: Observed) -> bool:
    """Whether a kernel of ours said that a neighbour did not answer (RFC 792 type 3 code 1, RFC 4443 type 1 code 3)."""
    return observed.errno == errno.EHOSTUNREACH or any((one.type, one.code) in {(3, 1), (1, 3)} for one in observed.errors)
