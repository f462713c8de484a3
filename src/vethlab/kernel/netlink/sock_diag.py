"""Who listens in a namespace, asked of the kernel (sock_diag(7), include/uapi/linux/inet_diag.h).

Enters: a NETLINK_SOCK_DIAG socket inside the namespace; leaves: the bound ports. Rule of the file: a listener that comes up is no netlink
event, so this is asked again and again with a deadline (probe/readiness.py), and therefore asks for one protocol and few states only.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import NamedTuple

from vethlab.errors import KernelError
from vethlab.kernel.netlink.connection import Connection
from vethlab.model.address import AF_INET, AF_INET6, IP

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
TCP, UDP = 6, 17
_LISTEN, _UNCONNECTED, _ESTABLISHED = 1 << 10, 1 << 7, 1 << 1  # state bits: TCP_LISTEN, TCP_CLOSE (unconnected UDP), TCP_ESTABLISHED
_REQUEST = Struct("=BBBxI48x")  # family, protocol, extensions, states, an empty socket id
_ANSWER = Struct("=Bxxx")  # family; then the socket id: source port, destination port (network order), source and destination address
_PORT = Struct("!H")


class Listener(NamedTuple):
    """A bound socket that takes what comes: TCP in LISTEN, UDP unconnected or connected."""

    port: int
    address: IP

    def serves(self, address: IP) -> bool:
        """True if a packet to `address` reaches it. [::] serves IPv4 too, unless the program said IPV6_V6ONLY, which we do not ask."""
        if self.address == address:
            return True
        return self.address.is_unspecified and (self.address.version == 6 or address.version == 4)


def listeners(connection: Connection, protocol: int) -> list[Listener] | None:
    """All listeners of a protocol (TCP or UDP), or None where the kernel cannot tell (its diag module is missing)."""
    states = _LISTEN if protocol == TCP else _UNCONNECTED | _ESTABLISHED
    found = []
    try:
        for family in (AF_INET, AF_INET6):
            for data, start, _end in connection.dump(SOCK_DIAG_BY_FAMILY, _REQUEST.pack(family, protocol, 0, states)):
                kind: int = _ANSWER.unpack_from(data, start)[0]
                packed = data[start + 8 : start + 12] if kind == AF_INET else data[start + 8 : start + 24]
                address: IP = IPv4Address(packed) if kind == AF_INET else IPv6Address(packed)
                found.append(Listener(_PORT.unpack_from(data, start + 4)[0], address))
    except KernelError:
        return None
    return found
