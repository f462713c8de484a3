"""The frames of a probe in a file: interfaces, directions, times, comments, and one number for one packet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import cast

import pytest
from tests.unit.observe.reader import Seen, read
from tests.unit.observe.traffic import ACK, DATAGRAM, ECHO, PORT, SEGMENT, SYN, A, B, arp, datagram, echo, error, flow, held, segment

from vethlab.kernel.packet import PACKET_OUTGOING, Held
from vethlab.model.flow import PING, TCP, UDP
from vethlab.model.mark import Mark
from vethlab.observe.correlate import Kept, sightings
from vethlab.observe.interfaces import Interface, Interfaces
from vethlab.observe.ours import Ours
from vethlab.observe.probed import identities, probed

NS = 1_700_000_000_123_456_789
NODES = ("a", "b")


class Known:
    """Two interfaces of each node, and nothing to read them from."""

    def of(self, node: str) -> list[Interface]:
        """Those of a node."""
        return [Interface(node, "lo", 1, "loopback"), Interface(node, "eth0", 2, "veth", bytes(6))]

    def find(self, node: str, index: int) -> Interface:
        """One of them, or one that came later."""
        return {one.index: one for one in self.of(node)}.get(index, Interface(node, f"if{index}", index))


def kept(kind: str, *frames: Held, mark: Mark = ECHO) -> list[Kept]:
    """Those of a flow, seen in a and b."""
    return sightings(frames, lambda ring, _index: (NODES[ring], "eth0"), Ours(flow(kind), mark))


def crossing(data: bytes, ns: int, *, back: bool = False) -> list[Held]:
    """A frame that leaves one node and comes in at the other."""
    first, second = (1, 0) if back else (0, 1)
    return [held(data, ns=ns, ring=first), held(data, ns=ns + 5, ring=second, kind=0)]


def written(frames: list[Kept], comments: Sequence[Sequence[str]] = ()) -> Seen:
    """The file, read again."""
    records = [(ip_address(A), ["a"])]
    return read(probed(frames, cast("Interfaces", Known()), NODES, comment="lab x\nwhy", comments=comments, records=records))


def test_every_frame_is_in_the_file() -> None:
    """Place, direction, nanoseconds, bytes, names and comments are what was seen and said."""
    frames = kept(PING, *crossing(echo(), NS), *crossing(echo(B, A, kind=0), NS + 9, back=True))
    file = written(frames, [["hop 1"], [], ["hop 3", "died here"], []])
    assert [("a:eth0", "out"), ("b:eth0", "in"), ("b:eth0", "out"), ("a:eth0", "in")] == file.where()
    assert [NS, NS + 5, NS + 9, NS + 14] == [one.ns for one in file.packets]
    assert [one.frame.data for one in frames] == [one.data for one in file.packets]
    assert ([["hop 1"], [], ["hop 3", "died here"], []], {A: ["a"]}) == ([one.comments for one in file.packets], file.names)
    assert [b"lab x\nwhy"] == file.section[1]


def test_interfaces_that_saw_nothing_are_in_the_file() -> None:
    """Each that was looked at is there and described, also without a single frame; one that came later is added."""
    assert ["a:lo", "a:eth0", "b:lo", "b:eth0"] == [written([]).name(at) for at in range(4)]
    file = written(kept(PING, held(echo(), ns=NS, index=9)))
    assert (["a:lo", "a:eth0", "b:lo", "b:eth0", "a:if9"], [b"veth"]) == ([file.name(at) for at in range(5)], file.interfaces[1][3])


def test_a_packet_has_one_number_at_all_interfaces() -> None:
    """Request and reply are two packets, wherever they are seen."""
    assert [1, 1, 2, 2] == identities(kept(PING, *crossing(echo(), 0), *crossing(echo(B, A, kind=0), 10, back=True)))


def test_a_translated_packet_is_the_same() -> None:
    """Neither new addresses and ports nor a lower TTL make another packet of it; the IP identifier and the sequence stay."""
    one, other = echo(identifier=9), echo("10.9.9.9", B, identifier=9)
    assert [1, 1] == identities(kept(PING, held(one, ns=0), held(other, ns=1, ring=1, kind=0)))
    syn = segment((A, PORT), (B, 80), SYN), segment(("10.9.9.9", 5), (B, 80), SYN)
    assert [1, 1] == identities(kept(TCP, held(syn[0], ns=0), held(syn[1], ns=1, ring=1, kind=0), mark=SEGMENT))


def test_a_second_try_is_another_packet() -> None:
    """What a place sees once more was sent once more: ARP, datagrams and segments alike."""
    assert [1, 1, 2, 2] == identities(kept(PING, *crossing(arp(1, A, B), 0), *crossing(arp(1, A, B), 100)))
    syn, ack = segment((A, PORT), (B, 80), SYN), segment((A, PORT), (B, 80), ACK, sequence=1001)
    assert [1, 1, 2, 3] == identities(kept(TCP, *crossing(syn, 0), held(syn, ns=50), held(ack, ns=60), mark=SEGMENT))
    sent = datagram((A, PORT), (B, 80))
    assert [1, 1, 2, 2] == identities(kept(UDP, *crossing(sent, 0), *crossing(sent, 9), mark=DATAGRAM))


def test_a_packet_in_a_circle_stays_one() -> None:
    """Where the TTL falls from round to round it is the same packet again."""
    rounds = kept(PING, held(echo(), ns=0), held(echo(), ns=1))
    assert [1, 2] == identities(rounds)
    assert [1, 1] == identities([rounds[0], Kept(rounds[1].frame, replace(rounds[1].seen, hops=62))])


def test_an_error_is_a_packet_of_its_own() -> None:
    """What quotes a request is not the request."""
    assert [1, 1, 2, 2] == identities(kept(PING, *crossing(echo(), 0), *crossing(error(B, A, echo()), 10, back=True)))


@pytest.mark.parametrize("kind", [0, 3, PACKET_OUTGOING])
def test_the_number_is_written(kind: int) -> None:
    """epb_packetid is in the block, whatever else is or is not said of the frame."""
    assert [1] == [one.identity for one in written(kept(PING, held(echo(), ns=NS, kind=kind))).packets]
