"""What the headers of a frame say: Ethernet, VLAN tags, ARP, IPv4, IPv6, ICMP, neighbour discovery, TCP, UDP.

Enters: bytes, perhaps cut short; leaves: a Packet of small frozen values, as deep as the bytes go. Rule of the file: any bytes are
accepted, nothing is raised and nothing guessed: what is not there is None. Addresses stay packed until somebody asks for text.
"""

from __future__ import annotations

from collections.abc import Collection
from struct import Struct
from typing import NamedTuple

__all__ = [
    "ARP", "ICMP", "ICMPV6", "IPV4", "IPV6", "TCP", "UDP", "Arp", "Icmp", "Ip", "Packet", "Tcp", "Udp", "decode", "decode_ip", "unwrapped",
]

IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
TAGS = frozenset({0x8100, 0x88A8})
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60
_MOST_EXTENSIONS = 16

_ETHERNET = Struct("!6s6sH")
_TAG = Struct("!HH")
_ARP = Struct("!HHBBH6s4s6s4s")
_IPV4 = Struct("!BBHHHBBH4s4s")
_IPV6 = Struct("!IHBB16s16s")
_FRAGMENT = Struct("!BBHI")
_TCP = Struct("!HHIIBBHHH")
_UDP = Struct("!HHHH")
_ICMP = Struct("!BBHI")
_VXLAN = Struct("!II")
_VNI_VALID = 0x08


class Arp(NamedTuple):
    """An ARP packet for Ethernet and IPv4 (RFC 826). `operation`: 1 request, 2 reply."""

    operation: int
    sender_mac: bytes
    sender: bytes
    target_mac: bytes
    target: bytes


class Ip(NamedTuple):
    """An IP header. `length`: of what follows it, as it says; `offset` in bytes; `protocol` is that behind the extension headers."""

    version: int
    source: bytes
    target: bytes
    protocol: int
    hops: int
    identifier: int
    length: int
    offset: int
    more_fragments: bool
    dont_fragment: bool


class Icmp(NamedTuple):
    """An ICMP or ICMPv6 header.

    `rest`: its second word (identifier and sequence, MTU); `inner`: the packet an error quotes; `target`: the address that neighbour
    discovery is about.
    """

    type: int
    code: int
    rest: int
    inner: Packet | None = None
    target: bytes | None = None

    @property
    def identifier(self) -> int:
        """Of an echo."""
        return self.rest >> 16

    @property
    def sequence(self) -> int:
        """Of an echo."""
        return self.rest & 0xFFFF


class Tcp(NamedTuple):
    """A TCP header. `size`: of the payload, as the IP header says."""

    source: int
    target: int
    sequence: int
    acknowledgement: int
    flags: int
    window: int
    size: int


class Udp(NamedTuple):
    """A UDP header. `size`: of the payload."""

    source: int
    target: int
    size: int


class Packet(NamedTuple):
    """A frame as deep as it could be read. `ethertype` 0: the bytes began with an IP header, or were too few."""

    ethertype: int = 0
    target_mac: bytes = b""
    source_mac: bytes = b""
    vlans: tuple[int, ...] = ()
    arp: Arp | None = None
    ip: Ip | None = None
    icmp: Icmp | None = None
    tcp: Tcp | None = None
    udp: Udp | None = None


def decode(data: bytes) -> Packet:
    """Read a frame that begins with an Ethernet header."""
    if len(data) < _ETHERNET.size:
        return Packet()
    target_mac, source_mac, ethertype = _ETHERNET.unpack_from(data)
    at, vlans = _ETHERNET.size, []
    while ethertype in TAGS and at + _TAG.size <= len(data):
        tag, ethertype = _TAG.unpack_from(data, at)
        vlans.append(tag & 0xFFF)
        at += _TAG.size
    inner = decode_ip(data, at) if ethertype in {IPV4, IPV6} else Packet(arp=_arp(data, at) if ethertype == ARP else None)
    return inner._replace(ethertype=ethertype, target_mac=target_mac, source_mac=source_mac, vlans=tuple(vlans))


