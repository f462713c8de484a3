"""Packets in three words."""

from __future__ import annotations

import pytest
from tests.unit.observe.frames import ECHO, SOLICITATION, arp, ethernet, icmp, ipv4, ipv6, tcp, udp

from vethlab.observe.brief import brief, ends
from vethlab.observe.decode import Packet, decode
from vethlab.observe.text import address

V4, V6 = "10.0.0.1 10.0.0.2", "fd00::1 fd00::2"


@pytest.mark.parametrize(
    ("frame", "words", "whom"),
    [
        (ECHO, "ICMP echo", V4), (ethernet(0x0800, ipv4(1, icmp(0))), "ICMP echo reply", V4),
        (ethernet(0x86DD, ipv6(58, icmp(128))), "ICMP6 echo", V6), (SOLICITATION, "ICMP6 who-has fd00::2", V6),
        (arp(1), "ARP who-has 10.0.0.2", V4), (arp(2), "ARP 10.0.0.1 is-at", V4),
        (ethernet(0x0800, ipv4(6, tcp(2))), "TCP SYN :80", V4), (ethernet(0x0800, ipv4(6, tcp(16))), "TCP :80", V4),
        (ethernet(0x0800, ipv4(17, udp(b""))), "UDP :53", V4), (ethernet(0x0800, ipv4(47, b"")), "GRE", V4),
        (ethernet(0x0800, ipv4(17, bytes(8), fragment=3)), "UDP fragment", V4),
        (ethernet(0x0800, ipv4(1, icmp(3, 3, 0, ipv4(17, udp(b""))))), "ICMP error about UDP :53", V4),
    ],
)
def test_what_people_say(frame: bytes, words: str, whom: str) -> None:
    """What it is, and from whom to whom."""
    packet = decode(frame)
    assert (words, whom) == (brief(packet), " ".join(map(address, ends(packet) or ())))


def test_what_was_not_read_has_no_ends() -> None:
    """Other protocols have their number, and no address."""
    assert ("0x88cc", None) == (brief(Packet(ethertype=0x88CC)), ends(Packet(ethertype=0x88CC)))
