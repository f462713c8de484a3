"""`-w` of `why` and `trace`: where the packets go, what is printed beside them, and that both count hops alike."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.cli.answered import DEAD, FAR_END_DOWN, LOOPY, MENDED, NO_WAY_BACK
from tests.unit.cli.double import Cli, FakeLab, World

from vethlab.explain.remarks import remarks
from vethlab.lab.explaining import Answer
from vethlab.model.finding import PathHop
from vethlab.model.journey import IN, Observed, Sighting
from vethlab.present.cli import journey

VERBS = pytest.mark.parametrize("verb", ["why", "trace"])
ENDS = ("box:va", "box:vb")


@pytest.fixture
def lab(world: World) -> FakeLab:
    """A lab in which the packet dies."""
    one = world.start(LOOPY)
    one.answers[ENDS] = DEAD
    return one


@VERBS
def test_a_file_is_written_beside_the_answer(cli: Cli, lab: FakeLab, verb: str) -> None:
    """The lab is given its name, the answer is printed as ever, and the file is named on standard error."""
    plain, ran = cli(verb, *ENDS), cli(verb, *ENDS, "-w", "x.pcapng")
    assert (1, plain.out, f"{plain.err}  its packets: x.pcapng\n") == (ran.status, ran.out, ran.err)
    assert (False, True) == tuple("pcap=x.pcapng" in call for call in lab.calls)


@VERBS
def test_on_standard_output_there_are_packets_and_no_text(cli: Cli, lab: FakeLab, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is its headline on standard error and the exit status; `why` tries no fix for nobody."""
    given: dict[str, Any] = {}

    def asked(_src: str, _dst: str, **how: Any) -> Answer:
        given.update(how)
        return DEAD

    monkeypatch.setattr(lab, verb, asked)
    ran = cli(verb, *ENDS, "-w", "-")
    assert (1, "", "✗ box:va cannot ping box:vb: box refuses its own address coming in from outside\n") == (ran.status, ran.out, ran.err)
    assert (True, False) == (callable(given["pcap"]), given.get("rehearse", False))


@VERBS
def test_text_and_packets_are_not_mixed(cli: Cli, lab: FakeLab, verb: str) -> None:
    """-o and `-w -` want the same place, and a terminal is none for a file; nothing is asked then."""
    ran = cli(verb, *ENDS, "-w", "-", "-o", "text")
    assert (2, True, []) == (ran.status, "both want standard output" in ran.err, lab.calls)


def test_a_terminal_gets_no_file(cli: Cli, lab: FakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes would spoil it."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    ran = cli("why", *ENDS, "-w", "-")
    assert (2, []) == (ran.status, lab.calls)


def test_a_recording_has_no_packets(cli: Cli) -> None:
    """--replay sends nothing, so there is nothing to write."""
    ran = cli("why", "--replay", "seen.json", "-w", "x.pcapng")
    assert (2, True) == (ran.status, "a recording holds its own question" in ran.err)


@pytest.mark.parametrize("answer", [DEAD, MENDED, NO_WAY_BACK, FAR_END_DOWN])
def test_hops_have_the_numbers_of_the_table(answer: Answer) -> None:
    """A reader of the file and of the answer counts the same."""
    explained = answer.explanation
    later = (PathHop("a", "eth0", IN, 90_000, "ICMP error from 10.0.0.9"),) if not explained.ok else ()
    explained = replace(explained, reply=(*explained.reply, *later))
    request, reply = journey.steps(explained)
    table = [*request, *reply]
    numbers = {(step.node, step.interface, step.what): f"hop {number} of {len(table)}: {step.what}" for number, step in enumerate(table, 1)}
    hops = [*explained.request, *explained.reply]
    seen = tuple(Sighting(hop.node, hop.interface, hop.direction, hop.note, hop.ns) for hop in hops)
    found = remarks(answer.flow, explained, Observed(ok=explained.ok, sightings=seen))
    assert [numbers[hop.node, hop.interface, hop.note] for hop in hops if hop.interface != "lo"] == [
        one[0] for one, hop in zip(found.each, hops, strict=True) if hop.interface != "lo"
    ]
