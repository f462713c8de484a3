"""What others than rings say of the probe's end: an nft trace, and the kernel's own drop reasons.

Enters: trace events, BPF events, and who tells ours from others'; leaves: FirewallDrops and KernelDrops. Rule of the file: ask `Ours` about
the rings' frames first, since a header in a trace is cut short. A drop that happens to every good packet is none (explain.reasons), nor are
those at places where only this probe's packets end well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address

from vethlab.explain.reasons import reasons
from vethlab.kernel.bpf.tracer import Event
from vethlab.kernel.netlink.nftables import Chain, TraceEvent
from vethlab.kernel.nft_rules import RuleText
from vethlab.model.journey import ANSWER, OUTER, REPLY, REQUEST, SOLICIT, FirewallDrop, KernelDrop, Outer
from vethlab.observe.decode import ARP, Packet, decode, decode_ip
from vethlab.observe.ours import Ours

__all__ = ["firewall_drops", "kernel_drops", "untracked"]

_CONNTRACK = -200  # the priority of connection tracking (NF_IP_PRI_CONNTRACK): `notrack` works in chains that come before it
_LEAVING = frozenset({"output", "postrouting", "egress"})
_ARP_BEGINS = bytes.fromhex("000108000604")  # Ethernet and IPv4 (RFC 826); an IP header begins with its version
_GOOD_ENDS = frozenset({
    ("NO_SOCKET", "ping_rcv", REPLY),  # the raw socket has had its copy
    ("NOT_SPECIFIED", "ip6_mc_input", SOLICIT),  # flooded to those who are not in the group
    ("NOT_SPECIFIED", "icmpv6_rcv", ANSWER),  # nobody in the kernel asked: it is the packet socket's
})
_CLOSED = "TCP_ABORT_ON_DATA"  # our FIN is acknowledged, and nothing lingers (TCP_LINGER2); no probe sends data
Rule = Callable[[str, str, str, int], RuleText | None]  # node, family, table, handle


def firewall_drops(
    events: Iterable[TraceEvent], chains: Mapping[str, Sequence[Chain]], ours: Ours, name: Callable[[str, int], str], rule: Rule,
    outers: Sequence[Outer] = (),
) -> list[FirewallDrop]:
    """Every rule or policy that ended a packet of ours, once. `name`: of an interface of a node.

    `outers`: packets that may carry ours, known by their ends: a trace shows too little to look into one.
    """
    def ends(event: TraceEvent, _base: Chain | None) -> bool:
        return event.verdict == "drop"

    return _told(events, chains, ours, name, rule, outers, ends)


def untracked(
    events: Iterable[TraceEvent], chains: Mapping[str, Sequence[Chain]], ours: Ours, name: Callable[[str, int], str], rule: Rule,
) -> list[FirewallDrop]:
    """Every rule that took a packet of ours out of connection tracking, and so out of translation, once."""
    def early(event: TraceEvent, base: Chain | None) -> bool:
        return event.handle is not None and base is not None and base.priority < _CONNTRACK

    return [one for one in _told(events, chains, ours, name, rule, (), early) if "notrack" in one.text.split()]


def _told(
    events: Iterable[TraceEvent], chains: Mapping[str, Sequence[Chain]], ours: Ours, name: Callable[[str, int], str], rule: Rule,
    outers: Sequence[Outer], wanted: Callable[[TraceEvent, Chain | None], bool],
) -> list[FirewallDrop]:
    bases = {(node, one.family, one.table, one.name): one for node, found in chains.items() for one in found}
    current: dict[tuple[str, int], Chain] = {}
    told: dict[tuple[object, ...], FirewallDrop] = {}
    for event in events:
        base = bases.get((event.node, event.family, event.table, event.chain))
        if base is not None:  # those that it jumps to have no hook of their own
            current[event.node, event.id] = base
        base = current.get((event.node, event.id))
        if not wanted(event, base):
            continue
        packet, data = _packet(event.network_header + event.transport_header)
        outer = next((one for one in outers if _is(packet, one)), None)
        what = ours.what(packet, data) if outer is None else OUTER
        if what is None:
            continue
        key = (event.node, event.family, event.table, event.chain, event.handle, what, event.iif, event.oif)
        if key not in told:
            drop = _firewall_drop(event, "" if base is None else base.hook, what, name, rule)
            told[key] = replace(_addressed(drop, packet), outer=outer)
    return list(told.values())


def _is(packet: Packet, outer: Outer) -> bool:
    ip, udp = packet.ip, packet.udp
    return ip is not None and udp is not None and (ip.source, ip.target, udp.target) == (
        outer.source.packed, outer.target.packed, outer.port,
    )


def _firewall_drop(event: TraceEvent, hook: str, what: str, name: Callable[[str, int], str], rule: Rule) -> FirewallDrop:
    index = event.oif if hook in _LEAVING else event.iif
    text = None if event.handle is None else rule(event.node, event.family, event.table, event.handle)
    return FirewallDrop(
        event.node, event.family, event.table, event.chain, hook, what, name(event.node, index) if index else None, event.handle,
        text=text.text if text is not None else "", rejects=text is not None and text.rejects,
        specific=text is None or not text.unconditional, position=text.position if text is not None else 0,
    )


def _addressed(drop: FirewallDrop, packet: Packet) -> FirewallDrop:
    """With the addresses that the packet has there."""
    ip, ports = packet.ip, packet.tcp or packet.udp
    if ip is None or drop.what not in {REQUEST, REPLY}:
        return drop
    port = None if ports is None else ports.source if drop.what == REPLY else ports.target
    return replace(drop, source=ip_address(ip.source), target=ip_address(ip.target), port=port)


def kernel_drops(
    events: Iterable[Event], nodes: Mapping[int, str], ours: Ours, function: Callable[[int], str], *, since: int,
) -> list[KernelDrop]:
    """Where and why the kernel freed packets of ours, each place once. `since`: what is 0 on the clock of the events (CLOCK_MONOTONIC)."""
    drops: dict[tuple[str, ...], KernelDrop] = {}
    for event in events:
        known = reasons().get(event.reason)
        if event.kind != "drop" or event.netns not in nodes or event.reason == _CLOSED or (known is not None and known.benign):
            continue
        what = ours.what(*_packet(event.data))
        if what is None:
            continue
        place = function(event.location)
        if (event.reason, place, what) not in _GOOD_ENDS:
            drop = KernelDrop(nodes[event.netns], event.interface, event.reason, place, what, event.ns - since)
            drops.setdefault((drop.node, drop.interface, drop.reason, place, what), drop)
    return list(drops.values())


def _packet(body: bytes) -> tuple[Packet, bytes]:
    """A packet that begins with its network header, and its bytes."""
    if body.startswith(_ARP_BEGINS):
        return decode(bytes(12) + ARP.to_bytes(2, "big") + body), body
    return decode_ip(body), body
