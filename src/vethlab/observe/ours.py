"""Which packets are one probe's, wherever on the way they are seen, whatever an address translator did to them.

Enters: a flow, the mark of its probe, packets in order of time; leaves: of each what it is (model.journey), or None. Rule of the file:
echoes and datagrams are known by their token. A TCP segment is by our port and, where the port was translated, by the sequence number of
our SYN; what answers is the mirror of a request seen before. So a packet that is asked about teaches something about later ones. Source
and target are translated one after the other, so between the two hooks a packet has one end of before and one of after.
"""

from __future__ import annotations

from collections.abc import Iterable

from vethlab.model.address import IP
from vethlab.model.flow import Flow
from vethlab.model.journey import ANSWER, ERROR, REPLY, REQUEST, SOLICIT
from vethlab.model.mark import Mark
from vethlab.observe.decode import Icmp, Ip, Packet, Tcp, Udp

__all__ = ["Ours"]

_SYN, _ACK = 0x02, 0x10
_TOKEN_ENDS = 16  # behind the begin of an echo's header (probe.echo)
_ECHOES = {(4, 8): REQUEST, (4, 0): REPLY, (6, 128): REQUEST, (6, 129): REPLY}
_NEIGHBOURS = {135: SOLICIT, 136: ANSWER}
_ARP = {1: SOLICIT, 2: ANSWER}
_End = tuple[bytes, int]  # address and port
_Ends = tuple[_End, _End]  # source, target
_Content = tuple[bytes, bytes, int, int]  # source, target, protocol, identifier: the same on every piece of a packet


class Ours:
    """Recognizes the packets of one probe. All of ARP and neighbour discovery counts: only the way tells whose it is.

    `targets`: what it is for once it has been translated.
    """

    def __init__(self, flow: Flow, mark: Mark, targets: Iterable[tuple[IP, int | None]] = ()) -> None:
        self._mark = mark
        self._target = flow.dst.address.packed if flow.dst.address is not None else b""
        self._targets = {(self._target, flow.port), *((address.packed, port) for address, port in targets)}
        self._sources: set[_End] = set()  # of requests seen
        self._asked: set[_End] = set()
        self._sequences: set[int] = set()
        self._contents: dict[_Content, str] = {}

    def what(self, packet: Packet, data: bytes) -> str | None:
        """What a packet is. `data`: the bytes it was read from, for the token."""
        if packet.arp is not None:
            return _ARP.get(packet.arp.operation)
        ip = packet.ip
        if ip is None:
            return None
        if packet.icmp is not None and ip.version == 6 and packet.icmp.type in _NEIGHBOURS:  # a trace cuts off what it is about
            return _NEIGHBOURS[packet.icmp.type]
        content = _content(ip)
        found = self._contents.get(content) if ip.offset else self._whole(packet, ip, data)
        if found is None and _cut(packet):  # a trace shows too little of what an error quotes
            found = self._contents.get(content)
        elif found is not None and ip.identifier:
            self._contents[content] = found
        return found

    def _whole(self, packet: Packet, ip: Ip, data: bytes) -> str | None:
        if packet.icmp is not None:
            return self._icmp(packet.icmp, ip, data)
        if packet.tcp is not None:
            return self._segment(packet.tcp, ip)
        return self._datagram(packet.udp, ip, data) if packet.udp is not None else None

    def _icmp(self, icmp: Icmp, ip: Ip, data: bytes) -> str | None:
        if icmp.inner is not None:
            return ERROR if self._quoted(icmp.inner, ip, data) else None
        return _ECHOES.get((ip.version, icmp.type)) if self._mark.token and self._mark.token in data else None

    def _quoted(self, inner: Packet, outer: Ip, data: bytes) -> bool:
        """Whether an error is about a packet of ours: a quotation may end behind eight bytes (RFC 792), and hold no token."""
        ip = inner.ip
        if ip is None:
            return False
        if (self._mark.token and self._mark.token in data) or (ip.identifier and _content(ip) in self._contents):
            return True
        if inner.icmp is not None:
            header = 20 if ip.version == 4 else 40
            whole = min(outer.length, len(data) - header) >= 8 + header + _TOKEN_ENDS
            return not whole and inner.icmp.identifier == self._mark.identifier and self._target in {ip.source, ip.target}
        ports = inner.tcp or inner.udp
        return ports is not None and self._leg(_ends(ip, ports)) is not None

    def _segment(self, tcp: Tcp, ip: Ip) -> str | None:
        ends = _ends(ip, tcp)
        if tcp.flags & (_SYN | _ACK) == _SYN and (self._begins(ends) or tcp.sequence in self._sequences):
            self._learn(ends)
            self._sequences.add(tcp.sequence)
        return self._leg(ends)

    def _datagram(self, udp: Udp, ip: Ip, data: bytes) -> str | None:
        ends = _ends(ip, udp)
        if self._leg(ends) is None and (self._begins(ends) or (self._mark.token and self._mark.token in data)):
            self._learn(ends)
        return self._leg(ends)

    def _begins(self, ends: _Ends) -> bool:
        """Whether it goes from a port of ours to where we asked, or to where that leads once it is translated."""
        (_address, port), target = ends
        return port in self._mark.ports and target in self._targets

    def _learn(self, request: _Ends) -> None:
        source, target = request
        self._sources.add(source)
        self._asked.add(target)

    def _leg(self, ends: _Ends) -> str | None:
        source, target = ends
        if source in self._sources and target in self._asked:
            return REQUEST
        return REPLY if source in self._asked and target in self._sources else None


def _content(ip: Ip) -> _Content:
    return ip.source, ip.target, ip.protocol, ip.identifier


def _ends(ip: Ip, ports: Tcp | Udp) -> _Ends:
    return (ip.source, ports.source), (ip.target, ports.target)


def _cut(packet: Packet) -> bool:
    icmp, ip = packet.icmp, packet.ip
    return icmp is not None and ip is not None and icmp.inner is None and ip.identifier != 0 and (ip.version, icmp.type) not in _ECHOES
