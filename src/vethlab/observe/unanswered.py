"""Neighbour entries that a probe leaves unresolved: they are evidence, and they are ours to take away.

Enters: namespaces and the addresses a probe asks for; leaves: Unanswered. Rule of the file: only entries for these addresses that were not
there before the probe and hold no MAC are removed, so that the lab is afterwards what it was, and the next probe need not wait for the
kernel to repeat a question (it does so once a second while an entry is INCOMPLETE, net/core/neighbour.c neigh_timer_handler).
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Sequence
from contextlib import ExitStack

from vethlab.kernel.netlink import neighbour_table
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.neighbour_table import NUD_FAILED, NUD_UNANSWERED, Entry
from vethlab.kernel.netlink.watch import links
from vethlab.kernel.port import Namespaces
from vethlab.model.address import IP
from vethlab.model.journey import Unanswered

__all__ = ["take_away", "unresolved"]

Asked = tuple[str, IP]


def unresolved(namespaces: Namespaces, solicits: Sequence[Asked]) -> frozenset[Asked]:
    """Which of these have an entry without a MAC now."""
    with ExitStack() as held:
        return frozenset((node, address) for node, _, found in _entries(namespaces, solicits, held) for address, _ in found)


def take_away(namespaces: Namespaces, solicits: Sequence[Asked], known: Collection[Asked]) -> tuple[Unanswered, ...]:
    """Remove those that are there now and were not `known`; say which."""
    told = []
    with ExitStack() as held:
        for node, connection, found in _entries(namespaces, [one for one in solicits if one not in known], held):
            names = {link.number: link.name for link in links(connection)} if found else {}
            for address, entry in found:
                state = "failed" if entry.state == NUD_FAILED else "incomplete"
                told.append(Unanswered(node, names.get(entry.link, f"if{entry.link}"), address, state))
                neighbour_table.take_back(connection.socket, entry.link, [neighbour_table.plain_tail(entry.address, bytes(6))])
    return tuple(told)


def _entries(
    namespaces: Namespaces, solicits: Sequence[Asked], held: ExitStack,
) -> list[tuple[str, Connection, list[tuple[IP, Entry]]]]:
    """Of each namespace the unresolved entries for the addresses asked for there, and a connection that `held` closes."""
    by_node: dict[str, dict[bytes, IP]] = {}
    for node, address in solicits:
        by_node.setdefault(node, {})[address.packed] = address
    sockets = namespaces.sockets([(node, socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) for node in by_node])
    found = []
    for sock, (node, asked) in zip(sockets, by_node.items(), strict=True):
        held.callback(sock.close)
        connection = Connection(sock)
        entries = [
            (asked[one.address], one) for one in neighbour_table.entries(connection)
            if one.address in asked and one.state & NUD_UNANSWERED and one.mac is None
        ]
        found.append((node, connection, entries))
    return found
