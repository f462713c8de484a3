"""Questions without an answer, and answers that say no: who says it, about which packet, once."""

from __future__ import annotations

from ipaddress import ip_address
from struct import pack

import pytest
from tests.unit.observe.frames import A, B, arp, ethernet, icmp, ipv4, ipv6, tcp, udp

from vethlab.kernel.packet import ARPHRD_ETHER, ARPHRD_LOOPBACK, PACKET_OUTGOING, Held
from vethlab.model.finding import INFERRED, PROVEN
from vethlab.observe.answers import Answers
from vethlab.observe.brief import brief, ends
from vethlab.observe.deaths import Death
from vethlab.observe.decode import decode

SECOND = 1_000_000_000
START = 1000
REPLY = ethernet(0x0806, pack("!HHBBH", 1, 0x0800, 6, 4, 2) + B + ip_address("10.0.0.2").packed + A + ip_address("10.0.0.1").packed)
PROBE = ethernet(0x0806, pack("!HHBBH", 1, 0x0800, 6, 4, 1) + A + bytes(4) + bytes(6) + ip_address("10.0.0.2").packed)
SOLICITATION = ethernet(0x86DD, ipv6(58, icmp(135, 0, 0, ip_address("fd00::9").packed)))
UNSPECIFIED = SOLICITATION[:22] + bytes(16) + SOLICITATION[38:]
ADVERTISEMENT = ethernet(0x86DD, ipv6(58, icmp(136, 0, 0, ip_address("fd00::9").packed)))
RESET = ethernet(0x0800, ipv4(6, pack("!HHIIBBHHH", 80, 40000, 0, 1001, 5 << 4, 0x14, 0, 0, 0)))


class Looked(Answers):
    """Answers that frames are shown to by `a:eth0 >` (it left there) and `a:eth0 <` (it came in)."""

    def show(self, where: str, data: bytes, at: float = 0.0, hardware: int = ARPHRD_ETHER) -> Death | None:
        """One frame."""
        place, _, arrow = where.partition(" ")
        kind = PACKET_OUTGOING if arrow == ">" else 0
        frame = Held(int((START + at) * SECOND), 0, 1, kind, hardware, len(data), data)
        node, _, interface = place.partition(":")
        return self.take(frame, node, interface, decode(data))

    def due(self, at: float) -> list[tuple[str, str | None, int]]:
        """Who waits for an answer in vain at that time, and how often it was asked."""
        return [(one.node, one.interface, one.count) for one in self.overdue(int((START + at) * SECOND))]


@pytest.mark.parametrize("question", [arp(1), SOLICITATION])
def test_a_question_without_an_answer(question: bytes) -> None:
    """Told after a second, at the place where it was asked first and not where its copies pass, and once only."""
    seen = Looked()
    for where in ("a:eth0 >", "host:p-a <", "host:p-b >", "b:eth0 <"):
        assert seen.show(where, question) is None
    assert ([], [("a", "eth0", 1)], []) == (seen.due(0.9), seen.due(1.0), seen.due(2.0))


@pytest.mark.parametrize(("question", "answer"), [(arp(1), REPLY), (SOLICITATION, ADVERTISEMENT)])
def test_an_answer_has_to_arrive(question: bytes, answer: bytes) -> None:
    """An answer that leaves the one who was asked, and one that comes in elsewhere, is none yet; at the asker it is."""
    lost, good = Looked(), Looked()
    for seen in (lost, good):
        seen.show("a:eth0 >", question)
        seen.show("b:eth0 >", answer)
        seen.show("host:p-b <", answer)
    good.show("a:eth0 <", answer)
    good.show("host:p-c >", question)  # a copy that was seen late
    assert ([("a", "eth0", 1)], []) == (lost.due(1.5), good.due(3.0))


def test_who_goes_on_asking_is_told_of_again() -> None:
    """Every ten seconds, with the number of questions since; who is silent for five has given up, and begins anew."""
    seen = Looked()
    for second in range(13):
        seen.show("a:eth0 >", arp(1), at=second)
        if second == 2:
            assert [("a", "eth0", 3)] == seen.due(2)
    assert ([("a", "eth0", 10)], []) == (seen.due(12), seen.due(30))
    seen.show("a:eth0 >", arp(1), at=40)
    assert [("a", "eth0", 1)] == seen.due(41)


@pytest.mark.parametrize("frame", [PROBE, UNSPECIFIED])
def test_silence_is_what_duplicate_detection_hopes_for(frame: bytes) -> None:
    """Who has no address yet and asks whether one is free is content without an answer."""
    seen = Looked()
    seen.show("a:eth0 >", frame)
    assert [] == seen.due(2)


