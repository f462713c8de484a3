"""The filter of a flow passes what may concern it, and nothing of a flood, run here as the kernel runs it."""

from __future__ import annotations

from ipaddress import ip_address
from struct import pack

import pytest
from tests.unit.observe.machine import run
from tests.unit.observe.traffic import (
    A6,
    ACK,
    B6,
    DATAGRAM,
    ECHO,
    FIN,
    PORT,
    PSH,
    ROUTER,
    RST,
    SEGMENT,
    SYN,
    A,
    B,
    arp,
    datagram,
    echo,
    error,
    flow,
    frame,
    neighbour,
    segment,
)

from vethlab.model.flow import ARP, PING, TCP, UDP, Flow, Side
from vethlab.model.mark import Mark
from vethlab.observe.flow_filter import SNAPLEN, flow_filter, nothing

OTHERS = b"of-ether"
CLIENT, SERVER = (A, PORT), (B, 80)
KINDS = {PING: ECHO, TCP: SEGMENT, UDP: DATAGRAM, ARP: Mark()}


def kept(kind: str, data: bytes, *, six: bool = False) -> int:
    """What the filter of a flow keeps of a frame."""
    return run(flow_filter(flow(kind, six=six), KINDS[kind]), data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "data", [
        arp(1, A, B), arp(2, B, A), arp(1, ROUTER, A), neighbour(135, B6), neighbour(136, B6), error(ROUTER, A, echo()),
        error(ROUTER, A, echo(), kind=11), error(B6, A6, echo(A6, B6), kind=1), error(B6, A6, echo(A6, B6), kind=2),
        frame(A, B, 1, b"piece of a reply", fragment=100), frame(A6, B6, 44, bytes(40)),
    ],
)
def test_neighbours_errors_and_fragments_pass(kind: str, data: bytes) -> None:
    """ARP, neighbour discovery, ICMP errors and later fragments of ICMP concern every flow."""
    assert SNAPLEN == kept(kind, data)


@pytest.mark.parametrize(
    ("data", "passes"), [
        (echo(), True), (echo(B, A, kind=0), True), (echo(A6, B6, kind=128), True), (echo(B6, A6, kind=129), True),
        (echo(ROUTER, "192.0.2.9"), True), (echo(token=OTHERS), False), (echo(B, A, kind=0, token=OTHERS), False),
        (echo(A6, B6, kind=128, token=OTHERS), False), (frame(A, B, 1, pack("!BBHI", 8, 0, 0, 0)), False),
    ],
)
def test_echoes_pass_with_the_token_only(data: bytes, passes: bool) -> None:
    """Between any addresses, since they may be translated; a flood of others' pings is left to the kernel."""
    assert SNAPLEN * passes == kept(PING, data)


@pytest.mark.parametrize("kind", [TCP, UDP, ARP])
def test_no_echo_concerns_another_kind_of_flow(kind: str) -> None:
    """A flood of pings is no news to a TCP connection."""
    assert [0] * 3 == [kept(kind, data) for data in (echo(), echo(B, A, kind=0), echo(A6, B6, kind=128))]


def test_ip_options_are_stepped_over() -> None:
    """The ICMP header is found behind them."""
    body = echo()[34:]
    assert SNAPLEN == kept(PING, frame(A, B, 1, body, options=bytes(8)))
    assert 0 == kept(PING, frame(A, B, 1, body[:8] + OTHERS + body[16:], options=bytes(8)))


@pytest.mark.parametrize(
    ("source", "target", "flags", "passes"), [
        (CLIENT, SERVER, SYN, True), (SERVER, CLIENT, SYN | ACK, True), (CLIENT, SERVER, ACK, True), (SERVER, CLIENT, RST | ACK, True),
        ((A, PORT + 2), SERVER, SYN, True), ((ROUTER, 1024), SERVER, SYN, True), (SERVER, (ROUTER, 1024), SYN | ACK, True),
        ((A, PORT), ("192.0.2.9", 8080), SYN, True), (("192.0.2.9", 8080), (A, PORT), RST, True),
        ((ROUTER, 1024), ("192.0.2.9", 8080), SYN, True),
        (("192.0.2.9", 8080), (ROUTER, 1024), SYN | ACK, True), (("192.0.2.9", 8080), (ROUTER, 1024), RST | ACK, True),
        ((A, 5), SERVER, PSH | ACK, False), (SERVER, (A, 5), ACK, False), ((A, 5), (B, 5201), ACK, False),
        ((A, 5), (B, 80), FIN, False),
    ],
)
def test_segments_of_the_flow_pass(source: tuple[str, int], target: tuple[str, int], flags: int, passes: bool) -> None:
    """Those of our ports, and whatever opens or refuses a connection; others' data do not, even to the same port."""
    assert SNAPLEN * passes == kept(TCP, segment(source, target, flags))


