"""The kernel's neighbour table as `check` borrows it: entries that are on loan, and the fill of the table (include/uapi/linux/neighbour.h).

Enters: packed addresses and MACs, a netlink socket inside a namespace; leaves: entries, fill levels. Rule of the file: what we put in
carries NTF_EXT_LEARNED (exempt from the machine's limit, net/core/neighbour.c neigh_alloc) and our own NDA_PROTOCOL, and goes in with
NLM_F_EXCL only, so an entry that a person or the kernel made is never overwritten and a loan of a killed process is recognized.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from vethlab.errors import KernelError
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.message import (
    HEADER,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    NLM_F_REQUEST,
    NLMSG_ERROR,
    attribute,
    attributes,
    error_of,
    get_u32,
    messages,
    u8,
)
from vethlab.model.address import AF_INET, AF_INET6

RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH, RTM_GETNEIGHTBL = 28, 29, 30, 66
NDA_DST, NDA_LLADDR, NDA_PROTOCOL = 1, 2, 12
NDTA_THRESH3, NDTA_CONFIG, NDTA_STATS = 4, 5, 7
NUD_INCOMPLETE, NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE, NUD_FAILED, NUD_NOARP, NUD_PERMANENT = 1, 2, 4, 8, 16, 32, 64, 128
NUD_LEARNED = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE  # holds a MAC that the kernel got from the wire
NUD_UNANSWERED = NUD_INCOMPLETE | NUD_FAILED  # nobody answered (yet); the kernel asks again once a second only
NTF_EXT_LEARNED = 0x10
PROTOCOL_LOAN = 0x76  # "v": ours, so that a sweep finds what a killed check left (numbers above 31 are free for programs, rtnetlink.h)

_MESSAGE = Struct("=BxxxiHBB")  # family, interface index, state, flags, type
_CONFIG_ENTRIES = Struct("=4xI")  # struct ndt_config: key length, entry size, entries
_STATS_FULLS = Struct("=80xQ")  # struct ndt_stats: ten counters, then ndts_table_fulls
_FIXED = 28  # both headers
_BATCH = 128  # refusals are queued at about 1 KiB each: a batch must fit into the receive buffer even if all are refused


class Entry(NamedTuple):
    """One entry of a namespace. `mac` is None while unresolved; `loan` says that it is ours."""

    link: int
    address: bytes
    mac: bytes | None
    state: int
    loan: bool


class Fill(NamedTuple):
    """The table of one address family, machine-wide: entries in it, the hard limit (gc_thresh3), how often a new entry was refused."""

    entries: int
    limit: int
    refused: int


def entries(connection: Connection, family: int = 0) -> list[Entry]:
    """Every entry of the namespace."""
    found = []
    for data, start, end in connection.dump(RTM_GETNEIGH, _MESSAGE.pack(family, 0, 0, 0, 0)):
        _family, index, state, flags, _type = _MESSAGE.unpack_from(data, start)
        seen = attributes(data, start + 12, end)
        if NDA_DST not in seen:
            continue
        lladdr, by = seen.get(NDA_LLADDR), seen.get(NDA_PROTOCOL)
        loan = bool(flags & NTF_EXT_LEARNED) and by is not None and data[by[0]] == PROTOCOL_LOAN
        address = data[seen[NDA_DST][0] : seen[NDA_DST][1]]
        found.append(Entry(index, address, data[lladdr[0] : lladdr[1]] if lladdr else None, state, loan))
    return found


def fill(connection: Connection) -> dict[int, Fill]:
    """How full the tables are, by family; readable in any namespace without privilege."""
    found = {}
    for data, start, end in connection.dump(RTM_GETNEIGHTBL, bytes(4)):
        seen = attributes(data, start + 4, end)
        if NDTA_STATS in seen and NDTA_CONFIG in seen and data[start] in {AF_INET, AF_INET6}:
            held: int = _CONFIG_ENTRIES.unpack_from(data, seen[NDTA_CONFIG][0])[0]
            refused: int = _STATS_FULLS.unpack_from(data, seen[NDTA_STATS][0])[0]
            found[data[start]] = Fill(held, get_u32(data, seen[NDTA_THRESH3]), refused)
    return found


def tail(address: bytes, mac: bytes) -> bytes:
    """What a message about `address` ends with, whoever the entry belongs to: made once, used in every namespace."""
    return attribute(NDA_DST, address) + attribute(NDA_LLADDR, mac) + u8(NDA_PROTOCOL, PROTOCOL_LOAN)


def lend(sock: socket.socket, index: int, tails: Sequence[bytes]) -> list[bytes]:
    """Put entries in place, unverified (NUD_STALE: no timer, nothing is sent). Returns the tails taken: not those of entries that exist.

    Not NUD_PROBE at once: its timer asks by ARP within a tick, and a neighbour that has no entry yet makes an ordinary one for the
    asker, counted against the limit (a star of 200 refused 8,798 entries so).
    """
    return list(_send(sock, _LEND, index, tails))


def plain_tail(address: bytes, mac: bytes) -> bytes:
    """The same without our mark, for an entry that the kernel made."""
    return attribute(NDA_DST, address) + attribute(NDA_LLADDR, mac)


def verify(sock: socket.socket, index: int, tails: Sequence[bytes], *, loan: bool = True) -> None:
    """Make the kernel ask each neighbour by unicast ARP or neighbour solicitation now; an answer makes the entry NUD_REACHABLE."""
    for _ in _send(sock, _VERIFY_LOAN if loan else _VERIFY_OTHER, index, tails):
        pass


def take_back(sock: socket.socket, index: int, tails: Sequence[bytes]) -> None:
    """Remove entries; one that is gone already, with its interface or by itself, is no error."""
    for _ in _send(sock, _TAKE_BACK, index, tails):
        pass


class _Verb(NamedTuple):
    """What to do with entries: message type, header flags, state, entry flags, and the refusals that are no error."""

    kind: int
    flags: int
    state: int
    mark: int
    forgiven: frozenset[int]


_LEND = _Verb(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, NUD_STALE, NTF_EXT_LEARNED, frozenset({errno.EEXIST}))
# An entry that somebody took away meanwhile (ENOENT) is judged by what is there then.
_VERIFY_LOAN = _Verb(RTM_NEWNEIGH, NLM_F_REPLACE, NUD_PROBE, NTF_EXT_LEARNED, frozenset({errno.ENOENT}))
_VERIFY_OTHER = _VERIFY_LOAN._replace(mark=0)
_TAKE_BACK = _Verb(RTM_DELNEIGH, 0, 0, 0, frozenset({errno.ENOENT, errno.ENODEV, errno.EINVAL, errno.ENXIO}))


def _send(sock: socket.socket, verb: _Verb, index: int, tails: Sequence[bytes]) -> Iterator[bytes]:
    """Send in batches; yields the tails the kernel took."""
    kind, flags, state, mark, forgiven = verb
    for start in range(0, len(tails), _BATCH):
        batch = tails[start : start + _BATCH]
        parts: list[bytes] = []
        for position, ending in enumerate(batch):
            family = AF_INET if ending[0] == 8 else AF_INET6  # the length of NDA_DST
            parts += (
                HEADER.pack(_FIXED + len(ending), kind, flags | NLM_F_REQUEST, position + 1, 0),
                _MESSAGE.pack(family, index, state, mark, 0), ending,
            )
        sock.send(b"".join(parts))
        refused = dict(_refusals(sock))
        for position, code in refused.items():
            if code not in forgiven:
                what = {RTM_DELNEIGH: "remove neighbour"}.get(kind, "lend neighbour")
                raise KernelError(what, batch[position - 1][4:8].hex("."), code)
        yield from (ending for position, ending in enumerate(batch, 1) if position not in refused)


def _refusals(sock: socket.socket) -> Iterable[tuple[int, int]]:
    while True:
        try:
            data = sock.recv(1 << 18, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        for kind, flags, sequence, start, end in messages(data):
            if kind == NLMSG_ERROR:
                yield sequence, error_of(data, flags, start, end)[0]
