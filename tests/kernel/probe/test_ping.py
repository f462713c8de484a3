"""Pings over real namespaces: what works passes, what is broken fails, each pair for itself."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tests.kernel.probe.breaking import STAR, Up, do, failed, ignore_arp, result, rule

from vethlab.lab import Lab
from vethlab.model.path import Report

pytestmark = pytest.mark.kernel


def test_all_pairs_pass(up: Up) -> None:
    """Three nodes on a bridge reach each other, with round trips in microseconds."""
    report = up(STAR).check()
    assert (6, set()) == (len(report.results), failed(report))
    assert all(one.rtt_us is not None and 0 < one.rtt_us < 1e6 for one in report.results)


def test_ipv6_only(up: Up) -> None:
    """A lab without IPv4 is checked over IPv6; a rejecting firewall is quoted with its address."""
    lab = up("name: six\nlinks:\n- a fd00::1/64 -- b fd00::2/64\n")
    assert set() == failed(lab.check())
    rule(lab, "b", "ip6", "input", "icmpv6 type echo-request reject")
    report = lab.check()
    assert {("a", "b")} == failed(report)
    assert "port unreachable, says fd00::2" == result(report, "a", "b").reason


def test_an_address_under_detection_is_waited_for(up: Up) -> None:
    """An IPv6 address added without `nodad` is tentative for a second or two: the check waits, and passes."""
    lab = up("name: six\nlinks:\n- a fd00::1/64 -- b fd00::2/64\n")
    do(lab, "b", "ip address delete fd00::2/64 dev eth0; ip address add fd00::2/64 dev eth0")
    assert set() == failed(lab.check())


def test_the_tutorials_case_fails(up: Up) -> None:
    """Both ends of a cable in one namespace: bound to the device, the ping gets no ARP answer, and that is said."""
    lab = up("name: loopy\nnodes: [box]\nlinks:\n- box:v0 30.1.1.10/24 -- box:v1 30.1.1.11/24\nchecks:\n- ping box:v0 -> box:v1\n")
    (one,) = lab.check(timeout=0.3).results
    assert (False, "no reply in 0.3 s: 30.1.1.11 does not answer ARP", None) == (one.passed, one.reason, one.finding)


def test_a_dropped_request_is_one_pair(up: Up) -> None:
    """A rule that drops pings to b on the bridge fails those to b, and not those from b."""
    lab = up(STAR)
    rule(lab, "host", "bridge", "forward", "ip daddr 10.5.0.2 icmp type echo-request drop")
    assert {("a", "b"), ("c", "b")} == failed(lab.check(timeout=0.3))


def test_an_output_firewall_is_told_apart(up: Up) -> None:
    """Where the source's own rules forbid the ping, the source is named."""
    lab = up(STAR)
    rule(lab, "c", "ip", "output", "icmp type echo-request drop")
    report = lab.check(timeout=0.3)
    assert {("c", "a"), ("c", "b")} == failed(report)
    assert "c itself forbids it: Operation not permitted" == result(report, "c", "a").reason


def test_ignored_arp_is_not_hidden_by_the_other_direction(up: Up) -> None:
    """B answers no ARP, but asks for a itself: a then knows b's MAC, and a ping to b would pass by luck. It is told."""
    lab = up(STAR)
    ignore_arp(lab, "b")
    report = lab.check()
    assert {("a", "b"), ("c", "b")} == failed(report)
    assert result(report, "a", "b").reason.endswith("10.5.0.2 does not answer ARP")


def test_ignored_arp_is_not_hidden_by_better_days(up: Up) -> None:
    """A neighbour that was reachable a moment ago and ignores ARP now is found out."""
    lab = up(STAR)
    assert set() == failed(lab.check())
    ignore_arp(lab, "b")
    assert {("a", "b"), ("c", "b")} == failed(lab.check())


