"""Which rule did what with a packet: the kernel's own trace of nftables, without `nft monitor` (nft(8), net/netfilter/nf_tables_trace.c).

Enters: Namespaces and the names of nodes; leaves: trace events. Rule of the file: a node without rulesets is not touched; in the others
stands a table of ours that has every packet traced, owned by a socket of this process (NFT_TABLE_F_OWNER), so that nothing is
left of it however the process ends.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from vethlab.errors import KernelError
from vethlab.kernel.netlink.connection import SOL_NETLINK, Connection, Refused
from vethlab.kernel.netlink.nftables import (
    NETLINK_NETFILTER,
    NFNLGRP_NFTRACE,
    NFT_TABLE_F_DORMANT,
    Chain,
    Place,
    Table,
    TraceEvent,
    chains,
    places,
    removing,
    tables,
    trace_events,
    tracing,
)
from vethlab.kernel.port import Namespaces
from vethlab.kernel.rulesets import TRACE_TABLE

__all__ = ["NftTrace", "TraceEvent"]

_ADD_MEMBERSHIP, _RCVBUFFORCE = 1, 33
_BUFFER = 4 << 20  # the kernel doubles it: 6,500 events of 1,280 bytes; net.core.rmem_default of 208 KiB holds 166
_RECEIVE = 1 << 16
_ON_THEIR_WAY = frozenset({"continue", "break", "jump", "goto", "return"})  # verdicts after which the same chain or its caller goes on


class NftTrace:
    """Traces every packet in `nodes`, the ones given that have rulesets, while the context lasts.

    The kernel queues an event before it goes on with the packet: after an answer came, or its deadline passed, all are there.
    `chains`: the base chains of each node when it began. `lost`: how often a socket's buffer was full: events are missing, and the headers
    of others with them.
    """

    def __init__(self, namespaces: Namespaces, nodes: Sequence[str]) -> None:
        self.name = f"{TRACE_TABLE}{os.getpid()}-{os.urandom(4).hex()}"
        self.chains: dict[str, list[Chain]] = {}
        self.lost = 0
        self._namespaces, self._asked = namespaces, list(dict.fromkeys(nodes))
        self._sockets: list[socket.socket] = []
        self._tables: list[tuple[Connection, list[Place]]] = []
        self._ears: dict[str, socket.socket] = {}
        self._packets: dict[tuple[str, int], TraceEvent] = {}

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that are traced, or were."""
        return tuple(self.chains)

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Take the tables away: the kernel does, when a socket that owns one is closed."""
        for connection, where in self._tables:
            with suppress(OSError):  # refused or not: closing the socket does it too
                connection.attempt(removing(self.name, where))
        self._tables.clear()
        while self._sockets:
            self._sockets.pop().close()
        self._ears.clear()

    def descriptors(self) -> list[int]:
        """For poll: readable when something happened."""
        return [ear.fileno() for ear in self._ears.values()]

    def events(self) -> list[TraceEvent]:
        """What happened since last asked, in order within each node; what happened in tables of ours is left out."""
        return [event for node, ear in self._ears.items() for event in self._hear(node, ear)]

    def _begin(self) -> None:
        found: list[tuple[str, Connection, list[Table]]] = []
        for node, sock in zip(self._asked, self._open(self._asked), strict=True):
            connection = Connection(sock)
            others = [one for one in tables(connection) if not one.name.startswith(TRACE_TABLE) and not one.flags & NFT_TABLE_F_DORMANT]
            if others:
                found.append((node, connection, others))
        ears = self._open([node for node, _connection, _others in found])
        for (node, connection, others), ear in zip(found, ears, strict=True):
            _listen(ear)
            self._ears[node] = ear
            self.chains[node] = [one for one in chains(connection) if not one.table.startswith(TRACE_TABLE)]
            where = places(others, self.chains[node])
            try:
                connection.send(tracing(self.name, where))
            except Refused as refused:
                raise KernelError("trace nftables of", node, refused.code, refused.says) from refused
            self._tables.append((connection, where))

    def _open(self, nodes: Sequence[str]) -> list[socket.socket]:
        if not nodes:
            return []
        made = self._namespaces.sockets([(node, socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) for node in nodes])
        self._sockets += made
        return made

    def _hear(self, node: str, ear: socket.socket) -> list[TraceEvent]:
        heard: list[TraceEvent] = []
        while True:
            try:
                data = ear.recv(_RECEIVE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return heard
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise KernelError("hear the trace of", node, error.errno or errno.EIO) from error
                self.lost += 1
                self._packets.clear()
                continue
            heard += [self._complete(event) for event in trace_events(node, data) if not event.table.startswith(TRACE_TABLE)]

    def _complete(self, event: TraceEvent) -> TraceEvent:
        """Give an event the interfaces and headers that the first one of the same chain had (`packet_dumped` in nft_trace_notify)."""
        key = (event.node, event.id)
        if event.network_header or event.iif or event.oif:
            self._packets[key] = event
        elif (first := self._packets.get(key)) is not None:
            event = event._replace(
                iif=first.iif, oif=first.oif, link_header=first.link_header, network_header=first.network_header,
                transport_header=first.transport_header,
            )
        if event.verdict not in _ON_THEIR_WAY:
            self._packets.pop(key, None)
        return event


def _listen(ear: socket.socket) -> None:
    """Subscribe a socket. It has to be bound: a broadcast from the kernel skips whoever has its port number, 0 (do_one_broadcast)."""
    try:
        ear.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _BUFFER)
    except PermissionError:  # as an ordinary user: net.core.rmem_max is the limit
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    ear.bind((0, 0))
    ear.setsockopt(SOL_NETLINK, _ADD_MEMBERSHIP, NFNLGRP_NFTRACE)
