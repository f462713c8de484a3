"""Large labs: every pair is probed past the table's limit, nothing is hidden, nothing is left."""

from __future__ import annotations

import socket
import time

import pytest
from tests.kernel.probe.breaking import STAR, Up, do, failed, ignore_arp, large_star, loans, result, rule

from vethlab.kernel.netlink import neighbour_table
from vethlab.lab import Lab
from vethlab.probe.loans import Loans
from vethlab.probe.survey import asking

pytestmark = pytest.mark.kernel
COUNT = 34  # 1,122 pairs: more than the whole table


def lab_of(up: Up) -> Lab:
    """The large star, up."""
    return up(large_star(COUNT))


def names(*numbers: int) -> list[str]:
    """The hosts of these numbers, or all others than none."""
    return [f"h{number}" for number in numbers or range(1, COUNT + 1)]


def test_all_pairs_pass_and_nothing_is_left(up: Up) -> None:
    """Every pair passes on loan, and no entry of ours remains."""
    lab = lab_of(up)
    report = lab.check()
    assert (COUNT * (COUNT - 1), set()) == (len(report.results), failed(report))
    assert any("entries lent" in note for note in report.notes)
    assert 0 == loans(lab)


def test_a_small_lab_borrows_nothing(up: Up) -> None:
    """Three nodes are simply probed. The table is the whole machine's: while other labs fill it, lending is right, so wait for them."""
    lab = up(STAR)
    deadline = time.monotonic() + 60
    while (notes := lab.check().notes) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert () == notes


def test_ignored_arp_is_not_hidden(up: Up) -> None:
    """h5 answers no ARP: every ping to it fails, although entries could have been lent for it."""
    lab = lab_of(up)
    ignore_arp(lab, "h5")
    assert {(name, "h5") for name in names() if name != "h5"} == failed(lab.check(timeout=0.5))


def test_arp_that_one_neighbour_alone_does_not_get(up: Up) -> None:
    """h7 hears no ARP of h3 alone: that pair fails, in both directions, and no other."""
    lab = lab_of(up)
    rule(lab, "h7", "arp", "input", "arp saddr ip 10.5.0.3 drop")
    assert {("h3", "h7"), ("h7", "h3")} == failed(lab.check(timeout=0.5))


def test_a_wrong_static_entry_is_neither_overwritten_nor_hidden(up: Up) -> None:
    """A pinned entry that lies stays as it is and breaks its pair, also where its owner is the one that asks for the MAC."""
    lab = lab_of(up)
    do(lab, "h2", "ip neighbour replace 10.5.0.3 lladdr 02:00:00:00:00:99 dev eth0 nud permanent")
    assert {("h2", "h3"), ("h3", "h2")} == failed(lab.check(timeout=0.5))
    assert "02:00:00:00:00:99 PERMANENT" in lab.namespaces.run("h2", ["ip", "neighbour", "show", "10.5.0.3"]).stdout


def test_a_dropped_ping_is_one_pair(up: Up) -> None:
    """A rule against one pair fails that pair."""
    lab = lab_of(up)
    rule(lab, "host", "bridge", "forward", "ip saddr 10.5.0.3 ip daddr 10.5.0.9 icmp type echo-request drop")
    assert {("h3", "h9")} == failed(lab.check(timeout=0.5))


def test_a_dead_host(up: Up) -> None:
    """A host whose link is down fails with everybody, and nobody else does."""
    lab = lab_of(up)
    do(lab, "h6", "ip link set eth0 down")
    others = [name for name in names() if name != "h6"]
    assert {*((name, "h6") for name in others), *(("h6", name) for name in others)} == failed(lab.check(timeout=0.5))


def test_a_stolen_address(up: Up) -> None:
    """h5 has taken h4's address: what was meant for h5 fails, and the two do not vouch for each other."""
    lab = lab_of(up)
    do(lab, "h5", "ip address flush dev eth0; ip address add 10.5.0.4/16 dev eth0")
    report = lab.check(timeout=0.5)
    assert {(name, "h5") for name in names() if name != "h5"} | {("h5", "h4")} <= failed(report)
    assert "duplicate-address" == result(report, "h5", "h4").finding


def test_what_a_killed_check_left_is_swept(up: Up) -> None:
    """Entries that nobody took back are gone after the next check, whatever it checks; pinned ones stay."""
    lab = up(STAR)
    do(lab, "a", "ip neighbour replace 10.5.0.99 lladdr 02:00:00:00:00:01 dev eth0 nud permanent")
    for _name, connection in asking(lab.namespaces, ["a"]):
        link = next(entry.link for entry in neighbour_table.entries(connection) if entry.address == socket.inet_aton("10.5.0.99"))
        tails = [neighbour_table.tail(bytes([10, 5, 0, number]), bytes(6)) for number in (77, 78, 99)]
        assert tails[:2] == neighbour_table.lend(connection.socket, link, tails)
    assert 2 == loans(lab)
    assert set() == failed(lab.check())
    assert 0 == loans(lab)
    assert "PERMANENT" in lab.namespaces.run("a", ["ip", "neighbour", "show", "10.5.0.99"]).stdout


def test_an_exception_takes_everything_back(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt in the middle of the pings leaves no entry of ours."""
    lab = lab_of(up)
    seen: list[int] = []

    def interrupted(*_arguments: object) -> set[int]:
        seen.append(loans(lab))
        raise KeyboardInterrupt

    monkeypatch.setattr(Loans, "unconfirmed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lab.check()
    assert [COUNT * (COUNT - 1)] == seen
    assert 0 == loans(lab)


def test_ipv6_is_lent_too(up: Up) -> None:
    """Neighbour discovery has a table of the same size, and is verified in the same way."""
    lab = up(f"name: six\nnetworks:\n  br0: {{subnet: 'fd00:5::/64', nodes: [h1..{COUNT}]}}\n")
    report = lab.check()
    assert set() == failed(report)
    assert any("entries lent" in note for note in report.notes)
