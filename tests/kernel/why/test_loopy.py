"""The tutorial's first case from end to end: both ends of a cable in one node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vethlab import Lab

pytestmark = pytest.mark.kernel

ENDS = ("box:veth0", "box:veth1")
SENTENCE = "the reply goes over lo: 30.1.1.10 is local there, and the local table is asked first (ip rule 0: lookup local)"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The lab of examples/."""
    with Lab.load(Path(__file__).parents[3] / "examples" / "same-namespace.lab.yaml") as running:
        yield running


def test_one_obstacle_after_the_other(lab: Lab) -> None:
    """Strict as well, the node has two reasons to refuse: both are named at once, one fix mends both, at the receiving end."""
    lab["box"].exec("sysctl -qw net.ipv4.conf.veth1.rp_filter=1")
    found = lab.why(*ENDS)
    verdict = found.explanation.verdict
    assert verdict is not None
    named = {verdict.slug, *(one.slug for one in found.explanation.also)}
    assert ({"local-source", "rp-filter"}, ("box", "veth1")) == (named, (verdict.where.node, verdict.where.interface))
    keys = {command.argv[-1].partition("=")[0] for command in found.fixes[0].commands}
    assert {"net.ipv4.conf.veth1.accept_local", "net.ipv4.conf.veth1.rp_filter"} == keys
    after = lab.fix(*ENDS).after
    assert after is not None
    assert None is after.explanation.verdict


def test_the_way_there_and_back(lab: Lab) -> None:
    """Once it works, the request crosses the cable and the reply does not: it stays on lo, with a sentence that says why."""
    assert lab.fix(*ENDS).applied is not None
    said = lab.trace(*ENDS).explanation
    request = [(hop.interface, hop.direction) for hop in said.request if hop.note == "request"]
    assert ([("veth0", "out"), ("veth1", "in")], {"lo"}) == (request, {hop.interface for hop in said.reply})
    assert (SENTENCE,) == said.notes