@pytest.mark.parametrize(
    ("data", "passes"), [
        (datagram(CLIENT, SERVER), True), (datagram(SERVER, CLIENT, b"answer"), True), (datagram((ROUTER, 1024), SERVER), True),
        (datagram(SERVER, (ROUTER, 1024), b"answer"), True), (datagram((ROUTER, 1024), ("192.0.2.9", 5353)), True),
        (datagram((A, 5), SERVER, b"x" * 40), False), (datagram((A, 5), (B, 5201), b"x" * 40), False),
        (datagram((A, 5), SERVER, b"x"), False),
    ],
)
def test_datagrams_of_the_flow_pass(data: bytes, passes: bool) -> None:
    """Those of our port, those with the token, and what comes from where we asked."""
    assert SNAPLEN * passes == kept(UDP, data)


@pytest.mark.parametrize("kind", [TCP, UDP])
def test_transport_over_ipv6_passes(kind: str) -> None:
    """The ports are found behind the fixed header."""
    make = datagram if kind == UDP else lambda source, target: segment(source, target, SYN)
    assert SNAPLEN == kept(kind, make((A6, PORT), (B6, 80)), six=True)
    assert 0 == kept(kind, segment((A6, 5), (B6, 5201), ACK) if kind == TCP else datagram((A6, 5), (B6, 5201), b"x" * 40), six=True)


@pytest.mark.parametrize(("kind", "number"), [(TCP, 6), (UDP, 17)])
def test_later_fragments_pass_between_the_two(kind: str, number: int) -> None:
    """They have no ports, so their source decides."""
    assert [SNAPLEN, SNAPLEN, 0] == [kept(kind, frame(source, B, number, bytes(40), fragment=100)) for source in (A, B, ROUTER)]


@pytest.mark.parametrize("kind", KINDS)
def test_other_protocols_do_not_pass(kind: str) -> None:
    """Spanning tree, IGMP, and transport that the flow does not use."""
    data = [b"\1" * 12 + b"\0\x26" + bytes(40), frame(A, B, 2, bytes(20)), frame(A6, B6, 0, bytes(20))]
    data += [frame(A, B, number, bytes(40)) for number, used in ((6, TCP), (17, UDP)) if kind != used]
    assert [0] * len(data) == [kept(kind, one) for one in data]


def test_frames_without_a_link_header_are_read_too() -> None:
    """Offsets count from the network header, as on a tunnel's interface."""
    program = flow_filter(flow(), ECHO)
    assert SNAPLEN == run(program, echo()[14:], network=0, protocol=0x0800)
    assert 0 == run(program, echo(token=OTHERS)[14:], network=0, protocol=0x0800)


def test_unknown_addresses_are_nobodys() -> None:
    """A flow whose addresses are not known yet still has a filter."""
    program = flow_filter(Flow(UDP, Side("a"), Side(None, None, ip_address(B)), 80), DATAGRAM)
    assert [SNAPLEN, 0] == [run(program, frame(source, A, 17, bytes(40), fragment=100)) for source in (B, A)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("six", [False, True])
def test_jumps_fit(kind: str, six: bool) -> None:
    """Distances have eight bits, and no instruction is out of reach."""
    assert all(0 <= one.jump_true < 256 and 0 <= one.jump_false < 256 for one in flow_filter(flow(kind, six=six), KINDS[kind]))


def test_nothing_passes_before_the_mark_is_known() -> None:
    """A ring that waits holds nothing."""
    assert 0 == run(nothing(), echo())
