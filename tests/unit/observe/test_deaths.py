"""One death told by several sources becomes one; what is really another packet stays another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.observe.frames import ECHO, SOLICITATION, arp, ethernet, icmp, ipv4, ipv6, tcp, udp

from vethlab.model.finding import INFERRED, PROVEN
from vethlab.observe.deaths import ANSWER, COUNTER, DROPPED, KERNEL, TRACE, UNKNOWN, Book, Death, KernelWord, Rule, identity
from vethlab.observe.decode import Packet, decode

WINDOW = 100
PACKET = decode(ECHO)
WORD, RULE = KernelWord("NETFILTER_DROP", "nft_do_chain"), Rule("ip", "t", "i", 4, "drop")
BY_KERNEL = Death(1000, DROPPED, "b", "nft-drop", KERNEL, "eth0", packet=PACKET, kernel=WORD)
BY_TRACE = Death(1040, DROPPED, "b", "nft-drop", TRACE, "eth0", hook="ip/input", packet=PACKET, rule=RULE)
BY_ANSWER = Death(1050, DROPPED, "b", "no-route", ANSWER, "lo", grade=INFERRED, packet=PACKET, says="b says: no")


def told(*deaths: Death, until: int = 10_000) -> list[Death]:
    """What a book makes of these."""
    book = Book(WINDOW)
    for death in deaths:
        book.add(death, death.ns)
    return book.release(until)


@pytest.mark.parametrize("order", [(BY_KERNEL, BY_TRACE, BY_ANSWER), (BY_ANSWER, BY_TRACE, BY_KERNEL)])
def test_three_witnesses_of_one_death(order: tuple[Death, ...]) -> None:
    """The rule decides, the kernel's word and what was answered are added, the time is the earliest; in any order."""
    assert [replace(BY_TRACE, ns=1000, kernel=WORD, says="b says: no")] == told(*order)


def test_who_knows_more_is_believed() -> None:
    """A kernel that gives no reason is completed by an answer that does; and what two agree on is proven if one of them has proof."""
    unknown = replace(BY_KERNEL, reason=UNKNOWN, grade=INFERRED)
    guessed = replace(BY_KERNEL, reason="no-route", grade=INFERRED)
    assert [("no-route", INFERRED)] == [(one.reason, one.grade) for one in told(unknown, BY_ANSWER)]
    assert [("no-route", PROVEN)] == [(one.reason, one.grade) for one in told(guessed, replace(BY_ANSWER, grade=PROVEN))]


def test_elsewhere_it_is_another_death() -> None:
    """The same packet that dies in two nodes (a copy each) is told of both."""
    assert ["b", "c"] == [one.node for one in told(BY_KERNEL, replace(BY_KERNEL, node="c"))]


def test_copies_and_repetitions() -> None:
    """One source: at two interfaces of a node it is a flooded copy, at the same one it is a further packet that looks the same."""
    assert 1 == len(told(BY_KERNEL, replace(BY_KERNEL, interface="eth1")))
    assert 2 == len(told(BY_KERNEL, BY_KERNEL))
    assert 2 == len(told(BY_KERNEL, BY_KERNEL, BY_TRACE, BY_TRACE))


def test_a_death_waits_for_its_window() -> None:
    """Nothing is told before the window is over; a counter has nobody to wait for."""
    counter = Death(1000, DROPPED, "b", "queue-drop", COUNTER, "eth0", count=3)
    book = Book(WINDOW)
    book.add(BY_KERNEL, 1000)
    book.add(counter, 1000)
    assert ([counter], [], [BY_KERNEL]) == (book.release(1000), book.release(1099), book.release(1100))


def test_a_machine_that_is_late() -> None:
    """Who was told of a death long after it happened, waits for the others all the same: they are late too."""
    book = Book(WINDOW, settle=50)
    book.add(BY_KERNEL, 5000)
    assert [] == book.release(5049)
    book.add(BY_TRACE, 5049)
    assert [RULE] == [one.rule for one in book.release(5050)]


def test_a_late_witness_is_not_a_second_death() -> None:
    """An answer that comes behind its window adds nothing; a second one from the same source is a further packet."""
    book = Book(WINDOW)
    book.add(BY_KERNEL, 1000)
    assert [BY_KERNEL] == book.release(2000)
    book.add(replace(BY_ANSWER, ns=2100), 2100)
    assert [] == book.release(9000)
    book.add(replace(BY_KERNEL, ns=2200), 2200)
    assert [2200] == [one.ns for one in book.release(9000)]


def test_deaths_come_in_order_of_time() -> None:
    """Whatever the order in which they were told."""
    other = replace(BY_KERNEL, ns=900, packet=decode(arp(1)))
    assert [900, 1000] == [one.ns for one in told(BY_KERNEL, other)]


def test_a_flood_does_not_fill_memory() -> None:
    """Above a few thousand deaths nobody waits, and what was told long ago is forgotten."""
    book = Book(1 << 60)
    for number in range(20_000):
        book.add(replace(BY_KERNEL, ns=number, packet=decode(ethernet(0x0800, ipv4(17, udp(b""), identifier=number)))), number)
        if number % 1000 == 0:
            book.release(number)
    assert (True, True) == (book._count <= 5096, len(book._told) <= 5096)


@pytest.mark.parametrize(
    "frame",
    [ECHO, SOLICITATION, arp(1), ethernet(0x0800, ipv4(6, tcp(2))), ethernet(0x0800, ipv4(17, udp(b"x"))), ethernet(0x0800, ipv4(47, b"x")),
     ethernet(0x86DD, ipv6(58, icmp(129)))],
)
def test_a_packet_is_known_again(frame: bytes) -> None:
    """As an ICMP error or a trace tells it: with another TTL and without an Ethernet header."""
    packet = decode(frame)
    bare = packet._replace(ethertype=0, target_mac=b"", source_mac=b"", ip=packet.ip and packet.ip._replace(hops=3))
    assert identity(packet) is not None
    assert identity(packet) == identity(bare)


def test_what_tells_packets_apart() -> None:
    """Numbers that a sender counts up: echo sequence, TCP sequence, IP identifier; and nothing at all where nothing was read."""
    echoes = {identity(decode(ethernet(0x0800, ipv4(1, icmp(8, 0, 0x00070001 + number))))) for number in range(3)}
    datagrams = {identity(decode(ethernet(0x0800, ipv4(17, udp(b""), identifier=number)))) for number in range(3)}
    assert (3, 3, None) == (len(echoes), len(datagrams), identity(Packet()))