def test_a_wrong_static_entry_fails_and_stays(up: Up) -> None:
    """A pinned entry that lies breaks its pair, and the check does not touch it."""
    lab = up(STAR)
    do(lab, "a", "ip neighbour replace 10.5.0.2 lladdr 02:00:00:00:00:99 dev eth0 nud permanent")
    assert {("a", "b"), ("b", "a")} == failed(lab.check(timeout=0.3))
    assert "02:00:00:00:00:99 PERMANENT" in lab.namespaces.run("a", ["ip", "neighbour", "show", "10.5.0.2"]).stdout


def test_a_duplicate_address_is_no_success(up: Up) -> None:
    """C has taken b's address: an answer by the wrong one, or by the source itself, does not count."""
    lab = up(STAR)
    do(lab, "c", "ip address flush dev eth0; ip address add 10.5.0.2/24 dev eth0")
    do(lab, "a", "ip neighbour replace 10.5.0.2 dev eth0 lladdr $(cat) nud permanent", mac(lab, "c"))
    report = lab.check(timeout=0.3)
    assert {("a", "b"), ("c", "b")} <= failed(report)
    assert {"duplicate-address"} == {result(report, source, "b").finding for source in ("a", "c")}
    assert "10.5.0.2 belongs to b and to c: an answer came, but b never saw the request" == result(report, "a", "b").reason


def mac(lab: Lab, node: str) -> str:
    """The MAC of a node's eth0."""
    return lab.namespaces.run(node, ["ip", "-o", "link", "show", "eth0"]).stdout.partition("link/ether ")[2].split()[0]


def test_nobody_owns_the_address(up: Up) -> None:
    """A ping to an address that no node has is neighbour-unresolved."""
    lab = up(f"{STAR}checks:\n- ping a -> 10.5.0.77\n")
    (one,) = lab.check(timeout=0.3).results
    assert (False, "neighbour-unresolved") == (one.passed, one.finding)


def test_no_route_and_no_address(up: Up) -> None:
    """What cannot be sent is told at once: no address at either end, no route."""
    report = up("name: n\nnodes: [a, b]\nlinks:\n- a 10.0.0.1/24 -- b\n").check()
    assert ["no-address", "no-address"] == [one.finding for one in report.results]
    assert report.seconds < 0.9
    report = up(f"{STAR}checks:\n- ping a -> 10.9.9.9\n").check()
    assert ["no-route"] == [one.finding for one in report.results]
    assert report.seconds < 0.9


def test_an_unknown_interface(up: Up) -> None:
    """A source interface that is gone is named."""
    lab = up(f"{STAR}checks:\n- ping a:eth0 -> b\n")
    do(lab, "a", "ip link set eth0 down; ip link set eth0 name renamed; ip link set renamed up")
    assert "a has no interface eth0" == lab.check().results[0].reason


def test_within(up: Up) -> None:
    """A bound on the round trip passes or fails, with the time that was measured."""
    lab = up(f"{STAR}checks:\n- {{ping a -> b: {{within: 500ms}}}}\n- {{ping a -> b: {{within: 0.001ms}}}}\n")
    first, second = lab.check().results
    assert (True, False, True) == (first.passed, second.passed, second.ok)
    assert second.reason.endswith("more than 0.001 ms")


def test_other_echoes_are_not_ours(up: Up) -> None:
    """A ping of somebody else in the same namespaces neither helps nor disturbs."""
    lab = up(STAR)
    rule(lab, "b", "ip", "input", "icmp type echo-request ip length < 60 drop")
    do(lab, "a", "ping -q -i 0.01 -c 500 -s 400 10.5.0.2 >/dev/null 2>&1 &")
    assert {("a", "b"), ("c", "b")} == failed(lab.check(timeout=0.3))


def test_from_threads(up: Up) -> None:
    """Several threads may check one lab at once."""
    lab = up(STAR)
    reports: list[Report] = []
    threads = [threading.Thread(target=lambda: reports.append(lab.check())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [set()] * 4 == [failed(report) for report in reports]


def test_beside_asyncio(up: Up) -> None:
    """A check runs beside a running event loop, from one of its threads."""
    lab = up(STAR)

    async def main() -> Report:
        return await asyncio.to_thread(lab.check)

    assert set() == failed(asyncio.run(main()))
