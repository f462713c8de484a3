"""RTM_GETMULTICAST: the IPv6 multicast groups that interfaces have joined (net/ipv6/addrconf.c inet6_dump_addr).

Enters: a connection; leaves: (interface index, group). Rule of the file: read only. The kernel joins the solicited-node group of an address
in a work queue, after the call that added the address has returned, and until then no neighbour solicitation reaches it.
"""

from __future__ import annotations

from vethlab.kernel.netlink.address import MESSAGE
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.message import attributes
from vethlab.model.address import AF_INET6

RTM_GETMULTICAST, IFA_MULTICAST = 58, 7
_SOLICITED_NODE = b"\xff\x02" + bytes(9) + b"\x01\xff"  # RFC 4291, 2.7.1: the last three bytes are those of the address


def groups(connection: Connection) -> set[tuple[int, bytes]]:
    """Every group joined in the namespace."""
    found = set()
    for data, start, end in connection.dump(RTM_GETMULTICAST, MESSAGE.pack(AF_INET6, 0, 0, 0, 0)):
        index: int = MESSAGE.unpack_from(data, start)[4]
        span = attributes(data, start + MESSAGE.size, end).get(IFA_MULTICAST)
        if span is not None:
            found.add((index, data[span[0] : span[1]]))
    return found


def solicited_node(packed: bytes) -> bytes:
    """The group in which an IPv6 address is asked for."""
    return _SOLICITED_NODE + packed[13:]
