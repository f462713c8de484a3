"""Frames of several rings become sightings of one probe, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from struct import pack

import pytest
from tests.unit.observe.traffic import (
    A6,
    ACK,
    B6,
    DATAGRAM,
    ECHO,
    IDENTIFIER,
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
    held,
    neighbour,
    segment,
)

from vethlab.kernel.packet import ARPHRD_LOOPBACK, PACKET_OUTGOING, Held
from vethlab.model.flow import PING, TCP, UDP
from vethlab.model.journey import ANSWER, ERROR, IN, OUT, REPLY, REQUEST, SOLICIT, Sighting
from vethlab.model.mark import Mark
from vethlab.observe.correlate import beginning, sightings
from vethlab.observe.ours import Ours

KINDS = {PING: ECHO, TCP: SEGMENT, UDP: DATAGRAM}
OUTSIDE = "192.0.2.9"


def seen(kind: str, *frames: Held, mark: Mark | None = None, addresses: Sequence[str] | None = None, six: bool = False) -> list[Sighting]:
    """The sightings of a flow."""
    only = None if addresses is None else [ip_address(one) for one in addresses]
    ours = Ours(flow(kind, six=six), KINDS[kind] if mark is None else mark)
    return [one.seen for one in sightings(frames, lambda ring, index: (f"n{ring}", f"i{index}"), ours, addresses=only)]


def what(kind: str, *data: bytes, mark: Mark | None = None, six: bool = False) -> list[str | None]:
    """What each of these frames is, in this order of time."""
    ours = Ours(flow(kind, six=six), KINDS[kind] if mark is None else mark)
    kept = sightings([held(one, ns=at) for at, one in enumerate(data)], lambda _ring, _index: ("", ""), ours)
    times = {one.frame.ns: one.seen.what for one in kept}
    return [times.get(at) for at in range(len(data))]


def test_a_sighting_says_where_which_way_and_what() -> None:
    """Place, direction, addresses, MACs, TTL and the length of the IP packet."""
    (one,) = seen(PING, held(echo(), ns=5, ring=1, index=3))
    assert Sighting(
        "n1", "i3", OUT, REQUEST, 0, None, ip_address(A), "02:00:00:00:00:01", "02:00:00:00:00:02", foreign=False, hops=64, length=48,
        ends=(A, B),
    ) == one


@pytest.mark.parametrize(("kind", "direction", "foreign"), [(0, IN, False), (1, IN, False), (2, IN, False), (3, IN, True), (4, OUT, False)])
def test_the_packet_type_tells_direction_and_foreign(kind: int, direction: str, foreign: bool) -> None:
    """PACKET_OUTGOING goes out; PACKET_OTHERHOST is for another MAC."""
    (one,) = seen(PING, held(echo(), ns=1, kind=kind))
    assert (direction, foreign) == (one.direction, one.foreign)


def test_time_orders_rings() -> None:
    """Frames come ring by ring, sightings in order of time; the first one is where time begins."""
    frames = [held(echo(), ns=300, ring=0), held(echo(), ns=100, ring=1), held(echo(), ns=200, ring=2)]
    assert ["n1", "n2", "n0"] == [one.node for one in seen(PING, *frames)]
    assert (100, 0) == (beginning(sightings(frames, lambda ring, _index: (f"n{ring}", ""), Ours(flow(), ECHO))), beginning([]))


@pytest.mark.parametrize(
    ("data", "expected", "about", "sender"), [
        (arp(1, A, B), SOLICIT, B, A), (arp(2, B, A), ANSWER, B, B), (neighbour(135, B6), SOLICIT, B6, A6),
        (neighbour(136, B6), ANSWER, B6, A6),
    ],
)
def test_neighbours_are_asked_for(data: bytes, expected: str, about: str, sender: str) -> None:
    """ARP and neighbour discovery say what they are about, and who asks or answers."""
    (one,) = seen(PING, held(data, ns=1))
    assert (expected, ip_address(about), ip_address(sender)) == (one.what, one.about, one.sender)


def test_addresses_choose_among_neighbours_only() -> None:
    """ARP of others is left out where addresses are given; the probe's own packets never are."""
    frames = [held(one, ns=at) for at, one in enumerate([arp(1, A, B), arp(1, ROUTER, "10.0.0.7"), arp(1, "10.0.0.7", ROUTER), echo()])]
    assert [SOLICIT, REQUEST] == [one.what for one in seen(PING, *frames, addresses=[A, B])]
    assert 4 == len(seen(PING, *frames))


