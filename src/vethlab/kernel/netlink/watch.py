"""What a probe must know of a namespace before it sends: which links run, which addresses are usable; and the wait for a change of it.

Enters: a route netlink socket inside the namespace; leaves: links and addresses in the kernel's numbers, or the news that something
changed. Rule of the file: the cheapest reading that answers the question; statistics are left out (RTEXT_FILTER_SKIP_STATS).
"""

from __future__ import annotations

import socket
from typing import NamedTuple

from vethlab.kernel.netlink.address import DUMP as ADDRESSES
from vethlab.kernel.netlink.address import IFA_ADDRESS, IFA_FLAGS, IFA_LOCAL, RTM_GETADDR
from vethlab.kernel.netlink.address import MESSAGE as ADDRESS
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.link import IFF_UP, IFLA_ADDRESS, IFLA_IFNAME, IFLA_MASTER, INFO, RTM_GETLINK, dump_body
from vethlab.kernel.netlink.message import attributes, get_text, get_u32

IFF_LOOPBACK, IFF_RUNNING, IFF_LOWER_UP = 0x8, 0x40, 0x10000
IFA_F_DADFAILED, IFA_F_TENTATIVE = 0x08, 0x40
RTMGRP_LINK, RTMGRP_IPV6_IFADDR = 0x1, 0x100


class SeenLink(NamedTuple):
    """A link as far as probing cares. `running`: operstate UP (unknown for `lo`), so it passes frames; `carrier`: its peer is up."""

    number: int
    name: str
    up: bool
    running: bool
    carrier: bool
    loopback: bool
    master: int
    mac: bytes


class SeenAddress(NamedTuple):
    """An address; `tentative` while duplicate address detection runs, and the kernel neither uses nor answers it (RFC 4862, 5.4)."""

    link: int
    packed: bytes
    prefix: int
    tentative: bool
    dad_failed: bool


def links(connection: Connection) -> list[SeenLink]:
    """Every link of the namespace."""
    found = []
    for data, start, end in connection.dump(RTM_GETLINK, dump_body()):
        _family, _hardware, index, flags, _change = INFO.unpack_from(data, start)
        seen = attributes(data, start + 16, end)
        mac = seen.get(IFLA_ADDRESS)
        found.append(SeenLink(
            index, get_text(data, seen[IFLA_IFNAME]), bool(flags & IFF_UP), bool(flags & IFF_RUNNING), bool(flags & IFF_LOWER_UP),
            bool(flags & IFF_LOOPBACK), get_u32(data, seen[IFLA_MASTER]) if IFLA_MASTER in seen else 0,
            data[mac[0] : mac[1]] if mac else b"",
        ))
    return found


def addresses(connection: Connection) -> list[SeenAddress]:
    """Every address of the namespace, the kernel's own included."""
    found = []
    for data, start, end in connection.dump(RTM_GETADDR, ADDRESSES):
        _family, prefix, flags, _scope, index = ADDRESS.unpack_from(data, start)
        seen = attributes(data, start + 8, end)
        if IFA_FLAGS in seen:
            flags = get_u32(data, seen[IFA_FLAGS])
        span = seen.get(IFA_LOCAL) or seen.get(IFA_ADDRESS)
        if span is not None:
            found.append(SeenAddress(index, data[span[0] : span[1]], prefix, bool(flags & IFA_F_TENTATIVE), bool(flags & IFA_F_DADFAILED)))
    return found


def subscribe(sock: socket.socket) -> None:
    """Let the kernel tell of links and IPv6 addresses that change; read the state again afterwards: what happened before is not told."""
    sock.setblocking(False)
    sock.bind((0, RTMGRP_LINK | RTMGRP_IPV6_IFADDR))


def drain(sock: socket.socket) -> None:
    """Forget the news that came; an overrun (ENOBUFS) is news as well."""
    while True:
        try:
            sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            continue