def test_an_asker_who_is_looked_at_later() -> None:
    """Its questions were seen only where they came in; from then on it is the asker. A copy of one question is not one."""
    seen = Looked()
    for second in (0, 1):
        seen.show("b:eth0 <", arp(1), at=second)
    seen.show("b:eth1 >", arp(1), at=1.0001)
    assert [] == seen.due(2.5)
    seen.show("c:eth0 >", arp(1), at=3)
    seen.show("b:eth0 <", arp(1), at=3.0001)
    assert [("c", "eth0", 1)] == seen.due(4)


def test_lost_frames_are_no_proof() -> None:
    """Where frames were lost, answers may have been among them."""
    seen = Looked()
    seen.show("a:eth0 >", arp(1))
    seen.forget()
    assert [] == seen.due(2)


@pytest.mark.parametrize(
    ("version", "kind", "code", "reason", "grade"),
    [
        (4, 3, 0, "no-route", PROVEN), (4, 3, 3, "port-closed", PROVEN), (4, 3, 4, "mtu-exceeded", PROVEN),
        (4, 11, 0, "ttl-expired", PROVEN), (4, 3, 13, "route-blackhole", INFERRED), (4, 3, 1, "route-blackhole", INFERRED),
        (4, 12, 0, "unknown", INFERRED),
        (6, 1, 0, "no-route", INFERRED), (6, 1, 4, "port-closed", PROVEN), (6, 2, 0, "mtu-exceeded", PROVEN),
        (6, 3, 0, "ttl-expired", PROVEN),
    ],
)
def test_what_an_error_means(version: int, kind: int, code: int, reason: str, grade: str) -> None:
    """The packet is the quoted one, the node is the one that speaks, and the finding is what the code says."""
    quoted = ipv4(17, udp(b"x")) if version == 4 else ipv6(17, udp(b"x"))
    error = icmp(kind, code, 0, quoted)
    death = Looked().show("r:eth0 >", ethernet(0x0800, ipv4(1, error)) if version == 4 else ethernet(0x86DD, ipv6(58, error)))
    assert death is not None
    assert death.packet is not None
    assert ("r", "eth0", reason, grade, "UDP :53") == (death.node, death.interface, death.reason, death.grade, brief(death.packet))
    assert death.says.startswith("10.0.0.1 says: " if version == 4 else "fd00::1 says: ")


def test_host_unreachable_after_questions_in_vain() -> None:
    """Said by a node that asks for a neighbour, it is the neighbour that does not answer, and no route."""
    seen = Looked()
    seen.show("r:wan >", arp(1))
    death = seen.show("r:eth0 >", ethernet(0x0800, ipv4(1, icmp(3, 1, 0, ipv4(1, icmp(8))))), at=3)
    assert ("neighbour-unresolved", PROVEN) == (death and death.reason, death and death.grade)


def test_an_error_on_its_way_is_told_once() -> None:
    """By the node where it is seen first; the routers behind it only carry it, and a node that only gets it is not at fault."""
    error, seen = ethernet(0x0800, ipv4(1, icmp(11, 0, 0, ipv4(1, icmp(8))))), Looked()
    first = seen.show("r2:eth0 >", error)
    assert ("r2", None, None) == (first and first.node, seen.show("r1:wan <", error), seen.show("r1:eth0 >", error))
    assert (None, None) == ((other := Looked()).show("a:eth0 <", error), other.show("b:eth0 >", error))


def test_a_refused_connection() -> None:
    """The SYN is told from the RST that answers it; on `lo`, where frames are only seen coming in, too."""
    death = Looked().show("b:lo <", RESET, hardware=ARPHRD_LOOPBACK)
    assert death is not None
    assert death.packet is not None
    asked = (decode(RESET).ip, ends(death.packet), death.packet.tcp)
    assert asked[2] is not None
    assert ("port-closed", "TCP SYN :80", 1000, 40000) == (death.reason, brief(death.packet), asked[2].sequence, asked[2].source)
    assert asked[0] is not None
    assert (asked[0].target, asked[0].source) == asked[1]


@pytest.mark.parametrize("flags", [0x14, 0x04, 0x02])
def test_other_segments_say_nothing(flags: int) -> None:
    """An RST in a connection (it has a sequence number), and a SYN."""
    assert Looked().show("b:eth0 >", ethernet(0x0800, ipv4(6, tcp(flags)))) is None