@pytest.mark.parametrize("data", [arp(3, A, B), neighbour(137, B6), neighbour(134, B6), b"", b"\0" * 60, frame(A, B, 1, b"")])
def test_what_is_none_of_it(data: bytes) -> None:
    """RARP, redirects, router advertisements, and what is no packet at all."""
    assert [] == seen(PING, held(data, ns=1))


def test_others_pings_are_not_ours() -> None:
    """Between the same hosts, with the same identifier: the token decides."""
    others = [echo(token=b"of-ether"), echo(B, A, kind=0, token=bytes(8))]
    assert [None, None, REQUEST, REPLY] == what(PING, *others, echo(), echo(B, A, kind=0))
    assert [None] == what(PING, echo(), mark=Mark())


def test_ipv6_pings() -> None:
    """Requests and replies."""
    assert [REQUEST, REPLY] == what(PING, echo(A6, B6, kind=128), echo(B6, A6, kind=129), six=True)


def test_errors_that_quote_us() -> None:
    """In full, or eight bytes of us as RFC 792 asks for; those about others are not ours."""
    foreign = echo(token=b"of-ether", identifier=8)
    ours = [error(ROUTER, A, echo()), error(ROUTER, A, echo(), kind=11), error(ROUTER, A, echo(), keep=28)]
    assert [ERROR, ERROR, ERROR] == what(PING, *ours)
    others = pack("!BBHHH", 8, 0, 0, IDENTIFIER ^ 1, 0)
    assert [None, None] == what(PING, error(ROUTER, A, foreign, code=3), error(ROUTER, A, frame(A, B, 1, others, identifier=8)))
    assert [ERROR] == what(PING, error(B6, A6, echo(A6, B6, kind=128), kind=2, rest=1280), six=True)


def test_an_error_about_a_datagram_or_segment() -> None:
    """By the ports that it quotes."""
    asked = datagram((A, PORT), (B, 80), b"")
    assert [REQUEST, ERROR] == what(UDP, asked, error(B, A, asked, code=3))
    asked = segment((A, PORT), (B, 80), SYN)
    assert [REQUEST, ERROR] == what(TCP, asked, error(B, A, asked, code=13))
    assert [None, None] == what(TCP, segment((A, 5), (B, 80), SYN), error(B, A, segment((A, 5), (B, 80), SYN), code=13))


def test_a_cut_error_is_known_by_the_packet_it_quotes() -> None:
    """Eight bytes of a datagram without its token: its IP identifier was seen before."""
    asked = frame(OUTSIDE, B, 17, datagram((A, 1024), (B, 5353))[34:], identifier=77)
    assert [REQUEST, ERROR] == what(UDP, asked, error(B, OUTSIDE, asked, keep=28))


def test_segments_are_requests_and_their_mirror_replies() -> None:
    """SYN, SYN-ACK, ACK; a RST; and what others say between the same hosts is not ours."""
    client, server, other = (A, PORT), (B, 80), (A, 5)
    assert [REQUEST, REPLY, REQUEST, REPLY] == what(
        TCP, segment(client, server, SYN), segment(server, client, SYN | ACK), segment(client, server, ACK), segment(server, client, RST),
    )
    assert [None] * 3 == what(TCP, segment(other, server, SYN), segment(server, other, SYN | ACK), segment((A, PORT), (B, 22), SYN))


