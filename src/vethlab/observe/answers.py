"""What frames say of deaths elsewhere: questions that nobody answers, and answers that say no.

Enter: frames in order of time, with the place of each; leave: Deaths. Rule of the file: no clock and no sockets. A frame crosses many
places; its first one, if it left there, is where it was made, and that node is the one that speaks. What it says is about another
packet, which stands in it (an ICMP error), or can be told from it (the SYN that an RST answers, RFC 9293, 3.10.7.1).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TypeVar

from vethlab.kernel.packet import ARPHRD_LOOPBACK, PACKET_OUTGOING, Held
from vethlab.model.finding import INFERRED, PROVEN
from vethlab.observe.deaths import ANSWER, DROPPED, REFUSED, UNANSWERED, UNKNOWN, Death, Identity, identity
from vethlab.observe.decode import ICMP, Ip, Packet, Tcp
from vethlab.observe.text import address, line

__all__ = ["Answers"]

PATIENCE = 1_000_000_000  # ns; the kernel asks again after that time (net.ipv4.neigh.default.retrans_time_ms)
_SILENT = 5_000_000_000  # an asker that was quiet for so long has given up: the next question is a new one
_AGAIN = 10_000_000_000  # who goes on asking is told of so often
_SAME = 1_000_000_000  # how long a frame is known as the same one
_COPIES = 500_000_000  # and a question, of which a copy may be seen behind its answer
_MOST = 4096
_SYN, _RST, _ACK = 0x02, 0x04, 0x10
_FLAGS = 0x3F
_SOLICITATION, _ADVERTISEMENT = 135, 136
Key = TypeVar("Key")

# ICMP by type and code -> finding, and whether that is the only thing it can mean. No code: any.
_ERRORS4: dict[tuple[int, int | None], tuple[str, str]] = {
    (3, 0): ("no-route", PROVEN), (3, 1): ("neighbour-unresolved", INFERRED), (3, 3): ("port-closed", PROVEN),
    (3, 4): ("mtu-exceeded", PROVEN), (3, 9): ("nft-reject", INFERRED), (3, 10): ("nft-reject", INFERRED),
    (3, 13): ("route-blackhole", INFERRED), (3, None): (UNKNOWN, INFERRED), (11, 0): ("ttl-expired", PROVEN),
    (11, None): (UNKNOWN, INFERRED), (12, None): (UNKNOWN, INFERRED),
}
_ERRORS6: dict[tuple[int, int | None], tuple[str, str]] = {
    (1, 0): ("no-route", INFERRED), (1, 1): ("route-blackhole", INFERRED), (1, 3): ("neighbour-unresolved", INFERRED),
    (1, 4): ("port-closed", PROVEN), (1, None): (UNKNOWN, INFERRED), (2, None): ("mtu-exceeded", PROVEN),
    (3, 0): ("ttl-expired", PROVEN), (3, None): (UNKNOWN, INFERRED), (4, None): (UNKNOWN, INFERRED),
}


@dataclass(slots=True)
class _Question:
    """Somebody asks for an address. `node` is empty where the asker is not looked at."""

    node: str
    interface: str
    packet: Packet
    length: int
    first: int
    last: int
    asked: int = 1
    told: int = 0


class Answers:
    """Remembers what was asked and what was seen, within bounds."""

    def __init__(self) -> None:
        self._questions: OrderedDict[bytes, dict[Identity, _Question]] = OrderedDict()  # by the address asked for, then by who asks
        self._seen: OrderedDict[Identity, int] = OrderedDict()
        self._unresolved: OrderedDict[str, int] = OrderedDict()  # nodes of which a question stayed unanswered lately

    def take(self, frame: Held, node: str, interface: str, packet: Packet) -> Death | None:
        """One frame, seen at an interface of a node."""
        outgoing = frame.kind == PACKET_OUTGOING
        asks = _question(packet)
        if asks is not None:
            self._ask(asks, frame, (node, interface) if outgoing else ("", ""), packet)
            return None
        answers = _answer(packet)
        if answers is not None:
            if not outgoing:
                self._answered(answers, (node, interface), frame.ns)
            return None
        death = _no(frame, node, interface, packet)
        to_self = frame.hardware == ARPHRD_LOOPBACK
        if death is None or not self._is_new(packet, death) or not (outgoing or to_self):
            return None
        return self._meant(death, to_self=to_self)

    def overdue(self, now: int) -> list[Death]:
        """The questions that nobody has answered by `now` (Unix time in ns), each once in a while."""
        found = []
        for target, askers in list(self._questions.items()):
            for who, one in list(askers.items()):
                silent = now - one.last > _SILENT
                due = now - one.first >= PATIENCE if not one.told else now - one.told >= _AGAIN and not silent
                if one.node and due:
                    found.append(_unanswered(one))
                    one.told, one.asked = now, 0
                    _keep(self._unresolved, one.node, now)
                if silent:
                    self._drop(target, who)
        return found

    def forget(self) -> None:
        """Frames were lost, answers perhaps among them: what was asked until now is not judged."""
        self._questions.clear()

    def _ask(self, asks: tuple[bytes, Identity], frame: Held, place: tuple[str, str], packet: Packet) -> None:
        target, who = asks
        one = self._questions.get(target, {}).get(who)
        if one is not None and (one.node or not place[0] or frame.ns - one.last < _COPIES):
            if (one.node, one.interface) == place:  # elsewhere it is the same frame on its way
                one.last = frame.ns
                one.asked += 1
        elif one is not None or frame.ns - self._seen.get((target, who), 0) > _COPIES:
            self._questions.setdefault(target, {})[who] = _Question(*place, packet, frame.length, frame.ns, frame.ns)
            while len(self._questions) > _MOST:
                self._questions.popitem(last=False)

    def _answered(self, target: bytes, place: tuple[str, str], ns: int) -> None:
        for who, one in list(self._questions.get(target, {}).items()):
            if not one.node or (one.node, one.interface) == place:  # an answer that dies on its way is none
                self._drop(target, who)
                _keep(self._seen, (target, who), ns)

    def _drop(self, target: bytes, who: Identity) -> None:
        del self._questions[target][who]
        if not self._questions[target]:
            del self._questions[target]

    def _is_new(self, packet: Packet, death: Death) -> bool:
        """Whether this answer is seen for the first time."""
        ends = (packet.ip.source, packet.ip.target) if packet.ip is not None else ()
        known = (*ends, death.says, None if death.packet is None else identity(death.packet))
        before = self._seen.get(known, 0)
        _keep(self._seen, known, death.ns)
        return death.ns - before > _SAME

    def _meant(self, death: Death, *, to_self: bool) -> Death:
        """`host unreachable` is said of an address that nobody answers for, and of a route of that type.

        A node says it to itself only of the former (net/ipv4/arp.c, arp_error_report): such a route fails the sender's system call.
        """
        if death.reason != "neighbour-unresolved":
            return death
        asking = any(one.node == death.node for askers in self._questions.values() for one in askers.values())
        if to_self or asking or death.ns - self._unresolved.get(death.node, 0) < _AGAIN:
            return replace(death, grade=PROVEN)
        return replace(death, reason="route-blackhole")


def _question(packet: Packet) -> tuple[bytes, Identity] | None:
    """The address that is asked for, and who asks; not who looks whether an address is free (RFC 5227, RFC 4862), or tells his own."""
    arp, icmp, ip = packet.arp, packet.icmp, packet.ip
    if arp is not None and arp.operation == 1 and any(arp.sender) and arp.sender != arp.target:
        return arp.target, (arp.sender_mac, arp.sender)
    if icmp is not None and ip is not None and icmp.target is not None and icmp.type == _SOLICITATION and any(ip.source):
        return icmp.target, (packet.source_mac, ip.source)
    return None


def _answer(packet: Packet) -> bytes | None:
    """The address that answers."""
    if packet.arp is not None and packet.arp.operation == 2:
        return packet.arp.sender
    icmp = packet.icmp
    return icmp.target if icmp is not None and icmp.type == _ADVERTISEMENT and packet.ip is not None and packet.ip.version == 6 else None


def _unanswered(one: _Question) -> Death:
    asked = "asked once" if one.asked == 1 else f"asked {one.asked} times"
    at = one.told + _AGAIN if one.told else one.first + PATIENCE
    return Death(
        at, UNANSWERED, one.node, "neighbour-unresolved", ANSWER, one.interface, packet=one.packet, length=one.length,
        says=f"nobody answered within 1 s, {asked}", count=max(1, one.asked),
    )


def _no(frame: Held, node: str, interface: str, packet: Packet) -> Death | None:
    """The death that a frame tells of, None if it tells of none."""
    ip, tcp, icmp = packet.ip, packet.tcp, packet.icmp
    if ip is not None and tcp is not None and tcp.flags & _FLAGS == _RST | _ACK and tcp.sequence == 0:
        says = f"{address(ip.source)} answered RST"
        return Death(frame.ns, REFUSED, node, "port-closed", ANSWER, interface, packet=_answered_syn(ip, tcp), says=says)
    if ip is None or icmp is None or icmp.inner is None:
        return None
    table = _ERRORS4 if ip.protocol == ICMP else _ERRORS6
    meant = table.get((icmp.type, icmp.code)) or table.get((icmp.type, None))
    if meant is None:
        return None
    reason, grade = meant
    kind = REFUSED if reason in {"port-closed", "nft-reject"} else DROPPED
    quoted = icmp.inner
    length = 0 if quoted.ip is None else quoted.ip.length
    return Death(frame.ns, kind, node, reason, ANSWER, interface, grade=grade, packet=quoted, length=length, says=_sentence(packet, ip))


def _answered_syn(ip: Ip, tcp: Tcp) -> Packet:
    """The SYN that an RST answers: its acknowledgement is one more than the SYN's number."""
    asked = Ip(ip.version, ip.target, ip.source, ip.protocol, 0, 0, 20, 0, more_fragments=False, dont_fragment=True)
    return Packet(ip=asked, tcp=Tcp(tcp.target, tcp.source, tcp.acknowledgement - 1 & 0xFFFFFFFF, 0, _SYN, 0, 0))


def _sentence(packet: Packet, ip: Ip) -> str:
    """`10.0.0.1 says: net 10.9.0.0 unreachable`, in the words of tcpdump."""
    words = line(packet._replace(vlans=()), 0).partition(": ")[2].partition(" " if ip.version == 4 else ", ")[2]
    return f"{address(ip.source)} says: {words.rpartition(', length')[0]}"


def _keep(memory: OrderedDict[Key, int], key: Key, ns: int) -> None:
    """Remember when, and forget who is oldest where there are too many."""
    memory[key] = ns
    memory.move_to_end(key)
    if len(memory) > _MOST:
        memory.popitem(last=False)
