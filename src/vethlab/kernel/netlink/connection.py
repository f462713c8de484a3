"""A conversation over a netlink socket that somebody else opened, inside the namespace it is about.

Enters: a socket and requests; leaves: nothing (all were carried out), or the first refusal. Rule of the file: no NLM_F_ACK. The
kernel handles every message before send() returns and always queues errors (net/netlink/af_netlink.c netlink_rcv_skb), so
a receive that would block means that all went well.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Sequence

from vethlab.errors import KernelError
from vethlab.kernel.netlink.message import (
    HEADER,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    Request,
    error_of,
    frame,
    messages,
)

SOL_NETLINK = 270
NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 10, 11, 12
# The kernel tells at most 32 KiB at a time (net/netlink/af_netlink.c netlink_dump); a buffer past 128 KiB would be mapped and unmapped at
# every receive (mallopt(3) M_MMAP_THRESHOLD), at twice its price.
_RECEIVE = 1 << 16
_DUMP_TRIES = 20


class Refused(Exception):  # noqa: N818 - an answer, not a failure of ours
    """The kernel refused one request: its position in the batch, the errno and the kernel's sentence."""

    def __init__(self, position: int, code: int, says: str) -> None:
        super().__init__(position, code, says)
        self.position, self.code, self.says = position, code, says


class Connection:
    """Requests and dumps over one route netlink socket. One user at a time: answers are matched by sequence number."""

    __slots__ = ("_midway", "_sequence", "socket")

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._sequence = 0
        self._midway = False  # a dump was begun and, after an interrupt, never read to its end
        sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        sock.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)

    def send(self, requests: Sequence[Request]) -> None:
        """Carry out requests in one system call. All are tried; Refused tells of the first that failed."""
        for refused in self.attempt(requests):
            raise refused

    def attempt(self, requests: Sequence[Request]) -> list[Refused]:
        """Carry out requests in one system call; every refusal, in the order of the requests."""
        first = self._sequence + 1
        self._sequence += len(requests)
        self.socket.send(b"".join([frame(request, first + number) for number, request in enumerate(requests)]))
        refused: list[Refused] = []
        while True:
            try:
                data = self.socket.recv(_RECEIVE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            for kind, flags, sequence, start, end in messages(data):
                if kind == NLMSG_ERROR and sequence >= first:
                    code, says = error_of(data, flags, start, end)
                    if code:
                        refused.append(Refused(sequence - first, code, says))
        return sorted(refused, key=lambda one: one.position)

    def ask(self, request: Request) -> tuple[bytes, int, int]:
        """The one answer to a request that is no dump, as (data, start, end) of its payload; Refused where the kernel answers an error.

        Nothing is waited for: the kernel answers before send() returns (net/core/rtnetlink.c rtnl_unicast).
        """
        self._sequence += 1
        self.socket.send(frame(request, self._sequence))
        while True:
            try:
                data = self.socket.recv(_RECEIVE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                raise KernelError("ask", f"netlink type {request.type}", errno.ENODATA, "the kernel gave no answer") from None
            for kind, flags, sequence, start, end in messages(data):
                if sequence != self._sequence:
                    continue
                if kind == NLMSG_ERROR:
                    raise Refused(0, *error_of(data, flags, start, end))
                return data, start, end

    def dump(self, kind: int, body: bytes) -> Iterator[tuple[bytes, int, int]]:
        """Every object of a dump as (data, start, end) of its message payload. A dump that changed under our eyes is asked again."""
        for _ in range(_DUMP_TRIES):
            parts, interrupted = self._dump_once(kind, body)
            if not interrupted:
                return iter(parts)
        raise KernelError("dump", f"netlink type {kind}", errno.EINTR, "the namespace kept changing while it was read")

    def _dump_once(self, kind: int, body: bytes) -> tuple[list[tuple[bytes, int, int]], bool]:
        if self._midway:
            self._drain()
        self._sequence += 1
        expected, interrupted = self._sequence, False
        found: list[tuple[bytes, int, int]] = []
        self._midway = True
        self.socket.send(HEADER.pack(16 + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, expected, 0) + body)
        while True:
            data = self.socket.recv(_RECEIVE)
            for answer, flags, sequence, start, end in messages(data):
                if sequence != expected:
                    continue
                interrupted = interrupted or bool(flags & NLM_F_DUMP_INTR)
                if answer == NLMSG_DONE:
                    self._midway = False
                    return found, interrupted
                if answer == NLMSG_ERROR:
                    self._midway = False
                    code, says = error_of(data, flags, start, end)
                    raise KernelError("dump", f"netlink type {kind}", code, says)
                found.append((data, start, end))

    def _drain(self) -> None:
        """Read the rest of a dump that an interrupt left: until then the kernel answers every other one with EBUSY."""
        while True:
            try:
                data = self.socket.recv(_RECEIVE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            if any(answer in {NLMSG_DONE, NLMSG_ERROR} for answer, *_ in messages(data)):
                return
