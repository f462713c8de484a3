"""Hops that ran out although there were enough of them: who is asked for rules that write them, and what is said of those."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from tests.unit.explain.scenes import ROUTED, Paper, sighting

from vethlab.explain.questions import Rewrite, Rewriting
from vethlab.model.journey import IN, OUT, IcmpError, Observed, Sighting

RULE = Rewrite("ip short pre", 4, "ip ttl set 1")
ENOUGH = (sighting("a:eth0", OUT, hops=64), sighting("r:left", IN, hops=64, ns=1))


@pytest.mark.parametrize(("seen", "place"), [
    (ENOUGH, "r"), ((sighting("a:eth0", OUT, hops=1), sighting("r:left", IN, hops=1, ns=1)), "a"),
    ((*ENOUGH, sighting("r:right", OUT, hops=1, ns=2), sighting("b:eth0", IN, hops=1, ns=3)), "r"), ((), "r"),
])
def test_who_wrote_other_hops_into_the_packet(seen: tuple[Sighting, ...], place: str) -> None:
    """The node that took too many, the sender if there were too few, else who said that they ran out; its rule is the remedy."""
    paper = Paper(ROUTED)
    paper.seen = Observed(ok=False, sightings=seen, errors=(IcmpError(11, 0, ip_address("10.0.1.1")),))
    paper.says = {Rewriting(place): (RULE,)}
    found = paper.explain("a", "10.0.2.2").verdict
    assert found is not None
    assert ("ttl-expired", place, "nft delete rule ip short pre handle 4") == (
        found.slug, found.where.node, " ".join(found.fixes[0].commands[0].argv),
    )


def test_nobody_is_asked_where_it_is_known() -> None:
    """A stranger says it, or another thing is said, or too few hops were foretold."""
    for error in (IcmpError(11, 0, ip_address("192.0.2.1")), IcmpError(3, 0, ip_address("10.0.1.1"))):
        paper = Paper(ROUTED)
        paper.seen = Observed(ok=False, sightings=ENOUGH, errors=(error,))
        paper.explain("a", "10.0.2.2")
        assert [] == [one for one in paper.asked if isinstance(one, Rewriting)]
    paper = Paper(ROUTED)
    paper.node("a", sysctls={"net.ipv4.ip_default_ttl": "1"})
    paper.seen = Observed(ok=False, sightings=ENOUGH, errors=(IcmpError(11, 0, ip_address("10.0.1.1")),))
    found = paper.explain("a", "10.0.2.2").verdict
    assert found is not None
    assert ("a", []) == (found.where.node, [one for one in paper.asked if isinstance(one, Rewriting)])
