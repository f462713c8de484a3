"""Many paths, a small table: cut the work into waves that respect the machine-wide neighbour table.

Enters: paths, a function that probes some of them; leaves: outcomes and a note that says what was done. Rule of the file: no sysctl is
changed. Labs that fit into the table are simply probed. What fails under loans, or while the table was full, is probed again without a
loan in waves that fit; only that second verdict counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import sleep

from vethlab.kernel.netlink import neighbour_table as table
from vethlab.kernel.netlink.route import RTM_GETROUTE, dump_body
from vethlab.kernel.netlink.route import decode as decode_route
from vethlab.kernel.port import Namespaces
from vethlab.model.address import AF_INET, AF_INET6
from vethlab.model.path import Path
from vethlab.probe.loans import Loans, forget, forget_all, learn, unanswered
from vethlab.probe.outcome import Outcome
from vethlab.probe.ping import NO_REPLY, Before
from vethlab.probe.segments import Pair, Segments
from vethlab.probe.survey import AT_ONCE, Survey, asking

SHARE = 0.5  # of the free entries: other labs use the same table
WAVE = 50_000  # entries lent at a time: a dump of one namespace walks through the whole machine's table
TRIES = 3  # while the table is full
FULL_PAUSE = 2.0
TABLE_FULL = "the machine's neighbour table was full while this was probed (net.ipv4.neigh.default.gc_thresh3)"
Probe = Callable[[Mapping[int, Path], Before | None], dict[int, Outcome]]


class Waves:
    """The waves of one check."""

    def __init__(self, namespaces: Namespaces, survey: Survey, *, timeout: float) -> None:
        self._namespaces, self._survey, self._timeout = namespaces, survey, timeout
        self._segments = Segments(survey)
        self._witness = next(iter(sorted(survey.sites)))
        self.notes: list[str] = []

    def run(self, paths: Mapping[int, Path], probe: Probe) -> dict[int, Outcome]:
        """Probe every path."""
        before = self._fill()
        room = int(SHARE * min(fill.limit - fill.entries for fill in before.values()))
        pairs: dict[int, Pair] | None = None
        if any(path.dst.version == 6 for path in paths.values()):
            room //= 2  # link-local and multicast entries come on top
        if min(2 * len(paths), self._segments.upper_bound) > room:
            pairs = self._segments.pairs(paths, self._survey)
        also = self._routed() if pairs is not None and len(pairs) < len(paths) else []
        if pairs is None or len({frozenset(pair) for pair in (*pairs.values(), *also)}) * 2 <= room:
            outcomes = self._plainly(paths, probe)
            near = self._segments.pairs({position: path for position, path in paths.items() if outcomes[position].ok}, self._survey)
            failed = (position for position, outcome in outcomes.items() if not outcome.ok) if self._refused(before) else ()
            again = {position: paths[position] for position in (*unanswered(self._namespaces, near), *failed)}
        else:
            outcomes, suspects = self._on_loan(paths, pairs, also, probe, max(16, room // 2))
            again = {position: paths[position] for position in paths if position in suspects or not outcomes[position].ok}
        again = {position: path for position, path in again.items() if path.expect == "ok"}
        if again:
            self._again(again, pairs or self._segments.pairs(again, self._survey), probe, outcomes, max(8, room // 4))
        return outcomes

    def _on_loan(
        self, paths: Mapping[int, Path], pairs: Mapping[int, Pair], also: list[Pair], probe: Probe, at_once: int,
    ) -> tuple[dict[int, Outcome], set[int]]:
        """Probe under loans. Returns the outcomes, and the paths that passed although nobody confirmed their entry."""
        asks = [*self._segments.ring(pairs.values()), *also]
        macs = learn(self._namespaces, self._survey, asks, at_once=at_once, timeout=self._timeout)
        missed = [pair for pair in self._segments.ring(pairs.values(), step=2) if pair.target not in macs]
        if missed:
            macs = learn(self._namespaces, self._survey, missed, at_once=at_once, timeout=self._timeout) | macs
        forget_all(self._namespaces, macs)
        outcomes: dict[int, Outcome] = {}
        suspects: set[int] = set()
        lent = 0
        for wave in _cut(paths, pairs):
            with Loans(self._namespaces, self._survey, macs) as loans:
                lent += loans.lend({position: pairs[position] for position in wave if position in pairs}, also)
                outcomes |= probe(wave, loans.before)
                suspects |= loans.unconfirmed(position for position in wave if outcomes[position].ok)
        how = "outside the machine's limit, each asked again by unicast ARP, all taken back"
        self.notes.append(f"neighbours: {len(macs)} learned by ARP, {lent} entries lent {how}")
        return outcomes, suspects

    def _again(
        self, paths: Mapping[int, Path], pairs: Mapping[int, Pair], probe: Probe, outcomes: dict[int, Outcome], at_once: int,
    ) -> None:
        """Probe without loans, a few at a time. Where the table is full even so, wait for others to leave it; at last say so."""
        positions = list(paths)
        for start in range(0, len(positions), at_once):
            wave = {position: paths[position] for position in positions[start : start + at_once]}
            near = [pairs[position] for position in wave if position in pairs]
            for attempt in range(TRIES):
                forget(self._namespaces, near)
                before = self._fill()
                outcomes |= self._plainly(wave, probe)
                wave = {position: path for position, path in wave.items() if not outcomes[position].ok}
                if not wave or not self._refused(before):
                    break
                if attempt + 1 < TRIES:
                    sleep(FULL_PAUSE)
            else:
                outcomes |= {position: Outcome(ok=False, reason=TABLE_FULL, finding="neighbour-table-full") for position in wave}
            if len(positions) > at_once:
                forget(self._namespaces, near)
        self.notes.append(f"{len(paths)} paths were probed again, each with its own ARP")

    def _plainly(self, paths: Mapping[int, Path], probe: Probe) -> dict[int, Outcome]:
        """Probe without loans; where no reply came because ARP went unanswered, say so."""
        outcomes = probe(paths, None)
        silent: dict[str, list[int]] = {}
        for position, outcome in outcomes.items():
            if outcome.reason.startswith(NO_REPLY):
                silent.setdefault(paths[position].src, []).append(position)
        for name, connection in asking(self._namespaces, silent):
            unresolved = {entry.address for entry in table.entries(connection) if entry.state & (table.NUD_INCOMPLETE | table.NUD_FAILED)}
            for position in silent[name]:
                path = paths[position]
                if path.dst.packed in unresolved:
                    asked = "ARP" if path.dst.version == 4 else "neighbour discovery"
                    outcomes[position] = outcomes[position]._replace(
                        reason=f"{outcomes[position].reason}: {path.dst} does not answer {asked}",
                        finding=None if path.dst.packed in self._survey.owners else "neighbour-unresolved",
                    )
        return outcomes

    def _fill(self) -> dict[int, table.Fill]:
        for _name, connection in asking(self._namespaces, [self._witness]):
            found = table.fill(connection)
        return found or {AF_INET: table.Fill(0, 1024, 0), AF_INET6: table.Fill(0, 1024, 0)}

    def _refused(self, before: Mapping[int, table.Fill]) -> bool:
        return any(fill.refused > before[family].refused for family, fill in self._fill().items() if family in before)

    def _routed(self) -> list[Pair]:
        gateways: dict[str, set[bytes]] = {}
        for name, connection in asking(self._namespaces, self._survey.sites):
            for data, start, end in connection.dump(RTM_GETROUTE, dump_body()):
                route = decode_route(data, start, end, {})
                for hop in route.next_hops if route is not None else ():
                    if hop.via is not None:
                        gateways.setdefault(name, set()).add(hop.via.packed)
        return self._segments.routed(gateways)


def _cut(paths: Mapping[int, Path], pairs: Mapping[int, Pair]) -> Iterator[dict[int, Path]]:
    """Waves in the order of the paths, bounded by the entries they need and by the namespaces they start from."""
    wave: dict[int, Path] = {}
    sources: set[str] = set()
    near = 0
    for position, path in paths.items():
        if (len(sources) >= AT_ONCE and path.src not in sources) or near >= WAVE:
            yield wave
            wave, sources, near = {}, set(), 0
        wave[position] = path
        sources.add(path.src)
        near += position in pairs
    if wave:
        yield wave
