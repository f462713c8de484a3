"""The way a packet should take, hop by hop, both directions, with every obstacle that can be told beforehand.

Enters: a flow, a scene; leaves: a Way. Rule of the file: a conversation without side effects. It yields questions (explain/questions.py)
and is sent answers; where an obstacle ends what the kernel will tell, it asks what would happen behind it, so that nobody mends one
obstacle and meets the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vethlab.explain import beyond, openflow_match, translate, tunnel
from vethlab.explain.carry import carry
from vethlab.explain.detour import gets_lost
from vethlab.explain.fib import match
from vethlab.explain.hop import Local, decide
from vethlab.explain.mistranslated import blame
from vethlab.explain.resolve import resolve
from vethlab.explain.rules import bridge as bridges
from vethlab.explain.rules import deliver, link, macvlan, outer, route, switch
from vethlab.explain.rules.bridge import Frame
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.segment import members
from vethlab.explain.travel import Travel
from vethlab.explain.unhidden import bare, passed_by, shown_beyond
from vethlab.explain.way import Way
from vethlab.model import finding as findings
from vethlab.model.address import IP
from vethlab.model.finding import Finding
from vethlab.model.flow import ARP, Flow
from vethlab.model.journey import IN, OUTER, REPLY, REQUEST
from vethlab.model.link import LOOPBACK, End

__all__ = ["Walked", "leg", "walk"]

MOST_HOPS = 300  # a packet has 255 at most


@dataclass(frozen=True, slots=True)
class Walked:
    """The way, and the source address the kernel chose."""

    way: Way
    source: IP | None
    interface: str | None


def walk(scene: Scene, flow: Flow) -> Asking[Walked]:
    """Follow the flow there and back."""
    way = Way()
    source, target = flow.src.address, flow.dst.address
    if flow.src.node is None or target is None:
        return Walked(way, source, None)
    there = Travel(
        REQUEST, target, source, flow.length, bound=flow.src.interface, only_neighbour=flow.kind == ARP, kind=flow.kind, port=flow.port,
    )
    arrived = yield from leg(scene, way, there, flow.src.node)
    left_by = there.left_by
    sender = there.chosen or there.source
    way.flow = flow.sent_from(sender)
    if flow.kind == ARP:
        return Walked(way, sender, left_by)
    node = arrived.netns if arrived is not None else _meant_node(scene, flow, there.target)
    if node is not None and there.source is not None and there.flaw is None:
        snapshot = yield from scene.look(node)
        way.visits(node)
        if route.holds(snapshot, there.target) or arrived is not None:
            way.block(*deliver.answered(
                node, None if arrived is None else arrived.interface, snapshot, replace(flow, port=there.port), there.target,
            ))
            way.clear("echo-ignored", "port-closed")
        way.leg = findings.REPLY
        again = Travel(REPLY, there.source, there.target, flow.length, kind=flow.kind, served=there.port)
        back = yield from leg(scene, way, again, node)
        if back is not None and back.netns != flow.src.node:  # it was for somebody else
            way.delivered.discard(findings.REPLY)
        elif back is not None and (missed := passed_by(scene, way, again.source)) is not None:
            way.suspect(missed)
    elif way.left is not None and there.source is not None:
        way.leg = findings.REPLY
        way.block(*shown_beyond(scene, there.source, there.target, way.left))
        beyond.comes_back(way, way.left)
        answer = Travel(REPLY, there.source, there.target, flow.length, kind=flow.kind, served=there.port)
        yield from leg(scene, way, answer, way.left.netns, way.left.interface)
    way.addresses = {name: frozenset(held.address.ip for held in one.addresses) for name, one in scene.snapshots.items()}
    yield from blame(scene, way, flow, sender, target)
    return Walked(way, sender, left_by)


def _meant_node(scene: Scene, flow: Flow, target: IP) -> str | None:
    """Where the reply would come from, had the request arrived; `target`: where it was going in the end."""
    if flow.dst.node is not None and target == flow.dst.address:
        return flow.dst.node
    owners = scene.wiring.owners(target)
    return owners[0].netns if owners else None


def leg(scene: Scene, way: Way, travel: Travel, origin: str, came: str | None = None) -> Asking[End | None]:
    """One direction. Returns where the packet was delivered, None where the way ends before that. `came`: by what it enters the lab."""
    begin, decided = len(way.obstacles), list[int]()
    arrived = yield from _follow(scene, way, travel, origin, came, decided)
    mine = way.obstacles[begin:]
    if any(one.is_detour for one in mine):
        way.settle(begin, decided, arrived=arrived is not None, lost=(yield from gets_lost(scene, way, mine)))
    return arrived


def _follow(
    scene: Scene, way: Way, travel: Travel, node: str, came: str | None, decided: list[int],
) -> Asking[End | None]:
    """From node to node. `decided`: after each router the number of points up to there."""
    for _ in range(MOST_HOPS):
        way.routes(node)
        decision = yield from decide(scene, way, travel, node, came)
        decided.append(len(way.points))
        if decision is None:
            return None
        if isinstance(decision, Local):
            translate.goes(scene, way, travel, node, came, "", travel.target)
            return (yield from _deliver(scene, way, travel, node, came))
        translate.goes(scene, way, travel, node, came, decision.interface, decision.next_hop)
        sender = End(node, decision.interface)
        way.block(*bare(scene, travel, sender))
        if came is None:
            travel.left_by = decision.interface
        sent = len(way.points)
        arrived = yield from _send(scene, way, travel, sender, decision.next_hop, decision.mtu)
        if came == decision.interface:
            _turns(scene, way, travel, sender, sent)
        if arrived is None or travel.only_neighbour:
            return None
        travel.previous = sender
        node, came = arrived.netns, arrived.interface
    return None


def _turns(scene: Scene, way: Way, travel: Travel, bridge: End, sent: int) -> None:
    """It was led elsewhere where it came in, and leaves by the same bridge: by the same port too? `sent`: the points up to there."""
    if travel.target == travel.before[1] or not scene.is_bridge(bridge) or scene.is_switch(bridge) or sent < 2:
        return
    came = way.points[sent - 2]
    port = End(came.node, came.interface)
    again = (at for at, one in enumerate(way.points) if at >= sent and one.what == travel.what and End(one.node, one.interface) == port)
    at = next(again, None)
    if at is None or scene.bridge_of(port) != bridge:
        return
    if (off := bridges.turning(scene, port, travel.target.version)) is not None:
        way.block_at(at, off)
    way.clear("hairpin-off")


def _deliver(scene: Scene, way: Way, travel: Travel, node: str, came: str | None) -> Asking[End]:
    """The packet is for this node: from outside it is there, from itself it goes over lo (the local table is asked first)."""
    way.delivered.add(way.leg)
    if came is not None:
        way.suspect(*([] if travel.unchecked is None else [travel.unchecked]))
        return End(node, came)
    yield from scene.look(node)
    lo = End(node, LOOPBACK)
    way.block(*link.departure(scene, lo))
    way.passes(lo, IN, travel.what)
    way.clear("lo-down")
    return lo


def _send(scene: Scene, way: Way, travel: Travel, sender: End, next_hop: IP, route_mtu: int) -> Asking[End | None]:
    """Out of an interface to the next hop. Returns the interface that gets it."""
    yield from scene.look(sender.netns)
    interface = scene.interface(sender)
    if interface is None:
        return None
    mtu = min(interface.mtu, route_mtu) if route_mtu else interface.mtu
    if travel.length > mtu and travel.what == REPLY and (next_hop.version == 4 or sender.netns == travel.origin):
        travel.length = mtu  # no echo reply says don't-fragment (icmp_init: IP_PMTUDISC_DONT); IPv6 is cut by its sender alone
    elif travel.length > mtu and travel.what == OUTER and _may_be_cut(travel, sender, next_hop):
        travel.length = mtu
    elif travel.length > mtu:
        under = yield from macvlan.narrow(scene, sender, travel.length)
        way.block(outer.uncut(scene, travel, sender, under or _narrow(scene, travel, sender, interface.mtu, mtu)))
    way.clear("mtu-exceeded")
    if beyond.leaves(scene, way, travel, sender, next_hop):
        return None
    segment = yield from members(scene, sender)
    found = yield from resolve(scene, way, sender, next_hop, travel.source, travel.target, segment)
    if found is None:
        return None
    if not travel.only_neighbour:
        frame = Frame(travel.what, found.mac, travel.length, next_hop.version, interface.mac, openflow_match.packet(travel))
        yield from carry(scene, way, found.track, frame)
        left = switch.unchecked(scene, sender, found.track, frame) or tunnel.unchecked(scene, found.track, frame)
        travel.unchecked = travel.unchecked or left
    if found.missed is not None:
        way.block_arrival(found.missed)
    return found.owner


def _narrow(scene: Scene, travel: Travel, sender: End, wide: int, mtu: int) -> Finding:
    """The interface has no room, or it has and the route itself says less."""
    if wide < travel.length:
        return route.too_large(sender.netns, sender.interface, mtu, travel.length, (link.raised(sender, travel.length),))
    line = match(scene.snapshots[sender.netns], travel.target, source=travel.source).route
    title = f"let the interface say what fits the route of {sender.netns} to {travel.target}"
    remedies = route.bare(sender.netns, line, title) if line is not None and line.mtu else ()
    return route.too_large(sender.netns, sender.interface, mtu, travel.length, remedies, wide=True)


def _may_be_cut(travel: Travel, sender: End, next_hop: IP) -> bool:
    """Of IPv4 any router cuts an outer packet, unless its device was told to have it say don't-fragment (vxlan_xmit_one, df).

    Its origin does so only if what it carries may be cut too: else it tells who sent that (skb_tunnel_check_pmtu).
    """
    return not travel.whole and (travel.cut if sender.netns == travel.origin else next_hop.version == 4)
