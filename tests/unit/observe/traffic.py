"""Packets of one probe and of others, as a ring gives them."""

from __future__ import annotations

from ipaddress import ip_address
from struct import pack

from vethlab.kernel.packet import ARPHRD_ETHER, PACKET_OUTGOING, Held
from vethlab.model.flow import PING, TCP, UDP, Flow, Side
from vethlab.model.mark import Mark

A, B, ROUTER = "10.0.0.1", "10.0.0.2", "10.0.0.254"
A6, B6 = "fd00::1", "fd00::2"
MAC_A, MAC_B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
TOKEN, IDENTIFIER, PORT = b"\x01token\xff\x80", 0x1234, 40001
ECHO = Mark(TOKEN, identifier=IDENTIFIER)
DATAGRAM = Mark(TOKEN, frozenset({PORT}))
SEGMENT = Mark(ports=frozenset({PORT, PORT + 1, PORT + 2}))
SYN, ACK, RST, FIN, PSH = 0x02, 0x10, 0x04, 0x01, 0x08


def flow(kind: str = PING, *, six: bool = False) -> Flow:
    """From a to b."""
    source, target = (A6, B6) if six else (A, B)
    return Flow(kind, Side("a", None, ip_address(source)), Side("b", None, ip_address(target)), 80 if kind in {TCP, UDP} else None)


def frame(source: str, target: str, protocol: int, body: bytes, *, fragment: int = 0, identifier: int = 7, options: bytes = b"") -> bytes:
    """An Ethernet frame with an IP packet."""
    ends = ip_address(source).packed + ip_address(target).packed
    if ":" in source:
        return MAC_B + MAC_A + b"\x86\xdd" + pack("!IHBB", 6 << 28, len(body), protocol, 64) + ends + body
    size = 20 + len(options)
    head = pack("!BBHHHBBH", 0x40 | size // 4, 0, size + len(body), identifier, fragment, 64, protocol, 0)
    return MAC_B + MAC_A + b"\x08\x00" + head + ends + options + body


def echo(source: str = A, target: str = B, *, kind: int = 8, token: bytes = TOKEN, identifier: int = 7, fragment: int = 0) -> bytes:
    """A ping or its reply, as probe.echo writes it."""
    body = pack("!BBHHH8sII", kind, 0, 0, IDENTIFIER, 0, token, 0, 0xFFFFFFFF) + bytes(4)
    return frame(source, target, 58 if ":" in source else 1, body, identifier=identifier, fragment=fragment)


def segment(source: tuple[str, int], target: tuple[str, int], flags: int, *, sequence: int = 1000, acknowledged: int = 0) -> bytes:
    """A TCP segment."""
    body = pack("!HHIIBBHHH", source[1], target[1], sequence, acknowledged, 5 << 4, flags, 512, 0, 0)
    return frame(source[0], target[0], 6, body)


def datagram(source: tuple[str, int], target: tuple[str, int], payload: bytes = b"vethlab\n" + TOKEN + bytes(4)) -> bytes:
    """A UDP datagram."""
    return frame(source[0], target[0], 17, pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload)


def error(source: str, target: str, quoted: bytes, *, kind: int = 3, code: int = 1, rest: int = 0, keep: int = 64) -> bytes:
    """An ICMP error about a frame, which quotes so many bytes of it."""
    return frame(source, target, 58 if ":" in source else 1, pack("!BBHI", kind, code, 0, rest) + quoted[14 : 14 + keep], identifier=9)


def arp(operation: int, sender: str, target: str) -> bytes:
    """An ARP request or reply."""
    ends = MAC_A + ip_address(sender).packed + (bytes(6) if operation == 1 else MAC_B) + ip_address(target).packed
    return b"\xff" * 6 + MAC_A + b"\x08\x06" + pack("!HHBBH", 1, 0x0800, 6, 4, operation) + ends


def neighbour(kind: int, target: str) -> bytes:
    """A neighbour solicitation or advertisement."""
    return frame(A6, B6, 58, pack("!BBHI", kind, 0, 0, 0) + ip_address(target).packed)


def held(data: bytes, *, ns: int, ring: int = 0, index: int = 2, kind: int = PACKET_OUTGOING, hardware: int = ARPHRD_ETHER) -> Held:
    """A frame in a ring."""
    return Held(ns, ring, index, kind, hardware, len(data), data)
