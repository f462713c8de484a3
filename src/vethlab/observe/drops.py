"""What others than rings say of the probe's end: an nft trace, and the kernel's own drop reasons.

Enters: trace events, BPF events, and who tells ours from others'; leaves: FirewallDrops and KernelDrops. Rule of the file: ask `Ours` about
the rings' frames first, since a header in a trace is cut short. A drop that happens to every good packet is none: the copy for a socket
that nobody has (ping_rcv), the one that a bridge floods to others, what is thrown away with its owner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from vethlab.kernel.bpf.tracer import Event
from vethlab.kernel.netlink.nftables import Chain, TraceEvent
from vethlab.kernel.nft_rules import RuleText
from vethlab.model.journey import FirewallDrop, KernelDrop
from vethlab.observe.decode import ARP, Packet, decode, decode_ip
from vethlab.observe.ours import Ours

__all__ = ["firewall_drops", "kernel_drops"]

_LEAVING = frozenset({"output", "postrouting", "egress"})
_ARP_BEGINS = bytes.fromhex("000108000604")  # Ethernet and IPv4 (RFC 826); an IP header begins with its version
_BENIGN = frozenset({"OTHERHOST", "QUEUE_PURGE", "SKB_CONSUMED", "CONSUMED", "SOCKET_FILTER", "PACKET_SOCK_ERROR"})
_BENIGN_PLACES = frozenset({("NO_SOCKET", "ping_rcv"), ("NO_SOCKET", "icmp_rcv")})
Rule = Callable[[str, str, str, int], RuleText | None]  # node, family, table, handle


def firewall_drops(
    events: Iterable[TraceEvent], chains: Mapping[str, Sequence[Chain]], ours: Ours, name: Callable[[str, int], str], rule: Rule,
) -> list[FirewallDrop]:
    """Every rule or policy that ended a packet of ours, once. `name`: of an interface of a node."""
    hooks = {(node, one.family, one.table, one.name): one.hook for node, found in chains.items() for one in found}
    current: dict[tuple[str, int], str] = {}
    drops: dict[tuple[object, ...], FirewallDrop] = {}
    for event in events:
        hook = hooks.get((event.node, event.family, event.table, event.chain))
        if hook is not None:  # a base chain; those that it jumps to have none of their own
            current[event.node, event.id] = hook
        if event.verdict != "drop" or (what := ours.what(*_packet(event.network_header + event.transport_header))) is None:
            continue
        key = (event.node, event.family, event.table, event.chain, event.handle, what, event.iif, event.oif)
        if key not in drops:
            drops[key] = _firewall_drop(event, current.get((event.node, event.id), ""), what, name, rule)
    return list(drops.values())


def _firewall_drop(event: TraceEvent, hook: str, what: str, name: Callable[[str, int], str], rule: Rule) -> FirewallDrop:
    index = event.oif if hook in _LEAVING else event.iif
    text = None if event.handle is None else rule(event.node, event.family, event.table, event.handle)
    return FirewallDrop(
        event.node, event.family, event.table, event.chain, hook, what, name(event.node, index) if index else None, event.handle,
        text=text.text if text is not None else "", rejects=text is not None and text.rejects,
        specific=text is None or not text.unconditional, position=text.position if text is not None else 0,
    )


def kernel_drops(
    events: Iterable[Event], nodes: Mapping[int, str], ours: Ours, function: Callable[[int], str], *, since: int,
) -> list[KernelDrop]:
    """Where and why the kernel freed packets of ours, each place once. `since`: what is 0 on the clock of the events (CLOCK_MONOTONIC)."""
    drops: dict[tuple[str, ...], KernelDrop] = {}
    for event in events:
        if event.kind != "drop" or event.reason in _BENIGN or event.netns not in nodes:
            continue
        what = ours.what(*_packet(event.data))
        if what is None:
            continue
        place = function(event.location)
        if (event.reason, place) not in _BENIGN_PLACES:
            drop = KernelDrop(nodes[event.netns], event.interface, event.reason, place, what, event.ns - since)
            drops.setdefault((drop.node, drop.interface, drop.reason, place, what), drop)
    return list(drops.values())


def _packet(body: bytes) -> tuple[Packet, bytes]:
    """A packet that begins with its network header, and its bytes."""
    if body.startswith(_ARP_BEGINS):
        return decode(bytes(12) + ARP.to_bytes(2, "big") + body), body
    return decode_ip(body), body
