"""RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH: neighbour entries (arp(7), include/uapi/linux/neighbour.h).

Rule of the file: state is what a person pinned (NUD_PERMANENT); what the kernel learned by itself is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from struct import Struct

from vethlab.kernel.netlink.link import mac_bytes
from vethlab.kernel.netlink.message import NLM_F_CREATE, NLM_F_REPLACE, Request, attribute, attributes
from vethlab.model.address import AF_INET, AF_INET6
from vethlab.model.neighbour import Neighbour

RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
AF_BRIDGE = 7  # the family of forwarding entries, which are told by the same messages
NDA_DST, NDA_LLADDR = 1, 2
NUD_PERMANENT = 0x80
MESSAGE = Struct("=BxxxiHBB")  # family, interface index, state, flags, type
DUMP = MESSAGE.pack(0, 0, 0, 0, 0)
FORWARDING = MESSAGE.pack(AF_BRIDGE, 0, 0, 0, 0)  # the same of forwarding entries


def add(entry: Neighbour, indexes: Mapping[str, int]) -> Request:
    """Pin an entry."""
    body = MESSAGE.pack(_family(entry), indexes[entry.interface], NUD_PERMANENT, 0, 0)
    body += attribute(NDA_DST, entry.address.packed) + attribute(NDA_LLADDR, mac_bytes(entry.mac))
    return Request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body)


def delete(entry: Neighbour, indexes: Mapping[str, int]) -> Request:
    """Remove an entry."""
    head = MESSAGE.pack(_family(entry), indexes[entry.interface], 0, 0, 0)
    return Request(RTM_DELNEIGH, 0, head + attribute(NDA_DST, entry.address.packed))


def decode(data: bytes, start: int, end: int, names: Mapping[int, str]) -> Neighbour | None:
    """One RTM_NEWNEIGH payload, or None if nobody pinned it."""
    family, index, state, _flags, _type = MESSAGE.unpack_from(data, start)
    if state != NUD_PERMANENT or family not in {AF_INET, AF_INET6} or index not in names:
        return None
    found = attributes(data, start + 12, end)
    if NDA_LLADDR not in found:
        return None
    packed = data[found[NDA_DST][0] : found[NDA_DST][1]]
    mac = data[found[NDA_LLADDR][0] : found[NDA_LLADDR][1]].hex(":")
    return Neighbour(names[index], IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed), mac)


def _family(entry: Neighbour) -> int:
    return AF_INET if entry.address.version == 4 else AF_INET6
