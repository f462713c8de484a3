"""Frames of many rings become what was seen of one probe.

Enters: frames as the rings gave them, names for (ring, interface index), and who tells ours from others'; leaves: frames with their
Sightings in order of time. Rule of the file: pure. Every frame of the probe at every interface is one sighting, copies that a bridge floods
and repetitions included; what they mean is for `explain` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from ipaddress import ip_address
from typing import NamedTuple

from vethlab.kernel.packet import ARPHRD_ETHER, ARPHRD_LOOPBACK, PACKET_OUTGOING, Held
from vethlab.model.address import IP
from vethlab.model.journey import ANSWER, IN, OUT, REPLY, REQUEST, SOLICIT, Sighting
from vethlab.observe.decode import Packet, decode, decode_ip, unwrapped
from vethlab.observe.ours import Ours

__all__ = ["Kept", "Place", "beginning", "sightings"]

PACKET_OTHERHOST = 3
_ETHERNET = 14
Place = Callable[[int, int], tuple[str, str]]  # (ring, interface index) -> node and interface


class Kept(NamedTuple):
    """A frame of the probe, and what it tells."""

    frame: Held
    seen: Sighting


def sightings(
    frames: Iterable[Held], place: Place, ours: Ours, *, addresses: Collection[IP] | None = None, ports: Collection[int] = (),
) -> list[Kept]:
    """What was seen; the `ns` of a sighting is 0 until `beginning` is known.

    `addresses`: of ARP and neighbour discovery only what concerns these. `ports`: of UDP, whose packets carry frames (VXLAN): one that
    carries the probe is a sighting of the probe.
    """
    found = []
    for frame in sorted(frames, key=lambda one: one.ns):
        ethernet = frame.hardware in {ARPHRD_ETHER, ARPHRD_LOOPBACK}
        packet = decode(frame.data) if ethernet else decode_ip(frame.data)
        load = unwrapped(packet, frame.data, ports) if ports else None
        what = ours.what(packet, frame.data) if load is None else ours.what(load[0], load[1])
        if what is None:
            continue
        seen = _seen(frame, packet if load is None else load[0], what, place(frame.source, frame.interface), ethernet=ethernet)
        if load is not None and packet.ip is not None:
            target = ip_address(packet.ip.target)
            seen = replace(seen, hops=packet.ip.hops, carried=f"VXLAN {load[2]} to {target}", towards=target)
        if addresses is None or what not in {SOLICIT, ANSWER} or not {seen.about, seen.sender}.isdisjoint(addresses):
            found.append(Kept(frame, seen))
    return found


def beginning(kept: Iterable[Kept]) -> int:
    """The Unix time in ns of the first frame, 0 without any."""
    return min((one.frame.ns for one in kept), default=0)


def _seen(frame: Held, packet: Packet, what: str, where: tuple[str, str], *, ethernet: bool) -> Sighting:
    node, interface = where
    about, sender = _names(packet, what)
    vlan = next((one for one in packet.vlans if one), 0)  # 0 gives a priority and no VLAN
    return Sighting(
        node, interface, OUT if frame.kind == PACKET_OUTGOING else IN, what, 0, about, sender,
        source_mac=packet.source_mac.hex(":"), target_mac=packet.target_mac.hex(":"), foreign=frame.kind == PACKET_OTHERHOST or bool(vlan),
        hops=packet.ip.hops if packet.ip is not None else 0,
        length=frame.length - (_ETHERNET + 4 * len(packet.vlans) if ethernet else 0),
        ends=_ends(packet) if what in {REQUEST, REPLY} else (), vlan=vlan,
    )


def _ends(packet: Packet) -> tuple[str, ...]:
    """Source and target of a packet."""
    ip, ports = packet.ip, packet.tcp or packet.udp
    if ip is None:
        return ()
    ends = ((ip.source, ports.source if ports else None), (ip.target, ports.target if ports else None))
    return tuple(_end(ip_address(address), port) for address, port in ends)


def _end(address: IP, port: int | None) -> str:
    return str(address) if port is None else f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"


def _names(packet: Packet, what: str) -> tuple[IP | None, IP | None]:
    """What it is about, and who sends it."""
    if packet.arp is not None:
        asked = packet.arp.target if what == SOLICIT else packet.arp.sender
        return ip_address(asked), ip_address(packet.arp.sender)
    about = packet.icmp.target if packet.icmp is not None else None
    return None if about is None else ip_address(about), None if packet.ip is None else ip_address(packet.ip.source)