def decode_ip(data: bytes, at: int = 0, *, quoted: bool = False) -> Packet:
    """Read a packet that begins with an IP header. `quoted`: it stands in an ICMP error, whose own quotation is not looked into."""
    version = data[at] >> 4 if at < len(data) else 0
    if version == 4 and at + _IPV4.size <= len(data):
        found = _ipv4(data, at)
    elif version == 6 and at + _IPV6.size <= len(data):
        found = _ipv6(data, at)
    else:
        return Packet()
    ip, at = found
    if ip.offset:  # not the first fragment: no header follows
        return Packet(ip=ip)
    if ip.protocol == TCP and at + _TCP.size <= len(data):
        source, target, sequence, acknowledgement, offset, flags, window, _sum, _urgent = _TCP.unpack_from(data, at)
        size = max(0, ip.length - (offset >> 4) * 4)
        return Packet(ip=ip, tcp=Tcp(source, target, sequence, acknowledgement, flags, window, size))
    if ip.protocol == UDP and at + _UDP.size <= len(data):
        source, target, length, _sum = _UDP.unpack_from(data, at)
        return Packet(ip=ip, udp=Udp(source, target, max(0, (length or ip.length) - 8)))
    if ip.protocol in {ICMP, ICMPV6} and at + _ICMP.size <= len(data):
        return Packet(ip=ip, icmp=_icmp(data, at, six=ip.version == 6, quoted=quoted))
    return Packet(ip=ip)


def unwrapped(packet: Packet, data: bytes, ports: Collection[int]) -> tuple[Packet, bytes, int] | None:
    """What a VXLAN packet to one of these UDP ports carries: the frame, its bytes, and the vni (RFC 7348, section 5)."""
    if packet.udp is None or packet.ip is None or packet.udp.target not in ports:
        return None
    at = _behind_udp(packet, data)
    if at + _VXLAN.size > len(data) or not data[at] & _VNI_VALID:
        return None
    inner = data[at + _VXLAN.size :]
    return decode(inner), inner, _VXLAN.unpack_from(data, at)[1] >> 8


def _behind_udp(packet: Packet, data: bytes) -> int:
    """Where the payload of a datagram begins in a frame."""
    at = (_ETHERNET.size + _TAG.size * len(packet.vlans)) if packet.ethertype else 0
    header = (data[at] & 15) * 4 if data[at] >> 4 == 4 else _ipv6(data, at)[1] - at
    return at + header + _UDP.size


def _arp(data: bytes, at: int) -> Arp | None:
    if at + _ARP.size > len(data):
        return None
    hardware, protocol, hardware_size, protocol_size, operation, *parts = _ARP.unpack_from(data, at)
    return Arp(operation, *parts) if (hardware, protocol, hardware_size, protocol_size) == (1, IPV4, 6, 4) else None


def _ipv4(data: bytes, at: int) -> tuple[Ip, int]:
    first, _tos, total, identifier, fragment, hops, protocol, _sum, source, target = _IPV4.unpack_from(data, at)
    size = max(20, (first & 15) * 4)
    ip = Ip(
        4, source, target, protocol, hops, identifier, max(0, total - size), (fragment & 0x1FFF) * 8, bool(fragment & 0x2000),
        bool(fragment & 0x4000),
    )
    return ip, at + size


def _ipv6(data: bytes, at: int) -> tuple[Ip, int]:
    _flow, length, protocol, hops, source, target = _IPV6.unpack_from(data, at)
    at += _IPV6.size
    identifier, offset, more = 0, 0, False
    for _ in range(_MOST_EXTENSIONS):
        if at + 8 > len(data) or offset:
            break
        if protocol == FRAGMENT:
            protocol, _reserved, position, identifier = _FRAGMENT.unpack_from(data, at)
            offset, more, size = position & 0xFFF8, bool(position & 1), 8
        elif protocol in {HOP_BY_HOP, ROUTING, DESTINATION}:
            protocol, size = data[at], (data[at + 1] + 1) * 8
        elif protocol == AUTHENTICATION:
            protocol, size = data[at], (data[at + 1] + 2) * 4
        else:
            break
        at, length = at + size, max(0, length - size)
    return Ip(6, source, target, protocol, hops, identifier, length, offset, more, dont_fragment=True), at


def _icmp(data: bytes, at: int, *, six: bool, quoted: bool) -> Icmp:
    kind, code, _sum, rest = _ICMP.unpack_from(data, at)
    at += _ICMP.size
    error = kind < 128 if six else kind in {3, 4, 5, 11, 12}
    inner = decode_ip(data, at, quoted=True) if error and not quoted else None
    target = data[at : at + 16] if six and kind in {135, 136, 137} and at + 16 <= len(data) else None
    return Icmp(kind, code, rest, inner if inner is not None and inner.ip is not None else None, target)
