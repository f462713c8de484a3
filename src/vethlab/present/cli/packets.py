"""Packets as people and programs read them: a line each, as text or as JSON.

Enters: frames of a capture; leaves: lines. Rule of the file: the time is that of the kernel, to the microsecond for people and to the
nanosecond for programs; `>` left the node, `<` came in.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from vethlab.kernel.packet import PACKET_OUTGOING
from vethlab.observe.decode import decode, decode_ip
from vethlab.observe.text import address, line, protocol

if TYPE_CHECKING:
    from vethlab.kernel.packet import Held
    from vethlab.observe.interfaces import Interface

__all__ = ["as_json", "as_text", "clock", "utc"]


def as_text(width: int) -> Callable[[Held, Interface], str]:
    """Lines such as `21:24:01.245882 a:eth0 > ARP who-has 10.0.0.2 tell 10.0.0.1`; places take `width` columns at least."""

    def show(frame: Held, where: Interface) -> str:
        seconds, ns = divmod(frame.ns, 1_000_000_000)
        arrow = ">" if frame.kind == PACKET_OUTGOING else "<"
        packet = decode(frame.data) if where.ethernet else decode_ip(frame.data)
        return f"{clock(seconds)}.{ns // 1000:06d} {where!s:<{width}} {arrow} {line(packet, frame.length)}"

    return show


def as_json(lab: str) -> Callable[[Held, Interface], str]:
    """One JSON object a packet."""

    def show(frame: Held, where: Interface) -> str:
        seconds, ns = divmod(frame.ns, 1_000_000_000)
        packet = decode(frame.data) if where.ethernet else decode_ip(frame.data)
        ports = packet.tcp or packet.udp
        ip, arp = packet.ip, packet.arp
        ends = (ip.source, ip.target) if ip is not None else (arp.sender, arp.target) if arp is not None else None
        return json.dumps({
            "type": "packet", "t": f"{utc(seconds)}.{ns:09d}Z", "ns": frame.ns, "lab": lab,
            "where": {"node": where.node, "interface": where.name}, "direction": "out" if frame.kind == PACKET_OUTGOING else "in",
            "length": frame.length, "captured": len(frame.data), "protocol": protocol(packet),
            "src": address(ends[0]) if ends else None, "dst": address(ends[1]) if ends else None,
            "src_port": ports.source if ports else None, "dst_port": ports.target if ports else None, "says": line(packet, frame.length),
        })

    return show


@lru_cache(maxsize=4)
def clock(seconds: int) -> str:
    """The time of day, here."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


@lru_cache(maxsize=4)
def utc(seconds: int) -> str:
    """Date and time, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
