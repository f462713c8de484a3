"""Interfaces that bear a mark of ours, in a namespace where most are somebody else's (the machine's).

Enters: a route netlink connection inside that namespace; leaves: what is marked, and its removal. Rule of the file: a mark read from the
kernel is the only proof; a removal names the mark, so that the kernel finds and removes in one step and no other interface can have come
in its place.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from vethlab.errors import HostError, KernelError
from vethlab.kernel.netlink import link as links
from vethlab.kernel.netlink import nftables
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.message import NLM_F_EXCL, Request, frame
from vethlab.model.names import owner_of

__all__ = [
    "SWITCH", "Marked", "here", "indexes", "marked", "marked_tables", "remove", "remove_tables", "require_right", "table_will", "unmarked",
    "will",
]

SWITCH = "Open vSwitch bridge"  # the kind of what is a row of its database, and not the kernel's
_NO_INDEX = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Marked:
    """One interface, table or bridge of ours."""

    name: str
    kind: str
    mark: str

    @property
    def owner(self) -> str:
        """Whose it is."""
        return owner_of(self.mark)

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.mark})"


def here(protocol: int = socket.NETLINK_ROUTE) -> Connection:
    """A connection into the network namespace of this thread; its socket is the caller's to close."""
    return Connection(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol))


def marked(connection: Connection) -> list[Marked]:
    """Every interface that bears a mark, whoever's it is."""
    seen = [links.decode(*part) for part in connection.dump(links.RTM_GETLINK, links.dump_body())]
    return [Marked(one.name, one.kind, one.mark) for one in seen if one.mark and owner_of(one.mark)]


def indexes(connection: Connection, owner: str) -> frozenset[int]:
    """The interfaces of one owner."""
    seen = (links.decode(*part) for part in connection.dump(links.RTM_GETLINK, links.dump_body()))
    return frozenset(one.ifindex for one in seen if one.mark is not None and owner_of(one.mark) == owner)


def marked_tables(connection: Connection) -> list[Marked]:
    """Every nft table that bears a mark in its comment; over a NETLINK_NETFILTER socket."""
    found = nftables.tables(connection)
    return [Marked(one.name, f"table {one.family}", one.comment) for one in found if owner_of(one.comment)]


def remove_tables(connection: Connection, found: Sequence[Marked]) -> list[Marked]:
    """Remove them; those that were there."""
    return [one for one in found if not connection.attempt(_dropping(one.kind.partition(" ")[2], one.name))]


def table_will(family: str, name: str) -> list[bytes]:
    """The transaction that removes a table, as one datagram; nothing happens where there is none."""
    return [b"".join([frame(request, number) for number, request in enumerate(_dropping(family, name), 1)])]


def _dropping(family: str, name: str) -> list[Request]:
    return nftables.removing(name, [nftables.Place(family, "")])


def remove(connection: Connection, found: Sequence[Marked]) -> list[Marked]:
    """Remove them, bridges first; those that were there. KernelError if the kernel refuses, unless they are gone."""
    ordered = sorted(found, key=lambda one: one.kind == "veth")
    refused = {one.position: one for one in connection.attempt([links.delete_marked(one.mark) for one in ordered])} if ordered else {}
    for position, one in refused.items():
        if one.code != errno.ENODEV:
            raise KernelError("remove", ordered[position].name, one.code, one.says) from one
    return [one for position, one in enumerate(ordered) if position not in refused]


def will(marks: Iterable[str]) -> list[bytes]:
    """Finished requests that remove what bears these marks, one datagram each."""
    return [frame(links.delete_marked(mark), number) for number, mark in enumerate(marks, 1)]


def unmarked(batch: Sequence[Request], refused: Collection[int]) -> list[Request]:
    """The removal of what a batch made and could not mark (a kernel before 5.5, no memory): nobody would find it again.

    Each mark follows the making of its interface, with the index that was asked for; `refused` are positions in the batch.
    """
    made = {
        links.index_of(request): position for position, request in enumerate(batch)
        if request.type == links.RTM_NEWLINK and request.flags & NLM_F_EXCL
    }
    found = []
    for position in refused:
        request = batch[position]
        index = links.index_of(request)
        if request.type == links.RTM_NEWLINKPROP and index in made and made[index] not in refused:
            found.append(links.delete_link(index, ""))
    return found


def require_right(connection: Connection) -> None:
    """HostError if this process may change nothing in the namespace: asked for an index that no interface has, the kernel tells which."""
    for refused in connection.attempt([links.set_link(_NO_INDEX, "")]):
        if refused.code in {errno.EPERM, errno.EACCES}:
            raise HostError(
                "`host: machine` needs the right to change the machine's network", why="CAP_NET_ADMIN in its user namespace is missing",
                help="run it as root of the machine, or leave `host: machine` away", slug="not-root",
            )
