"""A packet in three words, as people speak of it: `ICMP echo`, `TCP SYN :80`, `ARP who-has 10.0.0.9`; and its two ends.

Enters: a Packet; leaves: text, and packed addresses. Rule of the file: what `observe.text` says in a whole line, here in short; addresses
get names elsewhere.
"""

from __future__ import annotations

from vethlab.observe.decode import Packet
from vethlab.observe.text import PROTOCOLS, SIMPLE, SIMPLE6, address, protocol

__all__ = ["brief", "ends"]

_FLAGS = ((0x04, "RST"), (0x02, "SYN"), (0x01, "FIN"))
_SOLICITATION = 135
_ECHO = {8: "ICMP echo", 0: "ICMP echo reply", 128: "ICMP6 echo", 129: "ICMP6 echo reply"}


def ends(packet: Packet) -> tuple[bytes, bytes] | None:
    """From which address to which, None where it has none. A question goes to whom it asks for, not to the group that hears it."""
    arp, ip, icmp = packet.arp, packet.ip, packet.icmp
    if arp is not None:
        return arp.sender, arp.target
    if ip is None:
        return None
    return ip.source, icmp.target if icmp is not None and icmp.target is not None and icmp.type == _SOLICITATION else ip.target


def brief(packet: Packet) -> str:
    """What it is."""
    if packet.arp is not None:
        asked = address(packet.arp.target if packet.arp.operation == 1 else packet.arp.sender)
        return f"ARP who-has {asked}" if packet.arp.operation == 1 else f"ARP {asked} is-at"
    if packet.tcp is not None:
        words = [word for bit, word in _FLAGS if packet.tcp.flags & bit]
        return " ".join(["TCP", *words, f":{packet.tcp.target}"])
    if packet.udp is not None:
        return f"UDP :{packet.udp.target}"
    if packet.icmp is not None and packet.ip is not None:
        return _icmp(packet, six=packet.ip.version == 6)
    if packet.ip is not None and packet.ip.offset:
        return f"{PROTOCOLS.get(packet.ip.protocol, 'IP').upper()} fragment"
    return protocol(packet).upper() if packet.ip is not None else protocol(packet)


def _icmp(packet: Packet, *, six: bool) -> str:
    icmp = packet.icmp
    if icmp is None:
        return "ICMP"
    name = "ICMP6" if six else "ICMP"
    if icmp.type in ({128, 129} if six else {0, 8}):
        return _ECHO[icmp.type]
    if icmp.target is not None:
        return f"{name} who-has {address(icmp.target)}" if icmp.type == _SOLICITATION else f"{name} {address(icmp.target)} is-at"
    if icmp.inner is not None:
        return f"{name} error about {brief(icmp.inner)}"
    return f"{name} {(SIMPLE6 if six else SIMPLE).get(icmp.type, f'type {icmp.type}')}"
