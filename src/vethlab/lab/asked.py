"""What a running lab can be asked about its packets, and told to mend. Part of Lab: the facade inherits it.

Rule of the file: it finds the pieces (namespaces, topology, record) and hands them on; lab/explaining.py and lab/fixing.py do the work.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from vethlab import spec
from vethlab.errors import HostError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from vethlab.keep.record import Record
    from vethlab.lab.explaining import Answer, Subject
    from vethlab.lab.fixing import Mended, Undone
    from vethlab.lab.held import Held
    from vethlab.lab.linking import Linked, LinkWish
    from vethlab.lab.session import Session
    from vethlab.model.finding import Command
    from vethlab.model.flow import Flow
    from vethlab.model.path import Report
    from vethlab.model.snapshot import Drift
    from vethlab.model.topology import Topology
    from vethlab.observe.watch import Watch

__all__ = ["Asked"]


class Asked:
    """Questions and fixes. `_running` gives the held lab, `_engine` its session."""

    if TYPE_CHECKING:
        @property
        def topology(self) -> Topology:
            """What is declared."""
            ...

        _topology: Topology | None
        _text: str | None
        _held: Held | None
        _draft: spec.Draft | None

        def _declare(self, say: Callable[[spec.Draft], object]) -> None: ...

        def _running(self) -> Held: ...

        def _engine(self) -> Session: ...

    @property
    def current(self) -> Topology:
        """What the running lab is meant to be now: as declared, or as it was changed since without saying so in its file."""
        return self._held.current() if self._held is not None and self._held.record.live else self.topology

    def check(self, selectors: Sequence[str] = (), *, seed: int | None = None, timeout: float = 1.0) -> Report:
        """Send real packets along every declared check (all pairs without any), or along `selectors`: `ping a -> b`."""
        from vethlab.plan.paths import expand, samples  # noqa: PLC0415 - `up` does not need it
        from vethlab.probe import run  # noqa: PLC0415

        chosen = time.time_ns() % 1_000_000 if seed is None else seed
        now = self.current
        topology = _checking(now, selectors) if selectors else now
        if topology.has_world and not now.has_world:
            help_ = "give a network `nat: masquerade`, or name `world` in a check of the lab file"
            raise UsageError(f"lab `{now.name}` has no world outside of it", help=help_)
        return run(expand(topology, seed=chosen), self._running().namespaces, timeout=timeout, notes=samples(topology, seed=chosen))

    def why(self, src: str, dst: str, *, rehearse: bool = True, **how: Any) -> Answer:
        """Why packets from `src` do not reach `dst`, with the smallest change that mends it, tried on a copy; nothing here is changed.

        Ends are `a`, `a:eth0` (sent from there) or an address. `how`: kind ("ping", "tcp", "udp", "arp"), port, size (bytes of a ping that
        may not be cut), truth (False: without BPF), record (a file for the evidence), pcap (a file for the probe's frames, with comments;
        or a function that takes its bytes). NotFoundError for an unknown node or interface.
        """
        from vethlab.lab.explaining import answer  # noqa: PLC0415 - only for those who ask

        found = answer(self._subject(), src, dst, rehearse=rehearse, **how)
        if not found.explanation.ok:
            self._remember(question=_plain(src, dst, how))
        return found

    def trace(self, src: str, dst: str, **how: Any) -> Answer:
        """The way of a packet, both directions, hop by hop. `how` as for `why`."""
        from vethlab.lab.explaining import answer  # noqa: PLC0415

        return answer(self._subject(), src, dst, rehearse=False, **how)

    def watch(self, *nodes: str, truth: bool = True) -> Watch:
        """Deaths of packets, live, in these nodes or in all: `with lab.watch() as w: for batch in w.batches(seconds=5): ...`."""
        from vethlab.lab.watching import start  # noqa: PLC0415 - only for those who look

        return start(self._running().namespaces, nodes, truth=truth)

    def last_question(self) -> Flow | None:
        """The last question whose answer was no."""
        from vethlab.lab.fixing import asked_last  # noqa: PLC0415

        return asked_last(self._subject(), self._record().question)

    def fix(self, src: str | None = None, dst: str | None = None, *, choose: int = 0, write: bool = False, **how: Any) -> Mended:
        """Apply what `why` offers and ask again. Without ends: what failed last. `write`: say it in the lab file too, if it mends."""
        from vethlab.lab import fixing  # noqa: PLC0415

        if src is None or dst is None:
            src, dst, how = fixing.words(self._record().question)
        done = fixing.mend(
            self._subject(), self._engine(), src, dst, choose=choose, **how,
            remember=lambda back: self._remember(
                undo=tuple((one.node, one.argv) for one in back), before="", question=_plain(src, dst, how),
            ),
        )
        if done.after is None or not write:
            return done
        if not done.after.explanation.ok:
            return replace(done, unwritten="the packet does not arrive, so this is not yet what mends it")
        return replace(done, wrote=fixing.write(self._record().file, done.news))

    def undo(self) -> Undone:
        """Take the last fix back."""
        from vethlab.lab import fixing  # noqa: PLC0415

        record = self._record()
        if record.before and not record.undo:
            from vethlab.lab import linking  # noqa: PLC0415

            return fixing.Undone(linking.take_back(self._engine()))
        live = {"live": record.before} if record.before else {}

        def remember(left: Sequence[Command]) -> None:
            self._remember(undo=tuple((one.node, one.argv) for one in left), before=record.before if left else "", **({} if left else live))

        return fixing.undo(self._subject(), record.undo, record.question, remember)

    def change_link(self, wish: LinkWish) -> Linked:
        """Set a link down or up, change its mtu, rate, delay or loss; add or remove one, or a node. `undo` takes it back."""
        from vethlab.lab import linking  # noqa: PLC0415

        done = linking.change(self._engine(), wish)
        if (done.changes or done.wrote) and not done.dry_run:
            self._remember(undo=tuple((one.node, one.argv) for one in done.undo), question={})
        if done.declared is not None:
            self._topology, self._text = done.declared, done.text
        return done

    def remove(self, *ends: str) -> None:
        """Undeclare a node with all its links (`remove("c")`), a link (`remove("a", "b")`), a place on a network (`remove("a", "br0")`).

        What else was said of them, checks included, goes along.
        """
        from vethlab.lab.wishing import LinkWish, wanted  # noqa: PLC0415

        def say(_draft: spec.Draft) -> None:
            self._draft = spec.Draft.of(wanted(self.topology, LinkWish(ends, remove=True)).topology)

        self._declare(say)

    def _subject(self) -> Subject:
        from vethlab.lab.explaining import Subject  # noqa: PLC0415
        from vethlab.lab.wiring import drift_of  # noqa: PLC0415

        held, topology = self._running(), self.current
        mode = "root" if held.record.mode == "root" else "rootless"

        def drift(nodes: Collection[str]) -> tuple[Drift, ...]:
            try:
                return drift_of(self._engine().plan(self.topology, nodes))
            except HostError:  # the machine's Open vSwitch does not run, so that nothing can be compared: who asks meets that by himself
                return ()

        return Subject(topology.name, cast("Any", mode), held.namespaces, topology, drift, self._record().file)

    def _record(self) -> Record:
        """What is remembered of the lab now; another process may have written it since."""
        from vethlab.keep.record import Record  # noqa: PLC0415

        held = self._running()
        return Record.decode(held.keeper.get_record()) if held.detached else held.record

    def _remember(self, **parts: Any) -> None:
        """Write parts of the record, one writer at a time."""
        held = self._running()
        if not held.detached:
            held.record = replace(held.record, **parts)
            return
        with held.keeper.lock():
            held.record = replace(self._record(), **parts)
            held.keeper.put_record(held.record.encode())


def _checking(topology: Topology, sentences: Sequence[str]) -> Topology:
    draft = spec.Draft.of(topology)
    draft.checks = list(sentences)
    return draft.topology()


def _plain(src: str, dst: str, how: Mapping[str, Any]) -> dict[str, Any]:
    return {"src": src, "dst": dst, **{key: value for key, value in how.items() if key in {"kind", "port", "size"} and value is not None}}
