"""A packet's way within a node: where it is forwarded, where `lo` hands it back, where a bridge takes it."""

from __future__ import annotations

import pytest
from tests.journeys import JOURNEYS, hops

from vethlab.model.finding import Explanation
from vethlab.present.drawing.draw import draw
from vethlab.present.drawing.gather import gather
from vethlab.present.drawing.journey import Journey, Turn, journey, passed


def found(name: str) -> Journey:
    """The journey of that name on its lab."""
    topology, explanation = JOURNEYS[name]
    return journey(gather(topology, also=passed(explanation)), explanation)


@pytest.mark.parametrize("way", ["box:lo<", "box:lo>", "box:lo> box:lo<"])
def test_a_reply_over_lo_turns_there(way: str) -> None:
    """It goes from where the request came in to lo, and out of it and in again, whichever side of lo was seen."""
    topology, explanation = JOURNEYS["journey-over-lo"]
    over = Explanation(ok=True, request=explanation.request, reply=hops("reply", 9000, *way.split()))
    assert {Turn("box:vb", "box:lo", "reply"), Turn("box:lo", "box:lo", "reply")} == set(
        journey(gather(topology, also=passed(over)), over).turns,
    )
    assert 2 == sum("reply inside" in str(shape) for shape in draw(topology, explanation=over).shapes)


def test_a_bridge_takes_it_and_a_router_forwards_it() -> None:
    """A container's packet goes from the port to the bridge's own interface and to another; the reply the same way back."""
    there = [("host:p-worker", "host:docker0"), ("host:docker0", "host:p-world")]
    turns = found("journey-is-translated").turns
    assert [Turn(*one, "request") for one in there] == [one for one in turns if one.kind == "request"]
    assert [Turn(b, a, "reply") for a, b in reversed(there)] == [one for one in turns if one.kind == "reply"]


def test_addresses_are_told_where_they_change() -> None:
    """At the start and where a rule changed them, with the rule; nowhere else."""
    notes = {key: [line.text for line in lines if line.style == "word"] for key, lines in found("journey-is-translated").notes.items()}
    assert ["172.17.0.3 → 203.0.113.1"] == notes["worker:eth0"]
    assert ["198.51.100.2 → 203.0.113.1", "masquerade by inet vethlab-nat-dockerlike", "postrouting handle 7"] == notes["host:p-world"]
    assert ["203.0.113.1 → 172.17.0.3", "turned back"] == notes["host:docker0"]
    assert [] == notes["host:p-worker"]
