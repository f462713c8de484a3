"""The end of a packet, as a value; and one death told by several sources becoming one.

Enter: Deaths as each source tells them; leave: Deaths, each packet's once, in order of time. Rule of the file: no clock and no sockets.
Whoever tells more precisely wins (a rule, before the kernel's reason, before an answer, before a counter) and what the others know besides
is added; so a death waits a moment for other witnesses, and is remembered for those that come late.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple

from vethlab.model.finding import PROVEN
from vethlab.observe.decode import ICMP, ICMPV6, Packet

__all__ = [
    "ANSWER", "COUNTER", "DROPPED", "KERNEL", "REFUSED", "TRACE", "UNANSWERED", "UNKNOWN", "Book", "Death", "Identity", "KernelWord",
    "Rule", "identity",
]

DROPPED, REFUSED, UNANSWERED = "dropped", "refused", "unanswered"
COUNTER, ANSWER, KERNEL, TRACE = range(4)  # sources, the more precise the higher
UNKNOWN = "unknown"
_ECHOES = {ICMP: {0, 8}, ICMPV6: {128, 129}}
_MOST = 4096  # deaths that wait, deaths that are remembered
_REMEMBERED = 2_000_000_000  # ns

Identity = tuple[object, ...]


class Rule(NamedTuple):
    """A rule of nftables; `handle` None: the chain's policy. `text` as nft lists it, empty where that could not be read."""

    family: str
    table: str
    chain: str
    handle: int | None = None
    text: str = ""


class KernelWord(NamedTuple):
    """Why the kernel freed a packet, and the function that did (include/net/dropreason-core.h)."""

    reason: str
    location: str


@dataclass(frozen=True, slots=True)
class Death:
    """A packet that did not arrive.

    `type`: dropped, refused (somebody answered no), unanswered (a question that nobody answered). `ns` is Unix time. `node` is empty where
    it is the whole machine. `hook` is family/hook of nftables. `reason` is a finding's slug, or unknown. `packet` is None where only a
    counter tells, and `count` how many they were. `says` is what the source says in words; `source` which it is.
    """

    ns: int
    type: str
    node: str
    reason: str
    source: int
    interface: str | None = None
    hook: str | None = None
    grade: str = PROVEN
    packet: Packet | None = None
    length: int = 0
    kernel: KernelWord | None = None
    rule: Rule | None = None
    says: str = ""
    count: int = 1


def identity(packet: Packet) -> Identity | None:
    """By what one packet is known again, whoever tells of it: addresses and numbers that stay on the way; None where nothing was read."""
    ip, arp = packet.ip, packet.arp
    if arp is not None:
        return (arp.operation, arp.sender_mac, arp.sender, arp.target)
    if ip is None:
        return None
    ends = (ip.source, ip.target, ip.protocol)
    if packet.tcp is not None:
        return (*ends, packet.tcp.source, packet.tcp.target, packet.tcp.sequence)
    if packet.udp is not None:
        return (*ends, packet.udp.source, packet.udp.target, ip.identifier)
    icmp = packet.icmp
    if icmp is None:
        return (*ends, ip.identifier, ip.offset)
    return (*ends, icmp.type, icmp.rest) if icmp.type in _ECHOES[ip.protocol] else (*ends, icmp.type, icmp.code, icmp.target)


@dataclass(slots=True, eq=False)
class _Entry:
    """One packet's death: told so far, by whom (source, interface), and since when it is known (Unix time in ns)."""

    death: Death
    by: set[tuple[int, str | None]]
    since: int

    def takes(self, death: Death) -> bool:
        """Whether this is the same packet's death: by another source, or by the same one for the copy at another interface."""
        return all(source != death.source or interface != death.interface for source, interface in self.by)


class Book:
    """The deaths that were told.

    `window` (ns) is how long after it happened a death waits for more precise witnesses, and `settle` how long at least after it was told:
    on a machine that is late all witnesses are.
    """

    def __init__(self, window: int, settle: int = 0) -> None:
        self._window, self._settle = window, settle
        self._waiting: dict[tuple[str, Identity], list[_Entry]] = {}
        self._told: OrderedDict[tuple[str, Identity], tuple[int, list[_Entry]]] = OrderedDict()
        self._alone: list[Death] = []
        self._count = 0

    def add(self, death: Death, now: int) -> None:
        """Take in what a source tells at `now`."""
        known = identity(death.packet) if death.packet is not None else None
        if known is None:
            self._alone.append(death)
            return
        key = (death.node, known)
        by = (death.source, death.interface)
        for one in self._waiting.get(key, ()):
            if one.takes(death):
                one.death = _joined(one.death, death)
                one.by.add(by)
                return
        at, told = self._told.get(key, (0, []))
        for one in told if death.ns - at < _REMEMBERED else []:
            if one.takes(death):
                one.by.add(by)
                return
        self._waiting.setdefault(key, []).append(_Entry(death, {by}, now))
        self._count += 1

    def release(self, now: int) -> list[Death]:
        """The deaths that have waited long enough at `now` (Unix time in ns), the oldest first."""
        window, settle = (0, 0) if self._count > _MOST else (self._window, self._settle)
        found = [one for one in self._alone if one.ns <= now]
        self._alone = [one for one in self._alone if one.ns > now]
        for key, entries in list(self._waiting.items()):
            ready = [one for one in entries if one.death.ns <= now - window and one.since <= now - settle]
            if ready:
                self._remember(key, ready, now)
                found += [one.death for one in ready]
                self._count -= len(ready)
                self._waiting[key] = [one for one in entries if one not in ready]
                if not self._waiting[key]:
                    del self._waiting[key]
        return sorted(found, key=attrgetter("ns"))

    def _remember(self, key: tuple[str, Identity], entries: list[_Entry], now: int) -> None:
        _, before = self._told.pop(key, (0, []))
        self._told[key] = (now, [*before, *entries][-_MOST:])
        while self._told:
            oldest = next(iter(self._told))
            if len(self._told) <= _MOST and now - self._told[oldest][0] < _REMEMBERED:
                break
            del self._told[oldest]


def _joined(one: Death, other: Death) -> Death:
    """Both in one: the more precise, with what only the other knows."""
    best, rest = (one, other) if one.source >= other.source else (other, one)
    known = best if best.reason != UNKNOWN else rest
    sure = PROVEN in {one.grade for one in (best, rest) if one.reason == known.reason}
    return replace(
        best, ns=min(best.ns, rest.ns), reason=known.reason, grade=PROVEN if sure else known.grade,
        interface=best.interface or rest.interface, hook=best.hook or rest.hook, kernel=best.kernel or rest.kernel,
        rule=best.rule or rest.rule, packet=best.packet or rest.packet, length=best.length or rest.length, says=best.says or rest.says,
    )
