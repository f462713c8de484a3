"""Echo requests are built, and only their own answers are recognized."""

from __future__ import annotations

import pytest

from vethlab.probe.echo import SIZE, Answer, Codec, checksum

HERE = bytes([10, 0, 0, 1])
THERE = bytes([10, 0, 0, 2])


def ipv4(payload: bytes, *, protocol: int = 1, source: bytes = THERE, destination: bytes = HERE, options: bytes = b"") -> bytes:
    """An IPv4 packet as a raw socket gets it (the fields that are looked at)."""
    return bytes([0x45 + len(options) // 4, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0]) + source + destination + options + payload


def ipv6(payload: bytes, *, following: int = 58) -> bytes:
    """An IPv6 packet (the fields that are looked at)."""
    return bytes([0x60, 0, 0, 0, 0, 0, following, 64]) + bytes(32) + payload


def reply4(codec: Codec, position: int, attempt: int = 0) -> bytes:
    """The echo reply to a request."""
    return bytes(4) + codec.tail(position, attempt)


@pytest.mark.parametrize("position", [0, 1, 39_799, 0xFFFF, 0x10000, 0xFFFFFFFF])
@pytest.mark.parametrize("attempt", [0, 1, 3])
def test_one_checksum_serves_every_request(position: int, attempt: int) -> None:
    """The checksum of a whole request is zero whatever its position and attempt, though it is computed once (RFC 1071)."""
    codec = Codec()
    request = codec.head(4) + codec.tail(position, attempt)
    assert 0 == checksum(request)
    assert SIZE == len(request)


@pytest.mark.parametrize(("data", "expected"), [(b"\0\0", 0xFFFF), (b"\xff\xff", 0), (b"\0\1\xf2\3\xf4\xf5\xf6\xf7", 0x220D)])
def test_checksum(data: bytes, expected: int) -> None:
    """The Internet checksum, with the example of RFC 1071, section 3."""
    assert expected == checksum(data)


def test_a_reply_is_recognized() -> None:
    """The reply names position, attempt and who sent it; IP options are stepped over."""
    codec = Codec()
    assert Answer(7, 2, "", THERE) == codec.answer4(ipv4(reply4(codec, 7, 2)))
    assert Answer(7, 2, "", THERE) == codec.answer4(ipv4(reply4(codec, 7, 2), options=bytes(8)))
    assert Answer(7, 0, "", b"\xfd") == codec.answer6(b"\x81\0\0\0" + codec.tail(7), b"\xfd")


def test_anothers_echo_is_not_ours() -> None:
    """A reply to another program, or to an earlier run, does not carry our token."""
    assert Codec().answer4(ipv4(reply4(Codec(), 7))) is None
    assert Codec().answer6(b"\x81\0\0\0" + Codec().tail(7), b"") is None


def test_a_damaged_position_is_not_ours() -> None:
    """A position that its complement does not confirm is refused."""
    codec = Codec()
    packet = bytearray(ipv4(reply4(codec, 7)))
    packet[20 + 4 + 4 + 8 + 3] ^= 1
    assert codec.answer4(bytes(packet)) is None


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [(3, 1, "host unreachable"), (3, 13, "administratively prohibited"), (3, 99, "unreachable (code 99)"),
     (11, 0, "TTL ran out"), (12, 0, "bad header")],
)
def test_an_icmp_error_says_what_and_who(kind: int, code: int, says: str) -> None:
    """An error about our request is attributed to it, with the router that sent it."""
    codec = Codec()
    inner = ipv4(codec.head(4) + codec.tail(9, 1), source=HERE, destination=THERE)
    assert Answer(9, 1, says, b"\x0a\0\0\xfe") == codec.answer4(ipv4(bytes([kind, code]) + bytes(6) + inner, source=b"\x0a\0\0\xfe"))


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [(1, 0, "no route"), (1, 99, "unreachable (code 99)"),
     (2, 0, "packet too big for the way"), (3, 0, "hop limit ran out"), (4, 0, "bad header")],
)
def test_an_icmpv6_error_says_what(kind: int, code: int, says: str) -> None:
    """The same for IPv6, whose raw sockets get no IP header of their own."""
    codec = Codec()
    assert Answer(9, 0, says, b"r") == codec.answer6(bytes([kind, code]) + bytes(6) + ipv6(codec.head(6) + codec.tail(9)), b"r")


@pytest.mark.parametrize(
    "packet",
    [b"", ipv4(bytes(28)[:7]), ipv4(bytes([8]) + bytes(27)), ipv4(bytes([3, 1]) + bytes(6)),
     ipv4(bytes([3, 1]) + bytes(6) + ipv4(bytes(28), protocol=17))],
)
def test_what_is_not_about_us_is_nothing(packet: bytes) -> None:
    """Short packets, requests and errors about other protocols are passed over."""
    assert Codec().answer4(packet) is None


@pytest.mark.parametrize("packet", [b"", b"\x80" + bytes(30), b"\1\0" + bytes(6) + ipv6(bytes(30), following=17), b"\x81\0\0\0"])
def test_what_is_not_about_us_is_nothing_in_ipv6(packet: bytes) -> None:
    """The same for IPv6; a reply that is cut short is none."""
    assert Codec().answer6(packet + bytes(4), b"") is None


def test_a_request_is_recognized_on_the_way() -> None:
    """A packet socket sees whole IP packets: our requests are found in them, our replies are not taken for requests."""
    codec = Codec()
    assert 5 == codec.request_in(ipv4(codec.head(4) + codec.tail(5)))
    assert 5 == codec.request_in(ipv6(codec.head(6) + codec.tail(5)))
    assert codec.request_in(ipv4(reply4(codec, 5))) is None
    assert codec.request_in(ipv4(codec.head(4) + codec.tail(5), protocol=17)) is None
    assert codec.request_in(b"\x45") is None
