"""Random labs with Open vSwitch, macvlans and rates in place of plain bridges and cables; what breaks them, and what is odd in them.

Enters: a random source or a scene; leaves: a scene, an Injection, lines. Rule of the file: routes and hosts are those of worlds.py, only
the segments differ, so every general fault fits as well.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.faults import injections
from tests.faults.scenes import Injection, Maker, Question, Scene
from tests.faults.worlds import Leg, Seat, Segment, World, world

__all__ = ["MAKERS", "MOST_NODES", "changed", "oddities", "scene"]

MOST_NODES = 12


def changed(chance: Random, number: int, routers: tuple[int, ...] = (0, 1, 2, 3)) -> World:
    """A random lab, of whose segments at least one is of a kind of this file."""
    while True:
        made = world(chance, number)
        bridges = [one for one in made.segments if one.bridge]
        if bridges and len(made.everybody) <= MOST_NODES and len(made.routers) in routers:
            break
    for one in chance.sample(bridges, chance.randint(1, len(bridges))):
        chance.choice((_switch, _switch, _macvlan))(one, chance)
    for one in made.segments:
        if chance.random() < 0.25:
            one.extra.append("rate: 50mbit")
    return made


def _switch(one: Segment, chance: Random) -> None:
    one.kind = "ovs"
    if chance.random() < 0.5:
        vid = chance.randint(2, 4000)
        one.extra.append(f"tags: {{{', '.join(f'{seat.node}: {vid}' for seat in one.seats)}}}")
    if chance.random() < 0.3:
        flows = chance.choice((
            ['"priority=0,actions=normal"'],
            [f'"priority=20,{kind},actions=normal"' for kind in ("arp", "icmp", "icmp6", "tcp", "tcp6", "udp", "udp6")],
            ['"priority=5,arp,actions=flood"', '"priority=0,actions=normal"', '"priority=9,tcp,tp_dst=23,actions=drop"'],
        ))
        one.extra.append(f"flows: [{', '.join(flows)}]")


def _macvlan(one: Segment, _chance: Random) -> None:
    one.kind = "macvlan"
    one.seats = [replace(seat, port="") for seat in one.seats]


def scene(chance: Random, number: int) -> Scene:
    """A lab and a question whose way passes a segment of this file."""
    while True:
        made = changed(chance, number)
        pairs = [(src, dst) for src in made.hosts for dst in made.hosts if src != dst and _passes(made, src, dst)]
        if pairs:
            break
    src, dst = chance.choice(pairs)
    options: tuple[str, ...] = ()
    if chance.random() < 0.25 and (served := [pair for pair in pairs if pair[1] == made.server]):
        (src, dst), options = chance.choice(served), ("--tcp", str(made.port))
    return Scene(made, Question(src, dst, chance.choice(made.versions), options), made.way(src, dst), chance)


def _passes(made: World, src: str, dst: str) -> bool:
    return any(leg.segment.kind in {"ovs", "macvlan"} or "rate: 50mbit" in leg.segment.extra for leg in made.way(src, dst))


def _leg(scene: Scene, kind: str) -> Leg | None:
    legs = [leg for leg in scene.legs if leg.segment.kind == kind]
    return scene.chance.choice(legs) if legs else None


def _port(scene: Scene, leg: Leg) -> Seat:
    return scene.chance.choice([seat for seat in (leg.sender, leg.receiver) if seat.port])


def dropping_rule(scene: Scene) -> Injection | None:
    """A rule of the switch drops what passes, there or back, or the question for a MAC address."""
    if (leg := _leg(scene, "ovs")) is None:
        return None
    tcp = scene.question.options[:1] == ("--tcp",)
    four, port = scene.version == 4, scene.question.options[1] if tcp else ""
    kind = ("tcp" if tcp else "icmp") if four else ("tcp6" if tcp else "icmp6")
    destination, source = ("nw_dst", "nw_src") if four else ("ipv6_dst", "ipv6_src")
    there = f"tp_dst={port}" if tcp else f"icmp_type={8 if four else 128}"
    back = f"tp_src={port}" if tcp else f"icmp_type={0 if four else 129}"
    asked = leg.segment.address(leg.receiver, scene.version)
    match = scene.chance.choice((
        f"{kind},{there}", f"{kind},{back}", f"{kind},{destination}={scene.sent_to(leg)}", f"{kind},{source}={scene.sent_from(leg)}",
        f"{kind},{source}={scene.sent_to(leg)}", f"{'ip' if four else 'ipv6'},dl_src={{mac:{leg.sender.node}:{leg.sender.interface}}}",
        f"arp,arp_tpa={asked}" if four else f"icmp6,icmpv6_type=135,nd_target={asked}",
        *(f"in_port={seat.port}" for seat in (leg.sender, leg.receiver) if seat.port),
        f"dl_dst={{mac:{leg.receiver.node}:{leg.receiver.interface}}}",
    ))
    line = f"ovs-ofctl add-flow {leg.segment.name} 'priority={scene.chance.choice((30, 77, 40000))},{match},actions=drop'"
    return Injection("OpenFlow drop", (f"host: {line}",), ("openflow-drop",), ("host",))


def misleading_rule(scene: Scene) -> Injection | None:
    """A rule sends what one says to somebody else."""
    if (leg := _leg(scene, "ovs")) is None:
        return None
    others = [seat for seat in leg.segment.seats if seat not in {leg.sender, leg.receiver}]
    if not others:
        return None
    seat, other = _port(scene, leg), scene.chance.choice(others)
    line = f"ovs-ofctl add-flow {leg.segment.name} 'priority=33,in_port={seat.port},actions=output:{other.port}'"
    return Injection("OpenFlow elsewhere", (f"host: {line}",), ("openflow-drop",), ("host",))


def no_rule(scene: Scene) -> Injection | None:
    """The switch has no rule at all, or none but for ARP."""
    if (leg := _leg(scene, "ovs")) is None:
        return None
    lines = [f"host: ovs-ofctl del-flows {leg.segment.name}"]
    if scene.version == 4 and scene.chance.random() < 0.5:
        lines.append(f"host: ovs-ofctl add-flow {leg.segment.name} priority=3,arp,actions=normal")
    return Injection("OpenFlow empty", tuple(lines), ("openflow-drop",), ("host",))


def other_vlan(scene: Scene) -> Injection | None:
    """A port is in another VLAN than its neighbours, or has lost its own."""
    if (leg := _leg(scene, "ovs")) is None:
        return None
    seat = _port(scene, leg)
    tagged = any(key.startswith("tags") for key in leg.segment.extra)
    if not tagged and scene.chance.random() < 0.3:
        return Injection("OVS trunks", (f"host: ovs-vsctl set Port {seat.port} trunks=7,9",), ("ovs-tag-mismatch",), ("host",))
    lost = tagged and scene.chance.random() < 0.5
    line = f"clear Port {seat.port} tag" if lost else f"set Port {seat.port} tag={scene.chance.randint(4001, 4090)}"
    return Injection("OVS tag", (f"host: ovs-vsctl {line}",), ("ovs-tag-mismatch",), ("host",))


def port_gone(scene: Scene) -> Injection | None:
    """A port was taken off the switch, or is down."""
    if (leg := _leg(scene, "ovs")) is None:
        return None
    seat = _port(scene, leg)
    if scene.chance.random() < 0.7:
        return Injection("OVS port gone", (f"host: ovs-vsctl del-port {leg.segment.name} {seat.port}",), ("ovs-port-missing",), ("host",))
    return Injection("OVS port down", (f"host: ip link set dev {seat.port} down",), ("port-down", "link-down"), ("host",))


def apart(scene: Scene) -> Injection | None:
    """A macvlan passes frames to none of those beside it."""
    if (leg := _leg(scene, "macvlan")) is None:
        return None
    seat, mode = scene.chance.choice((leg.sender, leg.receiver)), scene.chance.choice(("private", "vepa"))
    line = f"{seat.node}: ip link set dev {seat.interface} type macvlan mode {mode}"
    return Injection(f"macvlan {mode}", (line,), ("port-isolated",), (seat.node,))


def parent_down(scene: Scene) -> Injection | None:
    """What the macvlans stand on is down."""
    if (leg := _leg(scene, "macvlan")) is None:
        return None
    return Injection("macvlan parent", (f"host: ip link set dev m-{leg.segment.name} down",), ("link-down", "no-carrier"), ("host",))


def starving(scene: Scene) -> Injection | None:
    """A bucket that no packet fits into, at one end or at a port."""
    leg = scene.chance.choice(scene.legs)
    seat = scene.chance.choice((leg.sender, leg.receiver))
    node, interface = seat.node, seat.interface
    if seat.port and leg.segment.kind == "bridge" and scene.chance.random() < 0.5:
        node, interface = seat.on, seat.port
    rate, burst = scene.chance.choice((("2mbit", 40), ("50mbit", 20), ("8kbit", 10)))
    line = f"{node}: tc qdisc replace dev {interface} root tbf rate {rate} burst {burst} limit 3000"
    return Injection("starving tbf", (line,), ("queue-drop",), (node,))


_OWN: tuple[Maker, ...] = (
    dropping_rule, dropping_rule, dropping_rule, misleading_rule, no_rule, other_vlan, other_vlan, port_gone, port_gone, apart, apart,
    parent_down, starving,
)
MAKERS: tuple[Maker, ...] = (*_OWN, *_OWN, *injections.MAKERS)


def oddities(scene: Scene) -> list[list[str]]:
    """What confuses a reader of such a lab and stops nothing."""
    found = []
    for leg in scene.legs:
        name, others = leg.segment.name, [seat for seat in leg.segment.seats if seat not in {leg.sender, leg.receiver}]
        if leg.segment.kind == "ovs":
            found += [
                [f"host: ovs-ofctl add-flow {name} priority=99,tcp,tp_dst=2323,actions=drop"],
                [f"host: ovs-ofctl add-flow {name} priority=98,icmp,nw_dst=203.0.113.9,actions=drop",
                 f"host: ovs-ofctl add-flow {name} priority=98,arp,arp_tpa=203.0.113.9,actions=drop"],
                [f"host: ovs-ofctl add-flow {name} 'priority=97,in_port={leg.sender.port},actions=resubmit(,3)'",
                 f"host: ovs-ofctl add-flow {name} table=3,priority=1,actions=normal"],
                [f"host: ovs-vsctl add-port {name} odd{name} tag=4094 -- set Interface odd{name} type=internal"],
                [f"host: ip link set dev {name} down"],
            ]
            found += [[f"host: ovs-vsctl set Port {seat.port} tag=4093"] for seat in others[:1]]
        if leg.segment.kind == "macvlan":
            node = leg.sender.node
            found += [
                [f"{node}: ip link add link {leg.sender.interface} name toy type macvlan mode private"],
                [f"host: ip link set dev m-{name} promisc on"],
            ]
            found += [[f"{seat.node}: ip link set dev {seat.interface} type macvlan mode private"] for seat in others[:1]]
    return found
