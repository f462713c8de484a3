"""What an nft trace says of a packet's end, as a Death.

Enter: trace events in order, the base chains of a node, the words of rules; leave: Deaths. Rule of the file: a drop is final wherever it
happens, everything else is on its way; the hook is that of the base chain in which the packet is, which it entered last.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from vethlab.kernel.netlink.nftables import Chain, TraceEvent
from vethlab.kernel.nft_rules import RuleText
from vethlab.observe.deaths import DROPPED, REFUSED, TRACE, Death, Rule
from vethlab.observe.decode import ARP, Packet, decode, decode_ip
from vethlab.observe.freed import is_chatter

__all__ = ["Ruled"]

_MOST = 4096
_LEAVING = frozenset({"output", "postrouting", "egress"})
_ARP_BEGINS = bytes.fromhex("000108000604")  # Ethernet and IPv4 (RFC 826); an IP header begins with its version


class Ruled:
    """Follows packets through the chains of one lab. `hook` and `death` want every event, in order."""

    def __init__(self) -> None:
        self._hooks: dict[str, dict[tuple[str, str, str], str]] = {}
        self._inside: OrderedDict[tuple[str, int], str] = OrderedDict()

    def learn(self, node: str, chains: Sequence[Chain]) -> None:
        """The base chains that a node has now."""
        self._hooks[node] = {(one.family, one.table, one.name): one.hook for one in chains}

    def forget(self, node: str) -> None:
        """The node has left, or has no rulesets any more."""
        self._hooks.pop(node, None)

    def follow(self, event: TraceEvent) -> str:
        """The hook in which the packet is; empty where it is not known. Every event has to pass here."""
        key = (event.node, event.id)
        hook = self._hooks.get(event.node, {}).get((event.family, event.table, event.chain))
        if hook is None:
            return self._inside.get(key, "")
        self._inside[key] = hook
        self._inside.move_to_end(key)
        if len(self._inside) > _MOST:
            self._inside.popitem(last=False)
        return hook

    def death(self, event: TraceEvent, hook: str, ns: int, interface: str | None, rule: RuleText | None) -> Death | None:
        """The death a final event tells of; None for other events, and for what IPv6 says to everybody."""
        if event.verdict != "drop":
            return None
        packet = _packet(event)
        if is_chatter(packet):
            return None
        rejects = rule is not None and rule.rejects
        return Death(
            ns, REFUSED if rejects else DROPPED, event.node, "nft-reject" if rejects else "nft-drop", TRACE, interface,
            hook=f"{event.family}/{hook}" if hook else event.family, packet=None if packet == Packet() else packet,
            length=len(event.network_header) + len(event.transport_header),
            rule=Rule(event.family, event.table, event.chain, event.handle, _words(event, rule)),
        )


def interface_of(event: TraceEvent, hook: str) -> int:
    """The index of the interface that the event is about, 0 for none."""
    return (event.oif if hook in _LEAVING else event.iif) or event.oif


def _words(event: TraceEvent, rule: RuleText | None) -> str:
    return f"policy {event.policy}" if event.kind == "policy" else rule.text if rule is not None else ""


def _packet(event: TraceEvent) -> Packet:
    body = event.network_header + event.transport_header
    return decode(bytes(12) + ARP.to_bytes(2, "big") + body) if body.startswith(_ARP_BEGINS) else decode_ip(body)
