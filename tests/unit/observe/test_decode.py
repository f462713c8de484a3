"""Headers are read as deep as the bytes go, and said in tcpdump's words; no bytes break it."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.observe import frames
from tests.unit.observe.frames import arp, ethernet, icmp, ipv4, ipv6, tcp, udp

from vethlab.observe.decode import Packet, decode, decode_ip
from vethlab.observe.text import line, protocol

LOST = ipv4(17, udp(bytes(4)))
LOST6 = ipv6(6, tcp(2))
SAID = [
    (arp(1), "arp", "ARP who-has 10.0.0.2 tell 10.0.0.1"),
    (arp(2), "arp", "ARP reply 10.0.0.1 is-at 02:00:00:00:00:01"),
    (arp(9), "arp", "ARP operation 9"),
    (frames.ECHO, "icmp", "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 1, length 64"),
    (ethernet(0x0800, ipv4(1, icmp(0)), tag=5), "icmp", "vlan 5, IP 10.0.0.1 > 10.0.0.2: ICMP echo reply, id 7, seq 1, length 64"),
    (ethernet(0x0800, ipv4(6, tcp(2))), "tcp", "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1000, win 512, length 0"),
    (
        ethernet(0x0800, ipv4(6, tcp(0x18, b"hello"))), "tcp",
        "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1000:1005, ack 2000, win 512, length 5",
    ),
    (ethernet(0x0800, ipv4(6, tcp(0))), "tcp", "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [none], seq 1000, win 512, length 0"),
    (ethernet(0x0800, ipv4(17, udp(bytes(9)))), "udp", "IP 10.0.0.1.40000 > 10.0.0.2.53: UDP, length 9"),
    (
        ethernet(0x0800, ipv4(17, udp(bytes(9)), fragment=0x2000)), "udp",
        "IP 10.0.0.1.40000 > 10.0.0.2.53: UDP, length 9 (frag 5, offset 0+)",
    ),
    (ethernet(0x0800, ipv4(17, bytes(16), fragment=2)), "udp", "IP 10.0.0.1 > 10.0.0.2: UDP, length 16 (frag 5, offset 16)"),
    (ethernet(0x0800, ipv4(99, b"")), "ip", "IP 10.0.0.1 > 10.0.0.2: protocol 99, length 0"),
    (
        ethernet(0x0800, ipv4(1, icmp(3, 3, 0, LOST))), "icmp",
        "IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 udp port 53 unreachable, length 40",
    ),
    (
        ethernet(0x0800, ipv4(1, icmp(3, 4, 1400, LOST))), "icmp",
        "IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 unreachable - need to frag (mtu 1400), length 40",
    ),
    (ethernet(0x0800, ipv4(1, icmp(3, 99, 0, LOST))), "icmp", "IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 unreachable, code 99, length 40"),
    (ethernet(0x0800, ipv4(1, icmp(11, 0, 0, LOST))), "icmp", "IP 10.0.0.1 > 10.0.0.2: ICMP time exceeded in-transit, length 40"),
    (ethernet(0x0800, ipv4(1, icmp(5, 1, 0, LOST))), "icmp", "IP 10.0.0.1 > 10.0.0.2: ICMP redirect 10.0.0.2, length 40"),
    (ethernet(0x0800, ipv4(1, icmp(12, 0, 0, LOST))), "icmp", "IP 10.0.0.1 > 10.0.0.2: ICMP parameter problem, 10.0.0.2, length 40"),
    (ethernet(0x0800, ipv4(1, icmp(3, 3, 0, b""))), "icmp", "IP 10.0.0.1 > 10.0.0.2: ICMP type 3, code 3, length 8"),
    (frames.SOLICITATION, "icmp6", "IP6 fd00::1 > fd00::2: ICMP6, neighbor solicitation, who has fd00::2, length 24"),
    (ethernet(0x86DD, ipv6(58, icmp(128))), "icmp6", "IP6 fd00::1 > fd00::2: ICMP6, echo request, id 7, seq 1, length 64"),
    (ethernet(0x86DD, ipv6(58, icmp(134, 0, 0))), "icmp6", "IP6 fd00::1 > fd00::2: ICMP6, router advertisement, length 64"),
    (
        ethernet(0x86DD, ipv6(58, icmp(1, 4, 0, LOST6))), "icmp6",
        "IP6 fd00::1 > fd00::2: ICMP6, unreachable port, fd00::2 tcp port 80, length 68",
    ),
    (ethernet(0x86DD, ipv6(58, icmp(2, 0, 1280, LOST6))), "icmp6", "IP6 fd00::1 > fd00::2: ICMP6, packet too big, mtu 1280, length 68"),
    (ethernet(0x86DD, ipv6(58, icmp(3, 1, 0, LOST6))), "icmp6", "IP6 fd00::1 > fd00::2: ICMP6, ip reassembly time exceeded, length 68"),
    (
        ethernet(0x86DD, ipv6(0, bytes([17, 0, 0, 0, 0, 0, 0, 0]) + udp(b"xy"))), "udp",
        "IP6 fd00::1.40000 > fd00::2.53: UDP, length 2",
    ),
    (
        ethernet(0x86DD, ipv6(44, pack("!BBHI", 17, 0, 1440, 77) + bytes(12))), "udp",
        "IP6 fd00::1 > fd00::2: UDP, length 12 (frag 77, offset 1440)",
    ),
    (
        ethernet(0x86DD, ipv6(51, bytes([6, 1, 0, 0]) + bytes(8) + tcp(4))), "tcp",
        "IP6 fd00::1.40000 > fd00::2.80: Flags [R], seq 1000, win 512, length 0",
    ),
    (ethernet(0x88CC, bytes(20)), "0x88cc", "LLDP, length 34"),
    (ethernet(0x1234, bytes(20)), "0x1234", "ethertype 0x1234, length 34"),
    (ethernet(38, bytes(38)), "llc", "802.3 LLC, length 52"),
    (ethernet(0x0806, b"\0"), "arp", "ARP, length 15"),
]


@pytest.mark.parametrize(("frame", "kind", "text"), SAID, ids=[text for _, _, text in SAID])
def test_a_frame_is_said_in_one_line(frame: bytes, kind: str, text: str) -> None:
    """Each kind of frame has its line and its protocol's name."""
    assert (kind, text) == (protocol(decode(frame)), line(decode(frame), len(frame)))


