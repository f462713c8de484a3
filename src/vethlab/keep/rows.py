"""What of a lab lies in the database of an Open vSwitch that is not its own, and is taken out when the keeper ends.

Enter: a directory with the database's socket, and two finished messages (JSON-RPC, RFC 7047 section 4.1.3). Leaves: nothing.
Rule of the file: it knows no json. The first message asks for rows that bear the lab's mark; the answer to it holds nothing but their
numbers, and these stand in the second one in place of UUIDS. Rows are found when they are to go, so that no number is ever stale.
"""

from __future__ import annotations

import os
from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM
from _socket import socket as Socket  # noqa: N812 - beside variables named socket

SOCKET = "db.sock"
UUIDS = b"%UUIDS%"
SECONDS = 2.0  # a daemon that does not answer must not hold a lab back from ending: `clean` finds the rows
_HEAD, _LENGTH = b'["uuid","', 36
_MOST = 1 << 20


class Rows:
    """`directory` is a descriptor, which is kept open: it leads to the socket whatever is mounted where the keeper lives."""

    def __init__(self, directory: int, messages: bytes) -> None:
        self._directory = os.dup(directory)
        self._question, self._removal = messages.split(b"\0")

    def forget(self) -> None:
        """Take them out, once; where the database does not answer, they stay for `clean`, which finds them by their marks."""
        connection = Socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
        try:
            connection.settimeout(SECONDS)
            os.fchdir(self._directory)  # a path of any length, below that directory
            try:
                connection.connect(SOCKET)
            finally:
                os.chdir("/")
            found = [part[:_LENGTH] for part in _asked(connection, self._question).split(_HEAD)[1:]]
            if found:
                numbers = b",".join([_HEAD + one + b'"]' for one in found])
                _asked(connection, self._removal.replace(UUIDS, numbers))
        except OSError:
            return
        finally:
            connection.close()
            self.close()

    def close(self) -> None:
        """Let go of the directory."""
        os.close(self._directory)


def _asked(connection: Socket, message: bytes) -> bytes:
    """The answer to one message: it ends where its braces do."""
    connection.sendall(message)
    answer = b""
    while not answer or answer.count(b"{") > answer.count(b"}"):
        part = connection.recv(_MOST)
        if not part:
            break
        answer += part
    return answer
