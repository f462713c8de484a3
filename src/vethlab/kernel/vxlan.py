"""The vxlan link kind (drivers/net/vxlan): the device itself, and the entries of its own forwarding table (bridge(8) fdb, `self`).

Rule of the file: numbers from include/uapi/linux/if_link.h and neighbour.h; ports are in network byte order, as nowhere else. Of entries
only those that stay are decoded: what was learned ages, and the one that stands for a multicast group belongs to the device.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import cache
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

from vethlab.kernel.netlink.link import (
    IFLA_ADDRESS,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    mac_bytes,
    new_link,
)
from vethlab.kernel.netlink.message import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_REPLACE,
    Request,
    attribute,
    attributes,
    get_u32,
    nested,
    u8,
    u32,
)
from vethlab.kernel.netlink.neighbour import AF_BRIDGE, MESSAGE, NDA_DST, NDA_LLADDR, NUD_PERMANENT, RTM_DELNEIGH, RTM_NEWNEIGH
from vethlab.model.address import IP
from vethlab.model.fdb import UNKNOWN_MAC, Forward
from vethlab.model.link import Link, Vxlan

if TYPE_CHECKING:
    from vethlab.kernel.netlink.interface import Told

KIND = "vxlan"
IFLA_VXLAN_ID, IFLA_VXLAN_GROUP, IFLA_VXLAN_LINK, IFLA_VXLAN_LOCAL, IFLA_VXLAN_LEARNING = 1, 2, 3, 4, 7
IFLA_VXLAN_TTL, IFLA_VXLAN_PORT, IFLA_VXLAN_GROUP6, IFLA_VXLAN_LOCAL6, IFLA_VXLAN_TTL_INHERIT, IFLA_VXLAN_DF = 5, 15, 16, 17, 28, 29
IFLA_VXLAN_REMCSUM_TX, IFLA_VXLAN_REMCSUM_RX = 21, 22
DF = {"unset": 0, "set": 1, "inherit": 2}
NDA_PORT, NDA_VNI = 6, 7
NTF_SELF = 0x02
_DF_WORDS = {number: word for word, number in DF.items()}
_ANY = {4: bytes(4), 6: bytes(16)}


def encode(link: Link, *, master: int = 0, lower: int = 0) -> Request:
    """Create a device, down. `master` and `lower` are the indexes of its bridge and its underlay interface, 0 for none."""
    options = link.vxlan or Vxlan(0)
    six = options.version == 6
    parts = u32(IFLA_MTU, link.mtu) + (attribute(IFLA_ADDRESS, mac_bytes(link.mac)) if link.mac else b"")
    parts += u32(IFLA_MASTER, master) if master else b""
    data = u32(IFLA_VXLAN_ID, options.vni) + attribute(IFLA_VXLAN_PORT, socket.htons(options.port).to_bytes(2, "little"))
    data += u8(IFLA_VXLAN_LEARNING, int(options.learning))
    data += attribute(IFLA_VXLAN_TTL_INHERIT, b"") if options.ttl is None else u8(IFLA_VXLAN_TTL, options.ttl) if options.ttl else b""
    data += u8(IFLA_VXLAN_DF, DF[options.df]) if options.df != "unset" else b""
    if options.remote_sum:
        data += u8(IFLA_VXLAN_REMCSUM_TX, 1) + u8(IFLA_VXLAN_REMCSUM_RX, 1)
    if options.local is not None or six:  # the unspecified address says no more than the family
        data += attribute(IFLA_VXLAN_LOCAL6 if six else IFLA_VXLAN_LOCAL, options.local.packed if options.local else _ANY[6])
    if options.group is not None:
        data += attribute(IFLA_VXLAN_GROUP6 if six else IFLA_VXLAN_GROUP, options.group.packed)
    if lower:
        data += u32(IFLA_VXLAN_LINK, lower)
    return new_link(link.index or 0, link.name, KIND, up=False, parts=parts, data=data)


def settings(before: Vxlan, after: Vxlan) -> bytes:
    """The attribute that changes an existing device: what differs of what can be changed (vxlan_nl2conf)."""
    data = b""
    if after.local != before.local:
        six = (after.local or before.local or IPv4Address(0)).version == 6
        data += attribute(IFLA_VXLAN_LOCAL6 if six else IFLA_VXLAN_LOCAL, after.local.packed if after.local else _ANY[6 if six else 4])
    if after.learning != before.learning:
        data += u8(IFLA_VXLAN_LEARNING, int(after.learning))
    if after.ttl != before.ttl and after.ttl is not None:
        data += u8(IFLA_VXLAN_TTL, after.ttl)
    if after.df != before.df:
        data += u8(IFLA_VXLAN_DF, DF[after.df])
    return nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, KIND.encode()), nested(IFLA_INFO_DATA, data))


def lower(data: bytes, start: int, end: int) -> int:
    """The index of the interface that a device sends out of, from IFLA_INFO_DATA; 0 for none."""
    found = attributes(data, start, end)
    return get_u32(data, found[IFLA_VXLAN_LINK]) if IFLA_VXLAN_LINK in found else 0


def decode(data: bytes, start: int, end: int) -> Vxlan:
    """The settings of a device from IFLA_INFO_DATA."""
    found = attributes(data, start, end)

    def address(*kinds: int) -> bytes | None:
        return next((data[found[kind][0] : found[kind][1]] for kind in kinds if kind in found), None)

    def number(kind: int) -> int:
        return data[found[kind][0]] if kind in found else 0

    local, group = address(IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6), address(IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6)
    return Vxlan(
        vni=get_u32(data, found[IFLA_VXLAN_ID]),
        port=int.from_bytes(data[found[IFLA_VXLAN_PORT][0] : found[IFLA_VXLAN_PORT][1]], "big"),
        local=ip_address(local) if local and any(local) else None, group=ip_address(group) if group and any(group) else None,
        ttl=None if number(IFLA_VXLAN_TTL_INHERIT) else number(IFLA_VXLAN_TTL), df=_DF_WORDS.get(number(IFLA_VXLAN_DF), "unset"),
        learning=number(IFLA_VXLAN_LEARNING) != 0, remote_sum=bool(number(IFLA_VXLAN_REMCSUM_TX) and number(IFLA_VXLAN_REMCSUM_RX)),
        version=6 if len(local or group or b"") == 16 else 4,
    )


def told(one: Told) -> Vxlan | None:
    """The settings of an interface that was read in full, None if it is no VXLAN device."""
    span = one.info.get(IFLA_INFO_DATA) if one.kind == KIND else None
    return None if span is None else decode(one.data, *span)


def below(one: Told) -> int:
    """The index of the interface that it sends out of; 0 for none."""
    span = one.info.get(IFLA_INFO_DATA) if one.kind == KIND else None
    return 0 if span is None else lower(one.data, *span)


def add_entry(entry: Forward, indexes: Mapping[str, int]) -> Request:
    """Put an entry in place."""
    return Request(RTM_NEWNEIGH, NLM_F_CREATE | (NLM_F_APPEND if entry.mac == UNKNOWN_MAC else NLM_F_REPLACE), _entry(entry, indexes))


def delete_entry(entry: Forward, indexes: Mapping[str, int]) -> Request:
    """Remove an entry."""
    return Request(RTM_DELNEIGH, 0, _entry(entry, indexes))


def decode_entry(data: bytes, start: int, end: int, names: Mapping[int, str], *, learned: bool = False) -> Forward | None:
    """One RTM_NEWNEIGH payload of AF_BRIDGE, or None if it is no entry of a VXLAN device. `names` are the VXLAN devices.

    Entries that last only, with `learned` all.
    """
    family, index, state, flags, _type = MESSAGE.unpack_from(data, start)
    if family != AF_BRIDGE or index not in names or not flags & NTF_SELF or not (learned or state & NUD_PERMANENT):
        return None
    found = attributes(data, start + 12, end)
    if NDA_DST not in found or NDA_LLADDR not in found:
        return None
    remote = _far_end(data[found[NDA_DST][0] : found[NDA_DST][1]])
    if remote is None:
        return None
    port, vni = found.get(NDA_PORT), found.get(NDA_VNI)
    return Forward(
        names[index], data[found[NDA_LLADDR][0] : found[NDA_LLADDR][1]].hex(":"), remote,
        int.from_bytes(data[port[0] : port[1]], "big") if port else None, get_u32(data, vni) if vni else None,
    )


@cache
def _far_end(packed: bytes) -> IP | None:
    """Far ends are few, entries many. None for a group, which is a setting of the device."""
    address = ip_address(packed)
    return None if address.is_multicast else address


def _entry(entry: Forward, indexes: Mapping[str, int]) -> bytes:
    body = MESSAGE.pack(AF_BRIDGE, indexes[entry.interface], NUD_PERMANENT, NTF_SELF, 0)
    body += attribute(NDA_DST, entry.remote.packed) + attribute(NDA_LLADDR, mac_bytes(entry.mac))
    body += attribute(NDA_PORT, entry.port.to_bytes(2, "big")) if entry.port else b""
    return body + (u32(NDA_VNI, entry.vni) if entry.vni else b"")