def test_a_translated_segment_keeps_its_sequence_number() -> None:
    """Source and destination translated, ports included: the SYN has our number, and the answer mirrors it."""
    outside, inside = (ROUTER, 1024), (OUTSIDE, 8080)
    assert [REQUEST, REQUEST, REPLY, REPLY, None] == what(
        TCP, segment((A, PORT), (B, 80), SYN, sequence=4711), segment(outside, inside, SYN, sequence=4711),
        segment(inside, outside, SYN | ACK), segment((B, 80), (A, PORT), SYN | ACK), segment((ROUTER, 1025), inside, SYN, sequence=4712),
    )


def test_a_segment_is_known_with_one_end_translated() -> None:
    """Between prerouting and postrouting a packet has the old source and the new target; a bridge may hand it on unseen in that state."""
    outside, inside = (ROUTER, 1024), (OUTSIDE, 8080)
    assert [REQUEST, REQUEST, REPLY, REQUEST, None] == what(
        TCP, segment((A, PORT), (B, 80), SYN, sequence=4711), segment(outside, inside, SYN, sequence=4711),
        segment(inside, (A, PORT), SYN | ACK), segment((A, PORT), inside, ACK), segment(inside, (A, PORT + 1), SYN | ACK),
    )


def test_a_translated_datagram_keeps_its_token() -> None:
    """The answer needs no token: it mirrors the request."""
    outside, inside = (ROUTER, 1024), (OUTSIDE, 5353)
    assert [REQUEST, REQUEST, REPLY, REPLY, None] == what(
        UDP, datagram((A, PORT), (B, 80)), datagram(outside, inside), datagram(inside, outside, b"yes"),
        datagram((B, 80), (A, PORT), b"yes"), datagram(inside, (ROUTER, 9), b"yes"),
    )


def test_an_echoed_datagram_is_a_reply() -> None:
    """A server that sends back what it got sends our token too."""
    assert [REQUEST, REPLY] == what(UDP, datagram((A, PORT), (B, 80)), datagram((B, 80), (A, PORT)))


def test_a_connections_data_counts_once_it_is_ours() -> None:
    """Whatever follows on the same connection."""
    assert [REQUEST, REQUEST] == what(TCP, segment((A, PORT), (B, 80), SYN), segment((A, PORT), (B, 80), PSH | ACK))


def test_fragments_belong_to_their_first() -> None:
    """Later pieces have no header but the identifier of the first one; those of another packet are not ours."""
    first = echo(B, A, kind=0, identifier=42, fragment=0x2000)
    later = frame(B, A, 1, b"rest of it", fragment=6, identifier=42)
    assert [REPLY, REPLY, None] == what(PING, first, later, frame(B, A, 1, b"other", fragment=6, identifier=43))


def test_a_frame_without_a_link_header() -> None:
    """A tunnel's interface shows the IP packet alone: no MACs, and all of it is length."""
    (one,) = seen(PING, held(echo()[14:], ns=1, hardware=65534))
    assert ("", "", 48, REQUEST) == (one.source_mac, one.target_mac, one.length, one.what)


def test_loopback_has_ethernet_headers() -> None:
    """Lo shows Ethernet headers of zeros."""
    (one,) = seen(PING, held(echo(), ns=1, kind=0, hardware=ARPHRD_LOOPBACK))
    assert (IN, 48) == (one.direction, one.length)


def test_a_tag_is_no_part_of_the_packet() -> None:
    """The ring puts the tag back that the driver took out."""
    tagged = echo()[:12] + pack("!HH", 0x8100, 5) + echo()[12:]
    (one,) = seen(PING, held(tagged, ns=1, kind=PACKET_OUTGOING))
    assert (48, REQUEST) == (one.length, one.what)


@pytest.mark.parametrize(("tag", "vlan", "foreign"), [(5, 5, True), (0xE000, 0, False)])
def test_what_bears_a_vlan_is_taken_by_no_protocol(tag: int, vlan: int, foreign: bool) -> None:
    """VLAN 0 gives a priority only, and is taken as if it had no header."""
    (one,) = seen(PING, held(echo()[:12] + pack("!HH", 0x8100, tag) + echo()[12:], ns=1))
    assert (vlan, foreign) == (one.vlan, one.foreign)
