"""A namespace that a lab joined and did not make: the machine's own. Its objects there outlive the keeper, unless they are taken away.

Enter: the name of a lease, and a will. Leaves: nothing.
Rule of the file: written down before it is made. The will holds finished netlink requests that remove what the lab makes there, each by
its mark, and what to tell an Open vSwitch that serves it, so that a keeper that ends in any way but by SIGKILL leaves nothing; the lease,
an abstract socket in that namespace, ends with the keeper in every way, and tells `clean` that what bears its name is nobody's any more.
"""

from __future__ import annotations

import os
from _socket import AF_NETLINK, AF_UNIX, SOCK_CLOEXEC, SOCK_RAW, SOCK_SEQPACKET
from _socket import socket as Socket  # noqa: N812 - beside variables named socket

from vethlab.keep.rows import Rows

_MOST = 1 << 20  # bytes of a will


class Joined:
    """Made inside the namespace. Binds the lease, OSError (EADDRINUSE) if somebody has it."""

    def __init__(self, lease: str) -> None:
        self._lease = Socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)
        self._lease.bind(b"\0" + lease.encode())
        self._will: list[tuple[int, list[bytes]]] = []
        self._rows: Rows | None = None

    def set_will(self, protocols: list[int], sources: list[int]) -> None:
        """Replace it: of each netlink protocol a memfd with datagrams, each behind its length in four bytes."""
        self._will = [(protocol, _datagrams(source)) for protocol, source in zip(protocols, sources, strict=True)]

    def set_rows(self, directory: int, source: int) -> None:
        """Replace what is told to an Open vSwitch: the directory of its database's socket, and a memfd with two messages (keep/rows.py)."""
        if self._rows is not None:
            self._rows.close()
        self._rows = Rows(directory, os.pread(source, _MOST, 0))

    def execute_will(self) -> None:
        """Called inside the namespace, once. What is gone already is refused by the kernel, and that is well."""
        if self._rows is not None:
            rows, self._rows = self._rows, None
            rows.forget()
        for protocol, datagrams in self._will:
            connection = Socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)
            for datagram in datagrams:
                connection.send(datagram)
            connection.close()
        self._will = []
        self._lease.close()


def _datagrams(source: int) -> list[bytes]:
    data, found, at = os.pread(source, _MOST, 0), [], 0
    while at + 4 <= len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "little")
        found.append(data[at + 4 : end])
        at = end
    return found
