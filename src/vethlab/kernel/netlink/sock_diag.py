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
from vethlab.kernel.netlink.message import attributes
from vethlab.model import snapshot
from vethlab.model.address import AF_INET, AF_INET6, IP

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
TCP, UDP = 6, 17
PROTOCOLS = {TCP: "tcp", UDP: "udp"}
_LISTEN, _UNCONNECTED, _ESTABLISHED = 1 << 10, 1 << 7, 1 << 1  # state bits: TCP_LISTEN, TCP_CLOSE (unconnected UDP), TCP_ESTABLISHED
_REQUEST = Struct("=BBBxI48x")  # family, protocol, extensions, states, an empty socket id
_ANSWER = Struct("=Bxxx")  # family; then the socket id: source port, destination port (network order), source and destination address
_PORT = Struct("!H")
_MESSAGE = 72  # struct inet_diag_msg
INET_DIAG_SKV6ONLY = 11


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


def bound(connection: Connection) -> tuple[snapshot.Listener, ...]:
    """The sockets that take what comes from anybody: TCP in LISTEN, UDP unconnected. Empty where the kernel cannot tell.

    An IPv6 socket that serves IPv4 too (no IPV6_V6ONLY) is told twice, as `::` and as `0.0.0.0`.
    """
    found: dict[snapshot.Listener, None] = {}
    for protocol, states in ((TCP, _LISTEN), (UDP, _UNCONNECTED)):
        for family in (AF_INET, AF_INET6):
            try:
                parts = connection.dump(SOCK_DIAG_BY_FAMILY, _REQUEST.pack(family, protocol, 0, states))
            except KernelError:
                continue
            for part in parts:
                found.update(dict.fromkeys(_served(PROTOCOLS[protocol], *part)))
    return tuple(found)


def _served(protocol: str, data: bytes, start: int, end: int) -> list[snapshot.Listener]:
    port: int = _PORT.unpack_from(data, start + 4)[0]
    if _ANSWER.unpack_from(data, start)[0] == AF_INET:
        return [snapshot.Listener(protocol, port, IPv4Address(data[start + 8 : start + 12]))]
    address = IPv6Address(data[start + 8 : start + 24])
    if address.ipv4_mapped is not None:
        return [snapshot.Listener(protocol, port, address.ipv4_mapped)]
    alone = attributes(data, start + _MESSAGE, end).get(INET_DIAG_SKV6ONLY)
    both = address.is_unspecified and (alone is None or not data[alone[0]])
    return [snapshot.Listener(protocol, port, one) for one in ((address, IPv4Address(0)) if both else (address,))]
