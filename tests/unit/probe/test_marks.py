"""Our packets are recognized wherever they are seen, by token or by port."""

from __future__ import annotations

from struct import pack

from vethlab.probe.marks import TCP, UDP, Marks


def ipv4(protocol: int, payload: bytes) -> bytes:
    """An IPv4 packet (the fields that are looked at)."""
    return bytes([0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol]) + bytes(10) + payload


def ipv6(following: int, payload: bytes) -> bytes:
    """An IPv6 packet (the fields that are looked at)."""
    return bytes([0x60, 0, 0, 0, 0, 0, following, 64]) + bytes(32) + payload


def test_datagrams_by_their_token() -> None:
    """A UDP probe is found by its payload, in either family; that of another run is not ours."""
    marks = Marks()
    datagram = pack("!HHHH", 4000, 53, 0, 0) + marks.datagram(12)
    assert 12 == marks.position_of(ipv4(UDP, datagram))
    assert 12 == marks.position_of(ipv6(UDP, datagram))
    assert Marks().position_of(ipv4(UDP, datagram)) is None


def test_segments_by_their_ports() -> None:
    """A TCP segment is ours if it has a source port of ours and goes to the port we connect to."""
    marks = Marks()
    marks.ports[4000, 80] = 3
    assert 3 == marks.position_of(ipv4(TCP, pack("!HHI", 4000, 80, 0)))
    assert marks.position_of(ipv4(TCP, pack("!HHI", 80, 4000, 0))) is None


def test_echoes_by_their_token() -> None:
    """An echo request is found by its codec."""
    marks = Marks()
    assert 8 == marks.position_of(ipv4(1, marks.codec.head(4) + marks.codec.tail(8)))


def test_fragments_are_nothing() -> None:
    """Packets too short to hold a mark are passed over."""
    marks = Marks()
    assert [None, None, None] == [marks.position_of(b"\x45"), marks.position_of(ipv4(UDP, b"")), marks.position_of_payload(b"short")]
