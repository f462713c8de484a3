"""The frames of one probe as a pcapng section, with what is said of each.

Enters: frames with their sightings, comments, interfaces, names of addresses; leaves: bytes. Rule of the file: a packet that several
interfaces saw has one number (epb_packetid), told by what no router and no address translator changes; the interfaces of all nodes that
were looked at are in the file, since one without frames saw none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address

from vethlab.kernel.packet import ARPHRD_ETHER, ARPHRD_LOOPBACK
from vethlab.model.journey import ANSWER, SOLICIT
from vethlab.observe.correlate import Kept
from vethlab.observe.decode import decode, decode_ip, unwrapped
from vethlab.observe.flow_filter import SNAPLEN
from vethlab.observe.interfaces import Interface, Interfaces
from vethlab.observe.pcapng import Writer, flags_of, names
from vethlab.observe.record import begun, described

__all__ = ["identities", "probed"]


def probed(
    kept: Sequence[Kept], interfaces: Interfaces, nodes: Iterable[str], *, comment: str = "", comments: Sequence[Sequence[str]] = (),
    records: Iterable[tuple[IPv4Address | IPv6Address, Sequence[str]]] = (),
) -> bytes:
    """The section. `comments`: those of each frame; `nodes`: where was looked; `comment`: on the whole."""
    writer = Writer(snaplen=SNAPLEN)
    places = [interfaces.find(one.seen.node, one.frame.interface) for one in kept]
    looked = [one for node in dict.fromkeys(nodes) for one in interfaces.of(node)]
    numbers: dict[Interface, int] = {}
    parts = [begun(comment)]
    for place in dict.fromkeys([*looked, *places]):
        numbers[place], block = described(writer, place)
        parts.append(block)
    parts.append(names(records))
    for number, (one, place, identity) in enumerate(zip(kept, places, identities(kept), strict=True)):
        frame, said = one.frame, comments[number] if comments else ()
        parts.append(writer.packet(numbers[place], frame.ns, frame.length, frame.data, flags_of(frame.kind), said, identity))
    return b"".join(parts)


def identities(kept: Sequence[Kept]) -> list[int]:
    """A number for each frame, the same for one packet at all interfaces: what a place sees once more is another packet."""
    known: dict[tuple[object, ...], int] = {}
    seen: Counter[tuple[object, ...]] = Counter()
    found = []
    for one in kept:
        content, spot = _content(one), (one.seen.node, one.frame.interface, one.seen.direction, one.seen.hops)  # in a circle, hops fall
        seen[content, spot] += 1
        found.append(known.setdefault((content, seen[content, spot]), len(known) + 1))
    return found


def _content(one: Kept) -> tuple[object, ...]:
    seen, data = one.seen, one.frame.data
    if seen.what in {SOLICIT, ANSWER}:
        return seen.what, seen.about, seen.sender
    packet = decode(data) if one.frame.hardware in {ARPHRD_ETHER, ARPHRD_LOOPBACK} else decode_ip(data)
    load = unwrapped(packet, data, {packet.udp.target}) if seen.carried and packet.udp is not None else None
    packet = packet if load is None else load[0]  # in another packet it is still the same
    ip, icmp, tcp = packet.ip, packet.icmp, packet.tcp
    piece = (seen.what, ip.identifier, ip.offset) if ip is not None else (seen.what,)
    if tcp is not None:
        return (*piece, tcp.sequence, tcp.acknowledgement, tcp.flags, tcp.size)
    return (*piece, icmp.type, icmp.code, icmp.sequence) if icmp is not None else piece
