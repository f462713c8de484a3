"""A kernel that answers from a script, with the sequence number of whatever was asked last."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.message import (
    HEADER,
    NLM_F_ACK_TLVS,
    NLM_F_CAPPED,
    NLM_F_DUMP,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSGERR_ATTR_MSG,
    attribute,
)

_ERROR = Struct("=i16x")  # errno, the header of the request
Answer = Sequence[bytes] | int | tuple[int, str]


class Kernel:
    """Takes the place of a socket. Each answer is a list of payloads, an errno, or an errno with a sentence."""

    def __init__(self, *answers: Answer) -> None:
        self._answers, self._queued = list(answers), list[bytes]()
        self.asked: list[tuple[int, bytes]] = []
        self.closed = False

    def setsockopt(self, *_: object) -> None:
        """Accept any option."""

    def send(self, data: bytes) -> None:
        """Remember what was asked, and queue the next answer."""
        _length, kind, flags, sequence, _port = HEADER.unpack_from(data)
        self.asked.append((kind, data[16:]))
        answer: Answer = self._answers.pop(0) if self._answers else ()
        if isinstance(answer, int):
            self._queued.append(_message(NLMSG_ERROR, 0, sequence, _ERROR.pack(-answer)))
        elif isinstance(answer, tuple) and answer:
            code, says = int(answer[0]), str(answer[1])
            body = _ERROR.pack(-code) + attribute(NLMSGERR_ATTR_MSG, says.encode() + b"\0")
            self._queued.append(_message(NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED, sequence, body))
        else:
            parts = [_message(24, 0, sequence, part) for part in answer if isinstance(part, bytes)]
            done = [_message(NLMSG_DONE, 0, sequence, bytes(4))] if flags & NLM_F_DUMP == NLM_F_DUMP else []
            self._queued += [b"".join(parts + done)] if parts + done else []

    def recv(self, _size: int, flags: int = 0) -> bytes:
        """The next message; with MSG_DONTWAIT, nothing more to say is EAGAIN."""
        if not self._queued:
            assert flags, "the test waits for an answer that its script does not have"
            raise BlockingIOError
        return self._queued.pop(0)

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def _message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    return HEADER.pack(16 + len(body), kind, flags, sequence, 0) + padded


def scripted(*answers: Answer) -> tuple[Connection, Kernel]:
    """A connection to such a kernel."""
    kernel = Kernel(*answers)
    return Connection(kernel), kernel  # type: ignore[arg-type]
