"""Netlink connections inside namespaces, made for one reading and closed after it.

Enters: Namespaces and names; leaves: an Inside for each. Rule of the file: one request to the keeper for a hundred namespaces, because a
request costs as much as ten dumps, and no more at once, because a process may hold 1,024 descriptors by default.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vethlab.errors import KernelError
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.nftables import NETLINK_NETFILTER
from vethlab.kernel.netlink.sock_diag import NETLINK_SOCK_DIAG
from vethlab.kernel.port import Namespaces

__all__ = ["AT_ONCE", "Inside", "each", "enter"]

AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Inside:
    """The connections into one namespace. `sockets` and `filters` are None where this kernel has no such protocol, or nobody asked."""

    route: Connection
    sockets: Connection | None = None
    filters: Connection | None = None

    def close(self) -> None:
        """Let go of the namespace: an open socket keeps it alive."""
        for one in (self.route, self.sockets, self.filters):
            if one is not None:
                one.socket.close()


def enter(namespaces: Namespaces, names: Sequence[str], *, fully: bool = True) -> dict[str, Inside]:
    """Connections into all of these; `fully`: not only for routing. The caller closes them."""
    protocols = (socket.NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_NETFILTER) if fully else (socket.NETLINK_ROUTE,)
    try:
        made = _open(namespaces, names, protocols)
    except KernelError:
        if not fully:
            raise
        return _with_what_there_is(namespaces, names)
    width = len(protocols)
    return {name: Inside(*made[width * at : width * (at + 1)]) for at, name in enumerate(names)}


def each(namespaces: Namespaces, names: Iterable[str], *, fully: bool = True) -> Iterator[dict[str, Inside]]:
    """Connections for a hundred namespaces at a time, closed when the next ones are made."""
    wanted = list(dict.fromkeys(names))
    for start in range(0, len(wanted), AT_ONCE):
        entered = enter(namespaces, wanted[start : start + AT_ONCE], fully=fully)
        try:
            yield entered
        finally:
            for one in entered.values():
                one.close()


def _open(namespaces: Namespaces, names: Sequence[str], protocols: Sequence[int]) -> list[Connection]:
    wanted = [(name, socket.AF_NETLINK, socket.SOCK_RAW, protocol) for name in names for protocol in protocols]
    return [Connection(sock) for sock in namespaces.sockets(wanted)]


def _with_what_there_is(namespaces: Namespaces, names: Sequence[str]) -> dict[str, Inside]:
    """A kernel without sock_diag or nfnetlink refuses the socket (EPROTONOSUPPORT); routing it has."""
    routes = _open(namespaces, names, [socket.NETLINK_ROUTE])
    others: list[list[Connection | None]] = []
    for protocol in (NETLINK_SOCK_DIAG, NETLINK_NETFILTER):
        try:
            others.append([*_open(namespaces, names, [protocol])])
        except KernelError:
            others.append([None] * len(names))
    return {name: Inside(route, one, two) for name, route, one, two in zip(names, routes, *others, strict=True)}
