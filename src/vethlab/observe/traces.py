"""The traces of nftables in the nodes that have rulesets, put up and taken down as rulesets come and go.

Enter: namespaces, the Ruleset of each node; leave: Deaths. Rule of the file: a trace a node, so that a node can be let go of; the words of
a rule are read when it has dropped something, and again after a moment, since a ruleset may have been replaced.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from vethlab.errors import HostError, KernelError, NotFoundError
from vethlab.kernel.netlink.nftables import TraceEvent
from vethlab.kernel.nft_rules import RuleText, rule_text
from vethlab.kernel.nft_trace import NftTrace
from vethlab.kernel.port import Namespaces
from vethlab.observe.capture import Capture
from vethlab.observe.deaths import Death
from vethlab.observe.rounds import Ruleset
from vethlab.observe.ruled import Ruled, interface_of

__all__ = ["Traces"]

_FRESH = 2.0  # seconds for which the words of a rule are believed
_MOST = 1024


@dataclass(frozen=True, slots=True)
class _Traced:
    """A trace and what it was put up for."""

    trace: NftTrace
    ruleset: Ruleset


class Traces:
    """Traces of a lab. `capture` is told of their sockets, so that it wakes up for them, and knows interfaces.

    `bridge` gives the index of the bridge of a port, 0 for others: a rule of the bridge family is told at the bridge.
    """

    def __init__(self, namespaces: Namespaces, capture: Capture, bridge: Callable[[str, int], int]) -> None:
        self._namespaces, self._capture, self._bridge = namespaces, capture, bridge
        self._traced: dict[str, _Traced] = {}
        self._ruled = Ruled()
        self._texts: dict[tuple[str, str, str, int], tuple[float, RuleText | None]] = {}
        self._lost = 0

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that are traced now."""
        return tuple(self._traced)

    @property
    def lost(self) -> int:
        """How often events found no room."""
        return self._lost + sum(one.trace.lost for one in self._traced.values())

    def keep(self, rulesets: Mapping[str, Ruleset]) -> None:
        """Trace these nodes, no others, where their rulesets want it. A node that is not there any more is NotFoundError."""
        for node in [node for node in self._traced if not rulesets.get(node, Ruleset((), ())).places]:
            self._leave(node)
        for node, ruleset in rulesets.items():
            before = self._traced.get(node)
            if not ruleset.places or (before is not None and before.ruleset == ruleset):
                continue
            self._ruled.learn(node, ruleset.chains)
            if before is not None and before.ruleset.places == ruleset.places:
                self._traced[node] = _Traced(before.trace, ruleset)
                continue
            if before is not None:
                self._leave(node)
            self._enter(node, ruleset)

    def deaths(self) -> list[Death]:
        """What the traces told since last asked."""
        found = [self._death(event) for one in self._traced.values() for event in one.trace.events()]
        return [death for death in found if death is not None]

    def close(self) -> None:
        """Take all of them down."""
        for node in list(self._traced):
            self._leave(node)

    def _enter(self, node: str, ruleset: Ruleset) -> None:
        trace = NftTrace(self._namespaces, [node])
        with suppress(KernelError):  # the ruleset changed meanwhile: the next round tries again
            trace.__enter__()
            for descriptor in trace.descriptors():
                self._capture.listen(descriptor)
            self._traced[node] = _Traced(trace, ruleset)

    def _leave(self, node: str) -> None:
        one = self._traced.pop(node)
        for descriptor in one.trace.descriptors():
            self._capture.leave(descriptor)
        self._lost += one.trace.lost
        one.trace.close()

    def _death(self, event: TraceEvent) -> Death | None:
        hook = self._ruled.follow(event)
        if event.verdict != "drop":
            return None
        index = interface_of(event, hook)
        if event.family == "bridge":
            index = self._bridge(event.node, index) or index
        interface = self._capture.interfaces.find(event.node, index).name if index else None
        return self._ruled.death(event, hook, time.time_ns(), interface, self._text(event))

    def _text(self, event: TraceEvent) -> RuleText | None:
        """The words of the rule that speaks; None for a policy, and where they cannot be read."""
        if event.kind != "rule" or event.handle is None:
            return None
        key, now = (event.node, event.family, event.table, event.handle), time.monotonic()
        at, text = self._texts.get(key, (-_FRESH, None))
        if now - at >= _FRESH:
            text = None
            with suppress(HostError, KernelError, NotFoundError):  # no nft on this machine; or gone meanwhile
                text = rule_text(self._namespaces, *key)
            if len(self._texts) >= _MOST:
                self._texts.clear()
            self._texts[key] = (now, text)
        return text
