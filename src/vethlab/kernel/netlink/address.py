"""RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR: addresses of interfaces (rtnetlink(7), include/uapi/linux/if_addr.h).

Rule of the file: IPv6 addresses are added with IFA_F_NODAD (duplicate address detection would delay their use by over a second).
Link-local addresses are state like any other; those of lo and of router advertisements the kernel makes by itself, and they are not.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Interface, IPv6Interface
from struct import Struct

from vethlab.kernel.netlink.message import NLM_F_CREATE, NLM_F_REPLACE, Request, attribute, attributes, get_u32, u32
from vethlab.model.address import AF_INET, AF_INET6, IPInterface

RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS, IFA_PROTO = 1, 2, 8, 11
IFA_F_NODAD, IFA_F_TEMPORARY, IFA_F_PERMANENT, IFA_F_MANAGETEMPADDR = 0x02, 0x01, 0x80, 0x100
IFAPROT_KERNEL_LO, IFAPROT_KERNEL_RA = 1, 2
SCOPE_HOST, SCOPE_LINK = 254, 253
MESSAGE = Struct("=BBBBi")  # family, prefix length, flags, scope, interface index
DUMP = MESSAGE.pack(0, 0, 0, 0, 0)


def add(index: int, address: IPInterface) -> Request:
    """Give interface `index` an address. One that is there already is as good: the kernel makes link-local ones whenever IPv6 comes on."""
    return Request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, _body(index, address))


def delete(index: int, address: IPInterface) -> Request:
    """Take the address away."""
    return Request(RTM_DELADDR, 0, _body(index, address))


def _body(index: int, address: IPInterface) -> bytes:
    packed = address.ip.packed
    family, flags = (AF_INET, b"") if len(packed) == 4 else (AF_INET6, u32(IFA_FLAGS, IFA_F_NODAD))
    scope = SCOPE_HOST if address.ip.is_loopback else SCOPE_LINK if len(packed) == 16 and packed[:2] == b"\xfe\x80" else 0
    head = MESSAGE.pack(family, address.network.prefixlen, 0, scope, index)
    return head + attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed) + flags


def decode(data: bytes, start: int, end: int) -> tuple[int, IPInterface] | None:
    """(interface index, address), or None for an address the kernel made by itself."""
    _family, prefix, flags, scope, index = MESSAGE.unpack_from(data, start)
    found = attributes(data, start + 8, end)
    if IFA_FLAGS in found:
        flags = get_u32(data, found[IFA_FLAGS])
    made_by = data[found[IFA_PROTO][0]] if IFA_PROTO in found else 0
    if made_by in {IFAPROT_KERNEL_LO, IFAPROT_KERNEL_RA} or not flags & IFA_F_PERMANENT:
        return None
    span = found.get(IFA_LOCAL) or found[IFA_ADDRESS]
    packed = data[span[0] : span[1]]
    if scope == SCOPE_HOST and packed in _LOOPBACKS:
        return None  # kernels before 5.18 do not say who made an address
    return index, interface(packed, prefix)


@lru_cache(maxsize=8192)
def interface(packed: bytes, prefix: int) -> IPInterface:
    """The address as a value; cached, because read-back meets each address twice."""
    return IPv4Interface((packed, prefix)) if len(packed) == 4 else IPv6Interface((packed, prefix))


_LOOPBACKS = (bytes([127, 0, 0, 1]), bytes(15) + b"\1")
