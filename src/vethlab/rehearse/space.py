"""One namespace of the lab or of its copy, over a route netlink socket of our own: read whole, told what to make.

Enters: a socket; leaves: payloads of dumps, and the requests that were refused. Rule of the file: a refusal is an answer; what to make of
it (try again once something else is there, or give the rehearsal up) is for the caller to say.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

from vethlab.kernel.netlink.connection import Connection, Refused
from vethlab.kernel.netlink.link import RTM_GETLINK, dump_body
from vethlab.kernel.netlink.message import Request
from vethlab.rehearse import objects
from vethlab.rehearse.ports import RawLink, link

_BATCH = 24 * 1024  # bytes in one send: well below the default socket buffer of 208 KiB


class Kind(NamedTuple):
    """A kind of object: how it is asked for, made and removed, and which of a dump's messages are copied."""

    noun: str
    get: int
    body: bytes
    new: int
    delete: int
    said: Callable[[bytes], bytes | None]


ADDRESS = Kind("address", objects.RTM_GETADDR, objects.ADDRESSES, objects.RTM_NEWADDR, objects.RTM_DELADDR, objects.address)
ROUTE = Kind("route", objects.RTM_GETROUTE, objects.ROUTES, objects.RTM_NEWROUTE, objects.RTM_DELROUTE, objects.route)
RULE = Kind("rule", objects.RTM_GETRULE, objects.RULES, objects.RTM_NEWRULE, objects.RTM_DELRULE, objects.rule)
NEIGHBOUR = Kind(
    "neighbour", objects.RTM_GETNEIGH, objects.NEIGHBOURS, objects.RTM_NEWNEIGH, objects.RTM_DELNEIGH, objects.neighbour,
)
PROXY = Kind("neighbour", objects.RTM_GETNEIGH, objects.PROXIES, objects.RTM_NEWNEIGH, objects.RTM_DELNEIGH, objects.neighbour)
FORWARDING = Kind(
    "forwarding entry", objects.RTM_GETNEIGH, objects.FORWARDING, objects.RTM_NEWNEIGH, objects.RTM_DELNEIGH, objects.forwarding,
)
TUNNELLED = Kind(
    "VXLAN entry", objects.RTM_GETNEIGH, objects.FORWARDING, objects.RTM_NEWNEIGH, objects.RTM_DELNEIGH, objects.tunnelled,
)


class Space:
    """A namespace by its name in the lab."""

    def __init__(self, name: str, sock: socket.socket) -> None:
        self.name = name
        self.connection = Connection(sock)

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """The payload of every message of a dump."""
        return [data[start:end] for data, start, end in self.connection.dump(kind, body)]

    def objects(self, kind: Kind) -> list[bytes]:
        """Every object of a kind that is copied, in the form in which it is made, in the kernel's order."""
        return [one for body in self.dump(kind.get, kind.body) if (one := kind.said(body)) is not None]

    def links(self) -> dict[int, RawLink]:
        """Every interface, by index."""
        return {one.index: one for one in map(link, self.dump(RTM_GETLINK, dump_body()))}

    def attempt(self, requests: Sequence[Request]) -> list[tuple[Request, Refused]]:
        """Carry them out in few system calls; each that was refused, with the answer."""
        refused: list[tuple[Request, Refused]] = []
        start = size = 0
        for at, request in enumerate(requests):
            size += len(request.body) + 16
            if size > _BATCH or at == len(requests) - 1:
                part = requests[start : at + 1]
                refused += [(part[one.position], one) for one in self.connection.attempt(part)]
                start, size = at + 1, 0
        return refused
