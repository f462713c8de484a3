"""One probe: how long it waits, what wakes it, and what it says on the wire."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from struct import pack

import pytest
from tests.unit.observe.machine import run
from tests.unit.observe.traffic import A6, B6, TOKEN, A, B, arp, datagram, echo, error, frame, neighbour

from vethlab.model.journey import IcmpError, Observed
from vethlab.observe.decode import decode
from vethlab.probe.echo import Quoting, checksum, quoting, worded
from vethlab.probe.single import patience
from vethlab.probe.single.errors import icmp_errors, sentence
from vethlab.probe.single.solicit import advertised, replied, request, solicitation
from vethlab.probe.single.wanted import advertisements, arp_replies, datagrams, echoes

MAC = bytes.fromhex("02000000000a")
YES, NO = Observed(ok=True), Observed(ok=False, reason="silence")


class Scripted:
    """A conversation on a clock of its own: something comes at a moment, or nothing does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, comes: float = 99, refused_at: int = 99, stall: float = 0) -> None:
        self.now, self.sent = 0.0, list[float]()
        self._comes, self._refused_at, self._stall = comes, refused_at, stall
        monkeypatch.setattr(patience, "monotonic", lambda: self.now)
        monkeypatch.setattr("select.poll", lambda: self)

    def send(self) -> Observed | None:
        """Note the moment."""
        self.sent.append(round(self.now, 3))
        return NO if len(self.sent) > self._refused_at else None

    def take(self) -> Observed | None:
        """What has come until now."""
        return YES if self.now >= self._comes else None

    def silent(self) -> Observed:
        """Nothing came."""
        return NO

    def listening(self) -> Sequence[tuple[socket.socket, int]]:
        """No socket is needed."""
        return []

    def poll(self, span: float) -> None:
        """Time passes; once it stands still for the whole process."""
        self.now += span / 1000 + self._stall
        self._stall = 0


def test_silence_is_decided_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three attempts, at 0, 0.1 and 0.25 s, and half a second in all."""
    one = Scripted(monkeypatch)
    assert NO == patience.converse(one, 0.5)
    assert pytest.approx([0.0, 0.1, 0.25, 0.5], abs=0.02) == [*one.sent, one.now]


def test_an_answer_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more is sent."""
    one = Scripted(monkeypatch, comes=0)
    assert (YES, [0.0], 0.0) == (patience.converse(one, 0.5), one.sent, one.now)


def test_a_refusal_to_send_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first time, or when asked again."""
    assert NO == patience.converse(Scripted(monkeypatch, refused_at=0), 0.5)
    again = Scripted(monkeypatch, refused_at=1)
    assert (NO, 2) == (patience.converse(again, 0.5), len(again.sent))


def test_a_process_that_stood_still_looks_before_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer came while the machine did not let us run, long before we saw the deadline pass."""
    one = Scripted(monkeypatch, comes=0.2, stall=30)
    assert (YES, [0.0]) == (patience.converse(one, 0.5), one.sent)


def test_every_attempt_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the clock jumps over the first wait, those that follow are as long as ever."""
    one = Scripted(monkeypatch, stall=30)
    assert NO == patience.converse(one, 0.5)
    assert 0.4 <= one.now - one.sent[1]
    assert 3 == len(one.sent)


def test_a_short_timeout_asks_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts behind the deadline are not made."""
    one = Scripted(monkeypatch)
    patience.converse(one, 0.2)
    assert (2, True) == (len(one.sent), one.now < 0.23)


@pytest.mark.parametrize(
    ("data", "version", "expected"), [
        (echo(B, A, kind=0)[14:], 4, True), (echo(B, A, kind=0, token=b"of-ether")[14:], 4, False), (error(B, A, echo())[14:], 4, True),
        (frame(B, A, 1, echo(kind=0)[34:], options=bytes(4))[14:], 4, True), (echo(B6, A6, kind=129)[54:], 6, True),
        (echo(B6, A6, kind=129, token=b"of-ether")[54:], 6, False), (error(B6, A6, echo(A6, B6), kind=1)[54:], 6, True),
    ],
)
def test_a_ping_wakes_for_its_own_replies_and_for_errors(data: bytes, version: int, expected: bool) -> None:
    """A flood of others' replies finds no room in the socket, so ours does."""
    assert expected == bool(run(echoes(version, TOKEN), data, network=0, protocol=0))


@pytest.mark.parametrize(("cut", "version", "ends"), [(14, 4, (A, B)), (54, 6, (A6, B6))])
def test_a_witness_wakes_for_our_datagrams(cut: int, version: int, ends: tuple[str, str]) -> None:
    """And for no others."""
    ours, other = (datagram((ends[0], 9), (ends[1], 9), payload)[cut:] for payload in (b"vethlab\n" + TOKEN, b"vethlab\nof-ether"))
    assert (True, False) == tuple(bool(run(datagrams(version, TOKEN), one, network=0, protocol=0)) for one in (ours, other))


def test_a_question_wakes_for_answers() -> None:
    """ARP replies, and neighbour advertisements."""
    assert [0, 1, 1] == [min(1, run(program, data)) for program, data in (
        (arp_replies(), arp(1, A, B)), (arp_replies(), arp(2, B, A)), (advertisements(), neighbour(136, B6)),
    )]
    assert [0, 0] == [run(advertisements(), data) for data in (neighbour(135, B6), datagram((A6, 1), (B6, 2)))]


