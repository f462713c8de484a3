"""Neighbour entries on loan: how tens of thousands of pairs are probed although the machine's table holds 1,024 entries.

Enters: pairs of neighbours; leaves: the knowledge which pairs were confirmed. Three steps keep it honest: (1) each MAC is learned by real
broadcast ARP from a neighbour, never taken from the lab file; (2) entries that the kernel does not count (NTF_EXT_LEARNED) are lent for
all pairs, never over an entry that exists; (3) at the moment a pair is probed the kernel is made to ask for it by unicast ARP, and the pair
counts only if the answer came (NUD_REACHABLE). What fails is probed again without a loan. Everything lent is taken back, also after an
exception; what a killed process left is swept by the next check.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from ipaddress import ip_address
from time import monotonic, sleep
from types import TracebackType
from typing import Self

from vethlab.kernel.netlink import neighbour_table as table
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.port import Namespaces
from vethlab.model.path import Path
from vethlab.probe.ping import Pinger
from vethlab.probe.segments import Member, Pair
from vethlab.probe.survey import Survey, asking

CONFIRM_WAIT = 1.5  # a lost solicitation is repeated after 1 s (net.ipv4.neigh.*.retrans_time_ms)
FEW, FEW_WAIT = 64, 0.3  # so few are sooner probed again, with ARP of their own, than waited for
_CONFIRM_PAUSE = 0.002
_CONFIRMED = table.NUD_REACHABLE | table.NUD_PERMANENT | table.NUD_NOARP
_OURS_TO_DROP = ~(table.NUD_PERMANENT | table.NUD_NOARP)


def sweep(connection: Connection, owner: str | None = None) -> int:
    """Take away what a killed check left in a namespace, and entries without an answer: old silence would delay a mended path by a second.

    `owner`: in a namespace that others use too, whose interfaces alone are swept. Returns the number of entries.
    """
    ours = None
    if owner is not None:
        from vethlab.kernel.marks import indexes  # noqa: PLC0415 - only for labs that joined the machine

        ours = indexes(connection, owner)
    left: dict[int, list[bytes]] = {}
    for entry in table.entries(connection):
        if (entry.loan or entry.state & table.NUD_UNANSWERED) and (ours is None or entry.link in ours):
            left.setdefault(entry.link, []).append(table.tail(entry.address, entry.mac or bytes(6)))
    for link, tails in left.items():
        table.take_back(connection.socket, link, tails)
    return sum(map(len, left.values()))


def learn(namespaces: Namespaces, survey: Survey, asks: Sequence[Pair], *, at_once: int, timeout: float) -> dict[Member, bytes]:
    """Let each asker ping its target and read the MACs that ARP brought, `at_once` asks at a time, so that the table does not fill."""
    macs: dict[Member, bytes] = {}
    for start in range(0, len(asks), at_once):
        some = asks[start : start + at_once]
        paths = {position: _path(survey, ask) for position, ask in enumerate(some)}
        Pinger(namespaces, timeout=timeout).run(paths)
        expected: dict[str, dict[tuple[int, bytes], Member]] = {}
        for ask in some:
            for owner, other in (ask, ask[::-1]):
                expected.setdefault(owner.netns, {})[owner.link, other.address] = other
        for name, connection in asking(namespaces, expected):
            for entry in table.entries(connection):
                member = expected[name].get((entry.link, entry.address))
                if member is not None and entry.mac is not None and entry.state & table.NUD_LEARNED and not entry.loan:
                    macs.setdefault(member, entry.mac)
        if len(asks) > at_once:
            forget(namespaces, some)
    return macs


def forget(namespaces: Namespaces, pairs: Iterable[Pair]) -> None:
    """Remove the entries that the kernel made for these pairs, to make room in the table. Pinned entries stay."""
    expected: dict[str, set[tuple[int, bytes]]] = {}
    for pair in pairs:
        for owner, other in (pair, pair[::-1]):
            expected.setdefault(owner.netns, set()).add((owner.link, other.address))
    _drop(namespaces, expected, lambda name, entry: (entry.link, entry.address) in expected[name])


def forget_all(namespaces: Namespaces, members: Collection[Member]) -> None:
    """Remove what the kernel made for any pair of these members, so that each pair is lent an entry and has to confirm it."""
    links = {(member.netns, member.link) for member in members}
    addresses = {member.address for member in members}
    _drop(namespaces, {name for name, _link in links}, lambda name, entry: (name, entry.link) in links and entry.address in addresses)


def _drop(namespaces: Namespaces, names: Iterable[str], chosen: Callable[[str, table.Entry], bool]) -> None:
    for name, connection in asking(namespaces, names):
        gone: dict[int, list[bytes]] = {}
        for entry in table.entries(connection):
            if entry.state & _OURS_TO_DROP and chosen(name, entry):
                gone.setdefault(entry.link, []).append(table.tail(entry.address, entry.mac or bytes(6)))
        for link, tails in gone.items():
            table.take_back(connection.socket, link, tails)


def _path(survey: Survey, ask: Pair) -> Path:
    asker, target = ask
    link = survey.sites[asker.netns].links[asker.link]
    return Path("ping", asker.netns, ip_address(target.address), target.netns, interface=link.name, source=ip_address(asker.address))


def unanswered(namespaces: Namespaces, pairs: Mapping[int, Pair]) -> set[int]:
    """The paths whose own entry, made by the kernel, is not confirmed by the target's answer to ARP now.

    An entry may be there because the target spoke first, or from better days: then a ping passes although the target ignores ARP.
    """
    waiting: dict[str, dict[tuple[int, bytes], list[int]]] = {}
    for position, (asker, target) in pairs.items():
        waiting.setdefault(asker.netns, {}).setdefault((asker.link, target.address), []).append(position)
    for name, connection in asking(namespaces, waiting):
        by_link: dict[int, list[bytes]] = {}
        for entry in table.entries(connection):
            if (entry.link, entry.address) in waiting[name] and entry.mac is not None and entry.state & table.NUD_LEARNED:
                by_link.setdefault(entry.link, []).append(table.plain_tail(entry.address, entry.mac))
        for link, tails in by_link.items():
            table.verify(connection.socket, link, tails, loan=False)
    deadline = monotonic() + CONFIRM_WAIT
    while True:
        for name, connection in asking(namespaces, list(waiting)):
            for entry in table.entries(connection):
                if entry.state & _CONFIRMED:
                    waiting[name].pop((entry.link, entry.address), None)
            if not waiting[name]:
                del waiting[name]
        left = {position for held in waiting.values() for positions in held.values() for position in positions}
        if _enough(left, deadline):
            return left
        sleep(_CONFIRM_PAUSE)


def _enough(left: set[int], deadline: float) -> bool:
    """True if waiting for further answers to ARP is not worth it."""
    return monotonic() >= (deadline - CONFIRM_WAIT + FEW_WAIT if len(left) <= FEW else deadline) or not left


class Loans:
    """The entries lent for one wave of paths; a context manager that takes them back."""

    def __init__(self, namespaces: Namespaces, survey: Survey, macs: Mapping[Member, bytes]) -> None:
        self._namespaces = namespaces
        self._tails = {member: table.tail(member.address, mac) for member, mac in macs.items()}
        self._spare = {
            member: table.tail(local, mac) for member, mac in macs.items()
            if len(member.address) == 16 and (local := survey.sites[member.netns].link_local_of(member.link)) is not None
        }
        self._lent: dict[tuple[str, int], set[bytes]] = {}
        self._pairs: Mapping[int, Pair] = {}
        self._sources: dict[str, Connection] = {}

    def lend(self, pairs: Mapping[int, Pair], also: Iterable[Pair] = ()) -> int:
        """Lend both entries of each pair whose MACs are known; returns how many. `also`: pairs proven already, for routed paths.

        IPv6 solicits from the link-local address when its timer asks (net/ipv6/ndisc.c ndisc_solicit), and who is asked needs an entry
        for that one too.
        """
        self._pairs = pairs
        tails = self._tails
        wanted: dict[str, dict[int, dict[bytes, None]]] = {}
        for pair in (*pairs.values(), *also):
            asker, target = pair
            if asker in tails and target in tails:
                for owner, other in (pair, (target, asker)):
                    held = wanted.setdefault(owner.netns, {}).setdefault(owner.link, {})
                    held[tails[other]] = None
                    if other in self._spare:
                        held[self._spare[other]] = None
        for name, connection in asking(self._namespaces, wanted):
            for link, some in wanted[name].items():
                self._lent[name, link] = set()
                self._lent[name, link].update(table.lend(connection.socket, link, list(some)))
        names = list(dict.fromkeys(pair.asker.netns for pair in pairs.values()))
        sockets = self._namespaces.sockets([(name, socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) for name in names])
        self._sources = {name: Connection(sock) for name, sock in zip(names, sockets, strict=True)}
        return sum(map(len, self._lent.values()))

    def before(self, netns: str, positions: Sequence[int]) -> None:
        """Have the kernel ask for the targets of these paths, whose requests follow at once: paced so, the questions fit into queues."""
        by_link: dict[int, list[bytes]] = {}
        for position in positions:
            pair = self._pairs.get(position)
            if pair is not None:
                tail = self._tails.get(pair.target, b"")
                if tail in self._lent.get((netns, pair.asker.link), ()):
                    by_link.setdefault(pair.asker.link, []).append(tail)
        for link, tails in by_link.items():
            table.verify(self._sources[netns].socket, link, tails)

    def unconfirmed(self, positions: Iterable[int]) -> set[int]:
        """Which of these paths use an entry of ours that nobody confirmed by answering ARP, after waiting for late answers."""
        waiting: dict[str, list[int]] = {}
        for position in positions:
            pair = self._pairs.get(position)
            if pair is not None and self._tails.get(pair.target, b"") in self._lent.get((pair.asker.netns, pair.asker.link), ()):
                waiting.setdefault(pair.asker.netns, []).append(position)
        deadline = monotonic() + CONFIRM_WAIT
        while True:
            waiting = {name: still for name, held in waiting.items() if (still := self._unanswered(name, held))}
            left = {position for held in waiting.values() for position in held}
            if _enough(left, deadline):
                return left
            sleep(_CONFIRM_PAUSE)

    def _unanswered(self, netns: str, positions: Iterable[int]) -> list[int]:
        confirmed = {
            (entry.link, entry.address) for entry in table.entries(self._sources[netns])
            if not entry.loan or entry.state & _CONFIRMED
        }
        pairs = self._pairs
        return [position for position in positions if (pairs[position].asker.link, pairs[position].target.address) not in confirmed]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for connection in self._sources.values():
            connection.socket.close()
        by_name: dict[str, list[int]] = {}
        for name, link in self._lent:
            by_name.setdefault(name, []).append(link)
        for name, connection in asking(self._namespaces, by_name):
            if kind is not None:  # an interrupt may have come between lending and noting it: go by the mark
                sweep(connection, self._namespaces.joined.get(name))
                continue
            for link in by_name[name]:
                table.take_back(connection.socket, link, list(self._lent[name, link]))
        self._lent, self._sources = {}, {}
