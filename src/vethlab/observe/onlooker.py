"""Looks on while one probe is sent: rings, counters, an nft trace and, where asked for and possible, BPF.

Enters: namespaces, a flow, a function that sends the probe; leaves: an Observed. Rule of the file: whoever sends tells by what his packets
are known before the first one leaves, and from then on the rings record; what they hold is complete when as many frames were handed over
as the kernel has counted. Nothing is changed in the lab but tables of ours that trace, and they go with us.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from threading import Thread
from types import TracebackType
from typing import Self

from vethlab.errors import HostError, KernelError
from vethlab.kernel.bpf import tracer
from vethlab.kernel.inside import enter
from vethlab.kernel.netlink import neighbour_table
from vethlab.kernel.nft_rules import RuleText, rule_text
from vethlab.kernel.nft_trace import NftTrace
from vethlab.kernel.packet import Held, Ring, attach
from vethlab.kernel.port import Namespaces
from vethlab.model.address import AF_INET, AF_INET6, IP
from vethlab.model.flow import Flow
from vethlab.model.journey import FirewallDrop, KernelDrop, Observed, Outer
from vethlab.model.mark import Mark
from vethlab.observe import counters
from vethlab.observe.correlate import Kept, beginning, sightings
from vethlab.observe.drops import firewall_drops, kernel_drops, untracked
from vethlab.observe.flow_filter import flow_filter, nothing
from vethlab.observe.ours import Ours
from vethlab.observe.ring import GLANCE, close_rings, open_rings

__all__ = ["Keep", "Onlooker", "Probe", "look_on"]

GRACE = 0.003  # after the probe: copies that a bridge floods elsewhere, the end of a connection
_LATEST = 0.25  # after the probe: a machine that is late in handing over is waited for no longer
_PAUSE = 0.0005
Probe = Callable[[Callable[[Mark], object]], Observed]  # sends; is given the function to tell the mark to
Keep = Callable[[list[Kept]], object]  # is given the frames behind the sightings, one for one


def look_on(  # noqa: PLR0913 - a probe has as many sides
    namespaces: Namespaces, flow: Flow, netns: Sequence[str], *, probe: Probe, truth: bool = False,
    addresses: Collection[IP] | None = None, keep: Keep | None = None, targets: Sequence[tuple[IP, int | None]] = (),
    outers: Sequence[Outer] = (),
) -> Observed:
    """Send one probe and look on in these namespaces. The rings close behind the answer: the kernel waits a grace period for that."""
    onlooker = Onlooker(namespaces, netns, truth=truth)
    onlooker.open()
    try:
        return onlooker.look_on(flow, probe, addresses=addresses, keep=keep, targets=targets, outers=outers)
    finally:
        onlooker.untrace()
        Thread(target=onlooker.close, name="vethlab-rings").start()


class Onlooker:
    """Looks on in some namespaces while its context lasts, at any number of probes one after the other."""

    def __init__(self, namespaces: Namespaces, netns: Sequence[str], *, truth: bool = False) -> None:
        self._namespaces, self.netns = namespaces, tuple(dict.fromkeys(netns))
        self._truth = truth
        self._held = ExitStack()
        self._rings: list[Ring] = []
        self._seen: list[int] = []
        self._lost = 0

    def open(self) -> None:
        """Be ready. NotFoundError for a namespace that the lab does not have, HostError where the machine gives no ring."""
        try:
            self._inside = enter(self._namespaces, self.netns, fully=False)
            for one in self._inside.values():
                self._held.callback(one.close)
            wanted = [(number, name, nothing()) for number, name in enumerate(self.netns)]
            self._rings = open_rings(self._namespaces, wanted, among=len(wanted), shape=GLANCE)
            self._held.callback(close_rings, self._rings)
            self._seen = [0] * len(self._rings)
            self._before = counters.read(self._inside)
            self._refused = self._table_fulls()
            self._trace, self._blind = self._open_trace()
            self._tracer, self._nodes = self._open_tracer() if self._truth else (None, {})
        except BaseException:
            self.close()
            raise

    def untrace(self) -> None:
        """Take away what stands in the lab: the tables that trace."""
        if self._trace is not None:
            self._trace.close()

    def close(self) -> None:
        """Let go of everything. The rings cost a grace period."""
        self._held.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def look_on(
        self, flow: Flow, probe: Probe, *, addresses: Collection[IP] | None = None, keep: Keep | None = None,
        targets: Sequence[tuple[IP, int | None]] = (), outers: Sequence[Outer] = (),
    ) -> Observed:
        """Send a probe and look on. `addresses`: of ARP and neighbour discovery take only what concerns these.

        `targets`: what it is for once it has been translated, which may be before anybody sees it; `outers`: packets in which it may
        travel.
        """
        marks: list[Mark] = []

        def told(mark: Mark) -> None:
            marks.append(mark)
            program = flow_filter(flow, mark, {one.port for one in outers})
            for ring in self._rings:
                attach(ring.socket, program)

        began, ahead = time.time_ns(), time.time_ns() - time.monotonic_ns()
        ended = probe(told)
        frames = self._gather()
        for ring in self._rings:
            attach(ring.socket, nothing())
        after = counters.read(self._inside)
        names = counters.Reading(after.counted, {**self._before.names, **after.names})
        ours = Ours(flow, marks[-1] if marks else Mark(), targets)
        place, ports = lambda ring, index: (self.netns[ring], names.name(self.netns[ring], index)), {one.port for one in outers}
        seen = sightings(frames, place, ours, addresses=addresses, ports=ports)
        start = beginning(seen) or began
        kept = [Kept(frame, replace(one, ns=frame.ns - start)) for frame, one in seen]
        if keep is not None:
            keep(kept)
        firewall, missed = self._firewall(ours, names.name, outers)
        observed = replace(
            ended, sightings=tuple(one.seen for one in kept), firewall=firewall, untracked=missed,
            # A packet that arrived has no death to explain, and reading the names of the kernel's functions takes a tenth of a second.
            drops=() if ended.ok else self._drops(ours, since=start - ahead), counts=counters.moved(self._before, names),
            lost=self._losses(), truth=self._tracer is not None, table_full=self._table_full(flow.version), watched=self.netns,
        )
        self._before = names
        return observed

    def _gather(self) -> list[Held]:
        """All frames that were recorded until now."""
        frames: list[Held] = []
        started = time.monotonic()
        while True:
            now = time.monotonic() - started
            under_way = 0
            for at, ring in enumerate(self._rings):
                counted = ring.counts()
                self._seen[at] += counted.seen - counted.dropped
                self._lost += counted.dropped
                for block in ring.drain():
                    frames += block
                under_way += self._seen[at] > ring.handed
            if (not under_way and now >= GRACE) or now >= _LATEST:
                return frames
            time.sleep(_PAUSE)

    def _losses(self) -> int:
        """Frames, and what a trace missed: all that may have been and was not seen."""
        lost, self._lost = self._lost, 0
        if self._trace is None:
            return lost + self._blind
        missed, self._trace.lost = self._trace.lost, 0
        return lost + missed

    def _table_fulls(self) -> dict[int, int]:
        """How often the machine's neighbour table refused an entry, by family: any namespace tells."""
        for one in self._inside.values():
            return {family: fill.refused for family, fill in neighbour_table.fill(one.route).items()}
        return {}

    def _table_full(self, version: int) -> bool:
        family = AF_INET if version == 4 else AF_INET6
        before, self._refused = self._refused, self._table_fulls()
        return self._refused.get(family, 0) > before.get(family, 0)

    def _open_trace(self) -> tuple[NftTrace | None, int]:
        """A trace of the namespaces that have rulesets; a kernel that has no netfilter has no firewall either."""
        trace = NftTrace(self._namespaces, self.netns)
        try:
            return self._held.enter_context(trace), 0
        except KernelError:
            return None, len(trace.chains)

    def _firewall(
        self, ours: Ours, name: Callable[[str, int], str], outers: Sequence[Outer],
    ) -> tuple[tuple[FirewallDrop, ...], tuple[FirewallDrop, ...]]:
        """(what ended packets, what took them out of tracking)."""
        if self._trace is None:
            return (), ()
        rule, events, chains = partial(_rule, self._namespaces), tuple(self._trace.events()), self._trace.chains
        return tuple(firewall_drops(events, chains, ours, name, rule, outers)), tuple(untracked(events, chains, ours, name, rule))

    def _open_tracer(self) -> tuple[tracer.Tracer | None, dict[int, str]]:
        if tracer.available():
            return None, {}
        opened = self._namespaces.open(self.netns)
        nodes = {os.fstat(one.descriptor).st_ino: name for name, one in zip(self.netns, opened, strict=True)}
        with suppress(HostError):
            return self._held.enter_context(tracer.Tracer(list(nodes), kinds=("drop",))), nodes
        return None, {}

    def _drops(self, ours: Ours, *, since: int) -> tuple[KernelDrop, ...]:
        if self._tracer is None:
            return ()
        return tuple(kernel_drops(self._tracer.events(), self._nodes, ours, self._tracer.function, since=since))


def _rule(namespaces: Namespaces, node: str, family: str, table: str, handle: int) -> RuleText | None:
    """The words of a rule; without nft on the machine there are none."""
    try:
        return rule_text(namespaces, node, family, table, handle)
    except HostError:
        return None