def test_a_packet_without_ethernet() -> None:
    """Interfaces without a link layer (tun) give IP packets."""
    assert decode(frames.ECHO).icmp == decode_ip(frames.ECHO[14:]).icmp
    assert decode(frames.ECHO).icmp is not None


def test_what_correlation_needs_is_there() -> None:
    """Addresses, identifiers and the quoted packet of an error are values."""
    packet = decode(ethernet(0x0800, ipv4(1, icmp(3, 3, 0, LOST))))
    assert packet.icmp is not None
    assert packet.icmp.inner is not None
    assert (53, 5) == ((packet.icmp.inner.udp or pytest.fail("no UDP")).target, (packet.icmp.inner.ip or pytest.fail("no IP")).identifier)
    echo = decode(frames.ECHO).icmp
    assert (7, 1) == ((echo.identifier, echo.sequence) if echo else None)


@given(st.binary(max_size=120))
def test_garbage_is_a_packet_too(data: bytes) -> None:
    """Any bytes are decoded and said."""
    assert line(decode(data), len(data))
    assert line(decode_ip(data), len(data))


@given(st.sampled_from([frame for frame, _, _ in SAID]), st.integers(0, 120), st.integers(0, 119), st.integers(0, 255))
def test_cut_and_spoilt_frames_are_said(frame: bytes, length: int, at: int, value: int) -> None:
    """A frame that was cut short, with any byte changed, is decoded and said."""
    spoilt = (frame[:at] + bytes([value]) + frame[at + 1 :])[:length]
    assert line(decode(spoilt), len(frame))


def test_nothing_is_an_empty_packet() -> None:
    """Too few bytes for an Ethernet header say nothing."""
    assert Packet() == decode(b"\0" * 13)
