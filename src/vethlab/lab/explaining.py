"""A question about packets and its answer.

Enters: a flow between two ends of a lab; leaves: an Answer, the explanation with the fixes that were tried on a copy.
Rule of the file: values and the order of the steps; what is decided is decided in `explain`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vethlab.errors import SpecErrors, UsageError
from vethlab.model.finding import Command, Explanation, Finding
from vethlab.model.flow import Flow
from vethlab.model.snapshot import Snapshot

if TYPE_CHECKING:
    from vethlab.keep.client import Mode
    from vethlab.kernel.port import Namespaces
    from vethlab.lab.inquiry import Transcript
    from vethlab.model.address import IP
    from vethlab.model.snapshot import Drift
    from vethlab.model.topology import Topology
    from vethlab.observe.correlate import Kept
    from vethlab.rehearse import Placeholder

SMALL = 40  # nodes: a lab of that size is copied whole
Pcap = str | os.PathLike[str] | Callable[[bytes], object]  # a file, or who takes the bytes of one

__all__ = ["Answer", "Offer", "Pcap", "Subject", "answer", "replay"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A fix as it is offered. `rehearsed`: how many paths passed of how many, on a copy; None: not tried, and `why_not` is the sentence.

    `policy`: it changes what somebody decided (a filter, a firewall), not what broke. `sayable`: the lab file has words for it.
    """

    title: str
    commands: tuple[Command, ...]
    rehearsed: tuple[int, int] | None = None
    why_not: str = ""
    policy: bool = False
    sayable: bool = True

    @property
    def lost(self) -> tuple[str, ...]:
        """What it takes away for good: no undo brings it back."""
        return tuple(dict.fromkeys(one.lost for one in self.commands if one.lost))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. `notes`: what else is worth knowing, one sentence each; `lab`: its name, where it is known."""

    flow: Flow
    explanation: Explanation
    fixes: tuple[Offer, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    lab: str = ""

    @property
    def ok(self) -> bool:
        """Whether the probe passed."""
        return self.explanation.ok

    @property
    def verdict(self) -> Finding | None:
        """What is at fault; None if the probe passed."""
        return self.explanation.verdict


@dataclass(frozen=True, slots=True)
class Subject:
    """The running lab that is asked about. `drift` reads what is not as its file says in some nodes; `file`: where that lies."""

    name: str
    mode: Mode
    namespaces: Namespaces
    topology: Topology
    drift: Callable[[Collection[str]], tuple[Drift, ...]]
    file: str = ""


def answer(  # noqa: PLR0913 - a question has as many parts
    subject: Subject, src: str, dst: str, *, kind: str = "ping", port: int | None = None, size: int | None = None,
    truth: bool | None = None, rehearse: bool = True, record: str | None = None, pcap: Pcap | None = None,
) -> Answer:
    """Explain the way from `src` to `dst`, and try on a copy what would mend it. `truth` None: BPF where it can be had."""
    from vethlab.lab.flows import flow_between, path_of  # noqa: PLC0415 - only for those who ask
    from vethlab.lab.inquiry import Inquiry  # noqa: PLC0415
    from vethlab.lab.wiring import wiring_of  # noqa: PLC0415

    begun = time.perf_counter()
    wiring = wiring_of(subject.namespaces, subject.topology)
    flow = flow_between(subject.topology, wiring, src, dst, kind=kind, port=port, size=size)
    kept: list[Kept] = []
    drift = _once(subject.drift)
    keep = None if pcap is None else kept.extend
    inquiry = Inquiry(subject.namespaces, subject.topology, drift=drift, truth=_wants(truth), keep=keep)
    explanation = inquiry.ask(flow, path_of(flow), wiring=wiring)
    if record is not None and inquiry.transcript is not None:
        _write(record, inquiry.transcript)
    if pcap is not None and inquiry.transcript is not None:
        _write_pcap(pcap, subject, inquiry.transcript, explanation, kept)
    offers: tuple[Offer, ...] = ()
    if rehearse and inquiry.transcript is not None and not explanation.ok:
        offers, explanation = _rehearsed(replace(subject, drift=drift), flow, explanation, inquiry.transcript)
    return Answer(flow, explanation, offers, time.perf_counter() - begun, explanation.notes, subject.name)


def _once(drift: Callable[[Collection[str]], tuple[Drift, ...]]) -> Callable[[Collection[str]], tuple[Drift, ...]]:
    """The same, read once a node: while one question is answered, on the copy too, the live lab is what it was."""
    held: dict[str, tuple[Drift, ...]] = {}

    def of(nodes: Collection[str]) -> tuple[Drift, ...]:
        unknown = [one for one in nodes if one not in held]
        found = drift(unknown) if unknown else ()
        held.update({name: tuple(one for one in found if one.node == name) for name in unknown})
        return tuple(one for name in nodes for one in held[name])

    return of


def replay(path: str) -> Answer:
    """The answer that recorded evidence gives. UsageError if the file is none."""
    from vethlab.explain import recording  # noqa: PLC0415 - only for those who replay

    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - one small file
        flow, explanation = recording.replay(file.read())
    return Answer(flow, explanation, notes=explanation.notes)


def _wants(truth: bool | None) -> bool:
    """Whether BPF looks on: asked for, or to be had. HostError if it is asked for and cannot be."""
    from vethlab.errors import HostError  # noqa: PLC0415
    from vethlab.kernel.bpf import tracer  # noqa: PLC0415 - root only

    if truth is False:
        return False
    refused = tracer.available()
    if truth and refused:
        raise HostError(f"no BPF here: {refused}", slug="no-bpf", help="leave it away: the explanation does without")
    return not refused


def _write(path: str, transcript: Transcript) -> None:
    from vethlab.explain import recording  # noqa: PLC0415 - only for those who record

    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - one small file
        file.write(recording.encode(transcript.flow, transcript.wiring, transcript.answers))


def _write_pcap(pcap: Pcap, subject: Subject, transcript: Transcript, explanation: Explanation, kept: Sequence[Kept]) -> None:
    from vethlab.lab.annotating import annotated  # noqa: PLC0415 - only for those who keep frames

    data = annotated(subject.name, subject.namespaces, transcript, explanation, kept)
    if callable(pcap):
        pcap(data)
        return
    with open(pcap, "wb") as file:  # noqa: PTH123 - one small file
        file.write(data)


def _rehearsed(subject: Subject, flow: Flow, explanation: Explanation, transcript: Transcript) -> tuple[tuple[Offer, ...], Explanation]:
    """Try fixes on a copy of the nodes that were looked at."""
    from vethlab.explain.questions import Look, Observe  # noqa: PLC0415
    from vethlab.lab.flows import path_of  # noqa: PLC0415
    from vethlab.lab.inquiry import Inquiry  # noqa: PLC0415
    from vethlab.lab.mending import Search  # noqa: PLC0415
    from vethlab.rehearse import Rehearsal  # noqa: PLC0415

    nodes = {question.netns for question, _ in transcript.answers if isinstance(question, Look)}
    nodes |= {name for question, _ in transcript.answers if isinstance(question, Observe) for name in question.netns}
    every = subject.namespaces.names()
    nodes = set(every) if len(every) <= SMALL else nodes & every
    with Rehearsal(subject.namespaces, sorted(nodes), subject.mode, _listeners(subject.namespaces, flow, transcript)) as rehearsal:
        if (subject.topology.machine or subject.topology.uplink != "none") and flow.dst.node is None:
            rehearsal.refused = rehearsal.refused or "the way leads out of the lab, through the machine's own network"
        copy = Inquiry(rehearsal.namespaces, subject.topology, drift=subject.drift, truth=False)
        search = Search(rehearsal, lambda: copy.ask(flow, path_of(flow), hasty=True))
        offers = tuple(replace(one, sayable=_sayable(subject, one)) for one in search.run(explanation))
    verdict = explanation.verdict
    known = [*([verdict] if verdict else []), *explanation.also]
    further = tuple(one for one in search.further if one.slug != "unknown" and not any(_same(one, other) for other in known))
    return offers, replace(explanation, also=(*explanation.also, *further))


def _sayable(subject: Subject, offer: Offer) -> bool:
    """Whether `fix --write` could: what only leads back to the file is said there already."""
    file, drift = subject.file, subject.drift({one.node for one in offer.commands})
    known = {(one.node, argv) for one in drift for argv in one.commands}
    news = [one for one in offer.commands if (one.node, one.argv) not in known]
    if not news or not os.path.exists(file):  # noqa: PTH110 - as in the facade
        return not news
    from vethlab.spec import edit  # noqa: PLC0415 - only for offers that the file does not hold
    from vethlab.spec.file import read_text  # noqa: PLC0415

    try:
        return not edit.apply_commands(read_text(file), news)[1]
    except (UsageError, SpecErrors):  # nobody can read it: the question was about packets
        return False


def _same(one: Finding, known: Finding) -> bool:
    """Whether it is one that is known, of which the place is told more exactly now."""
    alike = (one.slug, one.where.node) == (known.slug, known.where.node)
    return alike and (one.where.interface == known.where.interface or None in {one.where.interface, known.where.interface})


def _listeners(namespaces: Namespaces, flow: Flow, transcript: Transcript) -> list[Placeholder]:
    """Whoever listens on the probed port in the lab listens in the copy as well; so does who gets it once it is translated."""
    from vethlab.explain.rules.deliver import serves  # noqa: PLC0415
    from vethlab.kernel.full_snapshot import full_snapshots  # noqa: PLC0415

    if flow.port is None:
        return []
    ends = list(dict.fromkeys(_ends(flow, transcript)))
    held = full_snapshots(namespaces, {node for node, _, _ in ends} & namespaces.names())
    found: dict[Placeholder, None] = {}
    for node, address, port in ends:
        asked = replace(flow, port=port)
        for one in [one for one in held[node].listeners if serves(one, asked, address)][:1] if node in held else []:
            found[node, "udp" if one.protocol == "udp" else "tcp", str(one.address), one.port] = None
    return list(found)


def _ends(flow: Flow, transcript: Transcript) -> Iterator[tuple[str, IP, int]]:
    """Where the packet may be delivered: as it is asked for, as the lab file means it, and as any rule that was read would have it."""
    port = flow.port or 0
    if flow.dst.node is not None and flow.dst.address is not None:
        yield flow.dst.node, flow.dst.address, port
    if flow.leads is not None and flow.leads.node is not None:
        yield flow.leads.node, flow.leads.address, flow.leads.port or port
    rules = [rule for _, held in transcript.answers if isinstance(held, Snapshot) for chain in held.nat for rule in chain.rules]
    for rule in rules:
        if rule.verdict != "dnat" or rule.address is None:
            continue
        for owner in transcript.wiring.owners(rule.address):
            yield owner.netns, rule.address, rule.port or port
