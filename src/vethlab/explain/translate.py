"""A packet that is translated on its way: before it is routed, after it, and the other way round on the way back.

Enters: a travel in a node; leaves: the travel with the addresses that the node gives it, and a Binding in the way that the answer is
turned back by. Rule of the file: only the first packet of a connection meets rules; what comes back meets what the kernel remembers
(nf_nat_packet turns destinations at prerouting and output, sources at postrouting; what is turned at input is seen, not foretold).
"""

from __future__ import annotations

from collections.abc import Mapping

from vethlab.explain.nat import Packet, decides
from vethlab.explain.scene import Scene
from vethlab.explain.travel import Travel
from vethlab.explain.way import Binding, Way
from vethlab.model.address import IP
from vethlab.model.journey import REQUEST
from vethlab.model.snapshot import Snapshot

__all__ = ["comes", "goes", "packet"]

_ICMP = {4: "icmp", 6: "ipv6-icmp"}
_PROTOCOLS: Mapping[str, str] = {"tcp": "tcp", "udp": "udp"}


def packet(travel: Travel, *, iif: str = "", oif: str = "") -> Packet | None:
    """The travel as a hook sees it; None while its source is not known."""
    if travel.source is None:
        return None
    protocol = _PROTOCOLS.get(travel.kind, _ICMP[travel.target.version])
    return Packet(protocol, travel.source, travel.target, travel.port, iif, oif, any(hit.hook != "postrouting" for hit in travel.hits))


def comes(scene: Scene, way: Way, travel: Travel, node: str, came: str | None) -> bool:
    """Destinations change before the packet is routed. Returns whether this one did. `came` None: it is the node's own."""
    travel.before, travel.hits, travel.turned = (travel.source, travel.target, travel.port), [], None
    if travel.what != REQUEST:
        return _returns(way, travel, node)
    snapshot, seen = scene.snapshots[node], packet(travel, iif=came or "", oif="")
    hook = "output" if came is None else "prerouting"
    found = None if seen is None else decides(snapshot, hook, seen)
    if found is None:
        return False
    travel.hits.append(found)
    target = found.rule.address
    if found.rule.verdict == "redirect":
        target = _own(snapshot, came, travel.target)
    was = travel.target, travel.port
    travel.target, travel.port = target or travel.target, found.rule.port or travel.port
    return was != (travel.target, travel.port)


def goes(scene: Scene, way: Way, travel: Travel, node: str, came: str | None, leaves: str, next_hop: IP) -> None:
    """Sources change when the packet has been routed; `leaves` empty: it stays here."""
    if travel.what != REQUEST:
        if travel.turned is not None:
            travel.source, travel.port = travel.turned.target, travel.turned.port
        return
    snapshot, seen = scene.snapshots[node], packet(travel, iif=came or "", oif=leaves)
    found = decides(snapshot, "postrouting", seen) if seen is not None and leaves else None
    if found is not None:
        travel.hits.append(found)
        new = found.rule.address if found.rule.verdict == "snat" else _hiding(snapshot, leaves, next_hop)
        travel.source = new or travel.source
    source, target, port = travel.before
    if source is None or target is None or travel.source is None:
        return
    if (source, target, port) != (travel.source, travel.target, travel.port):
        now = travel.source, travel.target, travel.port
        way.bindings.append(Binding(node, source, target, port, *now, leaves, len(way.points), tuple(travel.hits)))


def _returns(way: Way, travel: Travel, node: str) -> bool:
    """An answer to what this node translated goes to whom that was for."""
    for one in reversed(way.bindings):
        if one.node == node and (travel.source, travel.target) == (one.now_target, one.now_source):
            travel.turned = one
            changed = travel.target != one.source
            travel.target = one.source
            return changed
    return False


def _own(snapshot: Snapshot, came: str | None, target: IP) -> IP | None:
    """Where `redirect` leads: the first address of the interface, of the node's own packets loopback (nf_nat_redirect.c)."""
    if came is None:
        return type(target)("127.0.0.1" if target.version == 4 else "::1")
    return _hiding(snapshot, came, target)


def _hiding(snapshot: Snapshot, interface: str, near: IP) -> IP | None:
    """The address that `masquerade` takes: of that interface, in the subnet of the next hop if there is one (inet_select_addr)."""
    held = [one.address for one in snapshot.addresses if one.interface == interface and one.address.version == near.version]
    held = [one for one in held if not one.ip.is_link_local] or held
    return next((one.ip for one in held if near in one.network), held[0].ip if held else None)

