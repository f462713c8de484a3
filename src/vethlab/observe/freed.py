"""What the kernel says of a packet that it threw away (BPF), as a Death.

Enters: an Event, the node it is from, the function that dropped; leaves: a Death, or None where good packets end so too. Rule of the file:
the pair of reason and function is asked before the reason (explain/reasons.py), and what an interface was at that moment before both:
a queue that drops and an interface that is down show the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vethlab.explain.reasons import candidates, reasons
from vethlab.kernel.bpf.tracer import Event
from vethlab.model.finding import INFERRED, PROVEN
from vethlab.observe.deaths import DROPPED, KERNEL, REFUSED, UNKNOWN, Death, KernelWord
from vethlab.observe.decode import ICMPV6, Packet, decode

__all__ = ["LinkState", "benign", "death_of", "is_chatter"]

_IGMP = 2
_CHATTER = frozenset({130, 131, 132, 133, 134, 143})  # ICMPv6: multicast listeners (RFC 2710, RFC 3810), routers (RFC 4861)
_LOWEST_ETHERTYPE = 0x600  # below: 802.3 frames with LLC, as of a spanning tree
_UNWANTED = frozenset({"NO_SOCKET", "UNHANDLED_PROTO"})
_REFUSALS = frozenset({"port-closed", "nft-reject"})


@dataclass(frozen=True, slots=True)
class LinkState:
    """An interface when it was looked at last. `master` and `peer` are indexes, 0 for none."""

    name: str
    kind: str
    up: bool
    carrier: bool
    master: int = 0
    peer: int = 0


def is_chatter(packet: Packet) -> bool:
    """What IGMP and IPv6 say to everybody without being asked: few want it, and everybody else throws it away."""
    ip = packet.ip
    if ip is None:
        return False
    return ip.protocol == _IGMP or (ip.protocol == ICMPV6 and packet.icmp is not None and packet.icmp.type in _CHATTER)


def benign(event: Event, function: str, packet: Packet) -> bool:
    """Whether good packets end so too."""
    known = reasons().get(event.reason)
    if (event.reason, function) == ("NO_SOCKET", "ping_rcv") or (known is not None and known.benign) or is_chatter(packet):
        return True
    if 0 < event.protocol < _LOWEST_ETHERTYPE or (packet.ip is not None and _to_many(packet.ip.target)):  # who does not want it is no fault
        return event.reason in _UNWANTED or not candidates(event.reason, function)
    return False


def death_of(event: Event, node: str, function: str, ns: int, state: Callable[[], LinkState | None]) -> Death | None:
    """The death an event tells of. `ns`: its time as Unix time; `state`: what its interface is now."""
    packet = decode(bytes(12) + event.protocol.to_bytes(2, "big") + event.data)
    if benign(event, function, packet):
        return None
    found = candidates(event.reason, function)
    reason, grade = (found[0], PROVEN if len(found) == 1 else INFERRED) if found else (UNKNOWN, INFERRED)
    if "queue-drop" in found and len(found) > 1:
        reason, grade = _of_queue(state())
    return Death(
        ns, REFUSED if reason in _REFUSALS else DROPPED, node, reason, KERNEL, event.interface or None, grade=grade,
        packet=None if packet.ip is None and packet.arp is None else packet, length=event.length,
        kernel=KernelWord(event.reason, function),
    )


def _of_queue(state: LinkState | None) -> tuple[str, str]:
    """Which queue that drops silently it was: what is down or unplugged has the noop queue (net/sched/sch_generic.c)."""
    if state is None:
        return "queue-drop", INFERRED
    if not state.up:
        return "lo-down" if state.kind == "loopback" else "link-down", PROVEN
    return ("queue-drop" if state.carrier else "no-carrier"), PROVEN


def _to_many(target: bytes) -> bool:
    """Multicast, or the broadcast address of every segment."""
    return target[0] == 0xFF if len(target) == 16 else target[0] >> 4 == 0xE or target == b"\xff" * 4