def test_an_arp_request_is_one() -> None:
    """To all, from us, about the target."""
    packet = decode(request(MAC, ip_address(A).packed, ip_address(B).packed))
    assert packet.arp is not None
    assert (b"\xff" * 6, MAC) == (packet.target_mac, packet.source_mac)
    assert (1, MAC, ip_address(A).packed, ip_address(B).packed) == (
        packet.arp.operation, packet.arp.sender_mac, packet.arp.sender, packet.arp.target,
    )


def test_a_solicitation_is_one() -> None:
    """To the group of the target, hop limit 255, a right checksum, our MAC as its option."""
    data = solicitation(MAC, ip_address(A6).packed, ip_address(B6).packed)
    packet = decode(data)
    assert packet.ip is not None
    assert packet.icmp is not None
    assert ("ff02::1:ff00:2", 255, 135, ip_address(B6).packed) == (
        str(ip_address(packet.ip.target)), packet.ip.hops, packet.icmp.type, packet.icmp.target,
    )
    assert (bytes.fromhex("3333ff000002"), MAC) == (packet.target_mac, data[-6:])
    assert 0 == checksum(packet.ip.source + packet.ip.target + pack("!II", len(data) - 54, 58) + data[54:])


def test_only_the_answer_to_us_is_one() -> None:
    """Of the right address, and to our MAC."""
    target, mac = ip_address(B).packed, bytes.fromhex("020000000002")
    assert [True, False, False, False] == [
        replied(arp(2, B, A), target, mac), replied(arp(1, B, A), target, mac), replied(arp(2, A, B), target, mac),
        replied(arp(2, B, A), target, MAC),
    ]
    assert not replied(arp(2, B, A)[:40], target, mac)
    packed = ip_address(B6).packed
    assert [True, False, False] == [
        advertised(data, packed, MAC) for data in (neighbour(136, B6), neighbour(136, A6), neighbour(135, B6))
    ]


class Queue:
    """A socket with an error queue."""

    def __init__(self, *entries: tuple[int, int, bytes]) -> None:
        self._entries = list(entries)

    def recvmsg(self, _size: int, _room: int, _flags: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, None]:
        """The next error."""
        if not self._entries:
            raise BlockingIOError
        return b"", [self._entries.pop(0)], 0, None


def extended(origin: int, kind: int, code: int, info: int, sender: bytes) -> bytes:
    """A sock_extended_err and its offender."""
    return pack("=IBBBxII", 113, origin, kind, code, info, 0) + sender


def sender4(address: str) -> bytes:
    """A sockaddr_in."""
    return pack("=HH4s8x", socket.AF_INET, 0, ip_address(address).packed)


def sender6(address: str) -> bytes:
    """A sockaddr_in6."""
    return pack("=HHI16sI", socket.AF_INET6, 0, 0, ip_address(address).packed, 0)


@pytest.mark.parametrize(
    ("entry", "expected"), [
        ((0, 11, extended(2, 3, 1, 7, sender4(B))), IcmpError(3, 1, ip_address(B))),
        ((0, 11, extended(2, 3, 4, 1400, sender4(B))), IcmpError(3, 4, ip_address(B), 1400)),
        ((41, 25, extended(3, 2, 0, 1280, sender6(B6))), IcmpError(2, 0, ip_address(B6), 1280)),
        ((41, 25, extended(3, 1, 4, 9, sender6(B6))), IcmpError(1, 4, ip_address(B6))),
        ((0, 11, extended(1, 0, 0, 1500, sender4(B))), None), ((0, 8, b""), None),
    ],
)
def test_the_error_queue_is_read(entry: tuple[int, int, bytes], expected: IcmpError | None) -> None:
    """Type, code, sender, MTU; what the own kernel says (SO_EE_ORIGIN_LOCAL) is no ICMP error."""
    queue: Callable[..., object] = Queue
    assert ([expected] if expected else []) == icmp_errors(queue(entry))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error_", "says"), [
        (IcmpError(3, 4, ip_address(B), 1400), "packet too big for the way (MTU 1400), says 10.0.0.2"),
        (IcmpError(11, 0, ip_address(B)), "TTL ran out, says 10.0.0.2"),
        (IcmpError(3, 0, ip_address(B6)), "hop limit ran out, says fd00::2"),
        (IcmpError(12, 0, ip_address(B)), "bad header, says 10.0.0.2"),
    ],
)
def test_an_error_in_a_sentence(error_: IcmpError, says: str) -> None:
    """What it says and who says it."""
    assert says == sentence(error_)


def test_numbers_of_an_error() -> None:
    """As a raw socket receives it, IP header first in version 4."""
    assert Quoting(3, 4, 1400) == quoting(error(B, A, echo(), code=4, rest=1400)[14:], 4)
    assert Quoting(3, 1, 0) == quoting(error(B, A, echo(), code=1, rest=1400)[14:], 4)
    assert [Quoting(2, 0, 1280), Quoting(1, 3, 0)] == [
        quoting(error(B6, A6, echo(A6, B6), kind=kind, code=code, rest=1280)[54:], 6) for kind, code in ((2, 0), (1, 3))
    ]
    assert "address unreachable" == worded(1, 3, 6)
