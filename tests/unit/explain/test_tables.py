"""Tables and settings as the kernel reads them: which line decides, and which value counts."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from tests.unit.explain.scenes import Paper, route

from vethlab.explain.fib import match
from vethlab.explain.settings import both, current, effective
from vethlab.model.snapshot import FibRule, Hop, Snapshot


def test_the_first_rule_that_fits_decides() -> None:
    """Rules that neither look up nor refuse lead on to the next; what looks at marks, interfaces or sources has to fit."""
    lines = (route("10.0.0.0/8", "eth0"), route("10.0.0.0/8", "eth1", table=7), route("10.0.0.0/24", type="throw", table=8))
    rules = (
        FibRule(1, 4, "goto"), FibRule(2, 4, table=7, mark=3), FibRule(3, 4, table=7, iif="eth5"), FibRule(4, 4, table=7, oif="eth1"),
        FibRule(5, 4, table=7, source=ip_network("192.0.2.0/24")), FibRule(6, 4, table=7, destination=ip_network("10.7.0.0/16")),
        FibRule(7, 4, table=8), FibRule(8, 4, "prohibit", source=ip_network("198.51.100.0/24")), FibRule(9, 4),
    )
    snapshot = Snapshot(routes=lines, rules=rules)
    asked: list[dict[str, Any]] = [
        {}, {"iif": "eth5"}, {"oif": "eth1"}, {"source": ip_address("192.0.2.1")}, {"source": ip_address("203.0.113.1"), "iif": "eth6"},
        {"source": ip_address("198.51.100.1")},
    ]
    found = [match(snapshot, ip_address("10.0.0.1"), **one) for one in asked]
    assert [9, 3, 4, 5, 9, 8] == [one.rule.priority if one.rule is not None else None for one in found]
    assert ("prohibit", None) == (found[-1].refuses, found[-1].route)
    assert 6 == getattr(match(snapshot, ip_address("10.7.0.1")).rule, "priority", None)


def test_a_route_of_dead_hops_is_none() -> None:
    """A route all of whose next hops are dead is passed over; one of two is enough; a smaller metric wins."""
    dead, alive = Hop("eth0", flags=("dead",)), Hop("eth1")
    lines = (
        route("10.0.0.0/24", hops=(dead,)), route("10.0.0.0/16", hops=(dead, alive), metric=5), route("10.0.0.0/16", "eth2", metric=9),
    )
    found = match(Snapshot(routes=lines), ip_address("10.0.0.1"))
    assert ((dead, alive), "") == (found.route.hops if found.route is not None else None, found.refuses)
    assert (None, None) == match(Snapshot(routes=lines), ip_address("192.0.2.1"))


@pytest.mark.parametrize(
    ("leaf", "values"), [("rp_filter", (2, 1, 0)), ("accept_local", (1, 1, 0)), ("forwarding", (0, 1, 0)), ("arp_announce", (2, 1, 0))],
)
def test_all_and_the_interface_count_together(leaf: str, values: tuple[int, int, int]) -> None:
    """The larger, either, or the interface's own, as the kernel combines them; an interface that is not there has none."""
    paper = Paper()
    paper.interface("a:eth0", ipv4={leaf: 1})
    with_all = replace(paper.nodes["a"], all4={leaf: 2})
    found = (effective(with_all, "eth0", leaf), effective(paper.nodes["a"], "eth0", leaf), effective(paper.nodes["a"], "gone", leaf))
    assert (values[0] if leaf != "forwarding" else 1, *values[1:]) == found
    assert ("all=2, eth0=1", "all=2, gone=0") == (both(with_all, "eth0", leaf), both(with_all, "gone", leaf))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("net.ipv4.conf.all.rp_filter", "1"), ("net.ipv6.conf.all.forwarding", "0"), ("net.ipv4.conf.eth0.rp_filter", "2"),
        ("net.ipv6.conf.eth0.hop_limit", "64"), ("net.ipv4.conf.gone.rp_filter", None), ("net.ipv4.conf.eth0.tag", None),
        ("net.ipv4.ip_forward", "0"), ("net.core.x", None),
    ],
)
def test_a_setting_is_found_by_its_key(key: str, value: str | None) -> None:
    """For all, for an interface of either family, or any other key that was read."""
    paper = Paper()
    paper.interface("a:eth0", ipv4={"rp_filter": 2}, ipv6={"hop_limit": 64})
    paper.node("a", all4={"rp_filter": 1})
    assert value == current(paper.nodes["a"], key)
