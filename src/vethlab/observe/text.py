"""A packet in one line, in the words of tcpdump.

Enters: a Packet; leaves: text. Rule of the file: numbers as the wire has them, no name is looked up anywhere.
"""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop

from vethlab.observe.decode import ARP, ICMP, ICMPV6, TCP, UDP, Arp, Icmp, Ip, Packet, Tcp

__all__ = ["address", "line", "protocol"]

FLAGS = ((0x02, "S"), (0x01, "F"), (0x04, "R"), (0x08, "P"), (0x20, "U"), (0x40, "E"), (0x80, "W"), (0x10, "."))
PROTOCOLS = {
    ICMP: "icmp", TCP: "tcp", UDP: "udp", ICMPV6: "icmp6", 0: "hopopt", 2: "igmp", 4: "ipip", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah",
    59: "none", 89: "ospf", 132: "sctp",
}
ETHERTYPES = {0x88CC: "LLDP", 0x8847: "MPLS", 0x8863: "PPPoE discovery", 0x8864: "PPPoE"}
UNREACHABLE = {
    0: "net {to} unreachable", 1: "host {to} unreachable", 2: "{to} protocol {protocol} unreachable",
    3: "{to} {protocol} port {port} unreachable", 4: "{to} unreachable - need to frag (mtu {mtu})",
    9: "net {to} unreachable - admin prohibited", 10: "host {to} unreachable - admin prohibited",
    13: "host {to} unreachable - admin prohibited filter",
}
UNREACHABLE6 = {
    0: "unreachable route {to}", 1: "unreachable prohibited {to}", 2: "beyond scope of {to}", 3: "unreachable address {to}",
    4: "unreachable port, {to} {protocol} port {port}", 5: "source policy failed {to}", 6: "reject route {to}",
}
SIMPLE = {0: "echo reply", 8: "echo request", 9: "router advertisement", 10: "router solicitation"}
SIMPLE6 = {
    128: "echo request", 129: "echo reply", 130: "multicast listener query", 131: "multicast listener report",
    132: "multicast listener done", 133: "router solicitation", 134: "router advertisement", 143: "multicast listener report v2",
}
NEIGHBOUR = {135: "neighbor solicitation, who has {}", 136: "neighbor advertisement, tgt is {}", 137: "redirect, {}"}


def address(packed: bytes) -> str:
    """An address as text."""
    return inet_ntop(AF_INET6 if len(packed) == 16 else AF_INET, packed)


def protocol(packet: Packet) -> str:
    """The innermost protocol that is known by name: `arp`, `icmp`, `tcp`, `ip`, ..."""
    if packet.ip is not None:
        return PROTOCOLS.get(packet.ip.protocol, "ip" if packet.ip.version == 4 else "ip6")
    return "arp" if packet.ethertype == ARP else f"0x{packet.ethertype:04x}" if packet.ethertype >= 0x600 else "llc"


def line(packet: Packet, length: int) -> str:
    """What tcpdump would say of it; `length` is the frame's own."""
    tags = "".join(f"vlan {tag}, " for tag in packet.vlans)
    return tags + _inner(packet, length)


def _inner(packet: Packet, length: int) -> str:
    if packet.arp is not None:
        return _arp(packet.arp)
    if packet.ip is None:
        if packet.ethertype < 0x600:  # an 802.3 length: spanning tree and the like
            return f"802.3 LLC, length {length}"
        name = "ARP" if packet.ethertype == ARP else ETHERTYPES.get(packet.ethertype) or f"ethertype 0x{packet.ethertype:04x}"
        return f"{name}, length {length}"
    ip = packet.ip
    label, source, target = "IP" if ip.version == 4 else "IP6", address(ip.source), address(ip.target)
    ports = packet.tcp or packet.udp
    if ports is not None:
        source, target = f"{source}.{ports.source}", f"{target}.{ports.target}"
    return f"{label} {source} > {target}: {_transport(packet, ip)}{_fragment(ip)}"


def _transport(packet: Packet, ip: Ip) -> str:
    if packet.tcp is not None:
        return _tcp(packet.tcp)
    if packet.udp is not None:
        return f"UDP, length {packet.udp.size}"
    if packet.icmp is not None:
        return _icmp(packet.icmp, ip)
    name = PROTOCOLS.get(ip.protocol)
    return f"{name.upper() if name else f'protocol {ip.protocol}'}, length {ip.length}"


def _fragment(ip: Ip) -> str:
    return f" (frag {ip.identifier}, offset {ip.offset}{'+' if ip.more_fragments else ''})" if ip.offset or ip.more_fragments else ""


def _arp(arp: Arp) -> str:
    if arp.operation == 1:
        to = "" if arp.target_mac == bytes(6) or arp.target_mac == b"\xff" * 6 else f" ({arp.target_mac.hex(':')})"
        return f"ARP who-has {address(arp.target)}{to} tell {address(arp.sender)}"
    if arp.operation == 2:
        return f"ARP reply {address(arp.sender)} is-at {arp.sender_mac.hex(':')}"
    return f"ARP operation {arp.operation}"


def _tcp(tcp: Tcp) -> str:
    flags = "".join(letter for bit, letter in FLAGS if tcp.flags & bit) or "none"
    sequence = f"{tcp.sequence}:{(tcp.sequence + tcp.size) & 0xFFFFFFFF}" if tcp.size else f"{tcp.sequence}"
    acknowledged = f", ack {tcp.acknowledgement}" if tcp.flags & 0x10 else ""
    return f"Flags [{flags}], seq {sequence}{acknowledged}, win {tcp.window}, length {tcp.size}"


def _icmp(icmp: Icmp, ip: Ip) -> str:
    six = ip.version == 6
    name, separator = ("ICMP6", ", ") if six else ("ICMP", " ")
    if icmp.type in ({128, 129} if six else {0, 8}):
        says = f"{(SIMPLE6 if six else SIMPLE)[icmp.type]}, id {icmp.identifier}, seq {icmp.sequence}"
    elif icmp.target is not None:
        says = NEIGHBOUR[icmp.type].format(address(icmp.target))
    elif icmp.inner is not None:
        says = _error(icmp, six=six)
    else:
        says = (SIMPLE6 if six else SIMPLE).get(icmp.type) or f"type {icmp.type}, code {icmp.code}"
    return f"{name}{separator}{says}, length {ip.length}"


def _error(icmp: Icmp, *, six: bool) -> str:
    inner = icmp.inner
    quoted = inner.ip if inner is not None else None
    if inner is None or quoted is None:
        return f"type {icmp.type}, code {icmp.code}"
    ports = inner.tcp or inner.udp
    words = {
        "to": address(quoted.target), "protocol": PROTOCOLS.get(quoted.protocol, str(quoted.protocol)),
        "port": ports.target if ports is not None else "?", "mtu": icmp.rest & 0xFFFF,
    }
    if icmp.type == (1 if six else 3):
        return (UNREACHABLE6 if six else UNREACHABLE).get(icmp.code, "{to} unreachable, code " + str(icmp.code)).format(**words)
    if six and icmp.type == 2:
        return f"packet too big, mtu {icmp.rest}"
    if icmp.type == (3 if six else 11):
        return "time exceeded in-transit" if icmp.code == 0 else "ip reassembly time exceeded"
    return f"redirect {words['to']}" if icmp.type == 5 and not six else f"parameter problem, {words['to']}"
