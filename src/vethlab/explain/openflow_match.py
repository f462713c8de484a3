"""Frames in the words of OpenFlow (ovs-fields(7)), so that a switch can be asked what it does with them.

Enters: what is sent; leaves: a match without the port and the hardware addresses. Rule of the file: what a probe of ours looks like; a port
number that its kernel chooses is left open.
"""

from __future__ import annotations

from vethlab.explain.travel import Travel
from vethlab.model.address import IP
from vethlab.model.flow import TCP, UDP
from vethlab.model.journey import REPLY

__all__ = ["answer", "packet", "question"]

_SYN, _SYN_ACK = "0x002", "0x012"
_TTL = 64  # a trace begins with 0, which rules that count hops drop; neighbour discovery has 255 (RFC 4861)


def question(asked: IP, asker: IP | None) -> str:
    """An ARP request, or a neighbour solicitation."""
    if asked.version == 4:
        return f"arp,arp_op=1,arp_tpa={asked}" + (f",arp_spa={asker}" if asker is not None else "")
    return f"icmp6,nw_ttl=255,icmpv6_type=135,nd_target={asked}" + (f",ipv6_src={asker}" if asker is not None else "")


def answer(asked: IP, asker: IP | None) -> str:
    """The reply to that."""
    if asked.version == 4:
        return f"arp,arp_op=2,arp_spa={asked}" + (f",arp_tpa={asker}" if asker is not None else "")
    return f"icmp6,nw_ttl=255,icmpv6_type=136,nd_target={asked},ipv6_src={asked}" + (f",ipv6_dst={asker}" if asker is not None else "")


def packet(travel: Travel) -> str:
    """The probe itself, or its reply."""
    six, back = travel.target.version == 6, travel.what == REPLY
    source, target = ("ipv6_src", "ipv6_dst") if six else ("nw_src", "nw_dst")
    ends = (f",{source}={travel.source}" if travel.source is not None else "") + f",{target}={travel.target},nw_ttl={_TTL}"
    if travel.kind in {TCP, UDP}:
        port = f",{travel.kind}_{'src' if back else 'dst'}={travel.served if travel.port is None else travel.port}"
        flags = f",tcp_flags={_SYN_ACK if back else _SYN}" if travel.kind == TCP else ""
        return f"{travel.kind}{'6' if six else ''}{ends}{port}{flags}"
    echo = (129 if back else 128) if six else (0 if back else 8)
    return f"icmp6{ends},icmpv6_type={echo}" if six else f"icmp{ends},icmp_type={echo}"
