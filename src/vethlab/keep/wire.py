"""How keeper and client talk: one SOCK_SEQPACKET datagram a request and a reply, descriptors beside it (unix(7), SCM_RIGHTS).

Enter: fields of text. Leave: the same fields on the other side.
Rule of the file: both sides use it, so it is the keeper's weight: no json, re, struct or socket module. Fields are joined by NUL, which
no name, path, key, command or sysctl value can hold; long texts and byte strings travel as memfd.

Request: operation, arguments... Reply: "ok" fields..., perhaps several "more" fields... before it, or "error" with the parts of a Refusal.
"""

from __future__ import annotations

import sys
from _socket import CMSG_SPACE, MSG_CMSG_CLOEXEC, MSG_CTRUNC, SCM_RIGHTS, SOL_SOCKET

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Iterable, Sequence

MESSAGE_MAX = 65536  # well under net.core.wmem_default, which bounds a datagram
CHUNK_BYTES = 24000  # of fields in one message
CHUNK_NAMES = 100  # each answered by two descriptors at most
CHUNK_SOCKETS = 200
DESCRIPTORS_MAX = 253  # SCM_MAX_FD (include/net/scm.h)
SCOPE_END = "|"  # between a scope's prefix and the name of a namespace in it; names hold none
RECORD_DESCRIPTOR = 3  # the lab's record, where another process finds it: /proc/KEEPER/fd/3


class Refusal(Exception):  # noqa: N818 - a message of the protocol, translated by the client
    """What the keeper answers when it cannot. `kind`: kernel, host, missing, lab, bug."""

    def __init__(self, kind: str, operation: str, subject: str, errno: int = 0, says: str = "") -> None:
        super().__init__(operation)
        self.kind, self.operation, self.subject, self.errno, self.says = kind, operation, subject, errno, says

    def fields(self) -> tuple[str, ...]:
        """The reply that carries it."""
        return ("error", self.kind, self.operation, self.subject, str(self.errno), self.says.replace("\0", " "))


def send(connection: _socket.socket, fields: Iterable[str], descriptors: Sequence[int] = ()) -> None:
    """Send one message."""
    data = "\0".join(fields).encode("utf-8", "surrogateescape")
    beside = []
    if descriptors:
        beside = [(SOL_SOCKET, SCM_RIGHTS, b"".join([number.to_bytes(4, sys.byteorder) for number in descriptors]))]
    connection.sendmsg([data], beside)


def receive(connection: _socket.socket) -> tuple[list[str], list[int], bool] | None:
    """The next message: its fields, its descriptors, and whether some of these were lost for want of room. None at the end."""
    data, beside, flags, _ = connection.recvmsg(MESSAGE_MAX, CMSG_SPACE(4 * DESCRIPTORS_MAX), MSG_CMSG_CLOEXEC)
    descriptors = []
    for level, kind, numbers in beside:
        if level == SOL_SOCKET and kind == SCM_RIGHTS:
            whole = len(numbers) - len(numbers) % 4
            descriptors += [int.from_bytes(numbers[at : at + 4], sys.byteorder) for at in range(0, whole, 4)]
    if not data:
        return None
    return data.decode("utf-8", "surrogateescape").split("\0"), descriptors, bool(flags & MSG_CTRUNC)


def chunks(fields: Sequence[str], width: int = 1, most: int = 10000) -> Iterable[Sequence[str]]:
    """`fields`, taken `width` at a time, in parts that fit a message and hold at most `most` of those groups."""
    start = size = 0
    for at in range(0, len(fields), width):
        weight = sum([4 * len(field) + 1 for field in fields[at : at + width]])  # UTF-8 takes 4 bytes at most
        if at > start and (size + weight > 2 * CHUNK_BYTES or at - start >= most * width):
            yield fields[start:at]
            start, size = at, 0
        size += weight
    if start < len(fields):
        yield fields[start:]
