"""Random faults: what to type into which node of a World, and what is true then.

Enters: a world, a way through it, a random source; leaves: an Injection, or None where the fault does not fit. Rule of the file: written
from what the kernel does, not from what `why` answers.
"""

from __future__ import annotations

from tests.faults.scenes import LARGE, Injection, Maker, Scene
from tests.faults.worlds import Leg, Seat


def _routers(scene: Scene) -> list[tuple[Leg, Leg]]:
    """Each router of the way with the legs before and behind it."""
    return list(zip(scene.legs, scene.legs[1:], strict=False))


def _bridged(scene: Scene) -> list[Leg]:
    return [leg for leg in scene.legs if leg.segment.kind in {"bridge", "vxlan"}]


def _ported(leg: Leg) -> list[Seat]:
    """Who sits at a port of the bridge, and is not its owner."""
    return [seat for seat in (leg.sender, leg.receiver) if seat.port]


def receiver_down(scene: Scene) -> Injection | None:
    """An interface that should receive is down."""
    leg = scene.chance.choice(scene.legs)
    line = f"{leg.receiver.node}: ip link set dev {leg.receiver.interface} down"
    return Injection("receiver down", (line,), _off(leg, leg.receiver), (leg.receiver.node,))


def sender_down(scene: Scene) -> Injection | None:
    """An interface that should send is down."""
    leg = scene.chance.choice(scene.legs)
    line = f"{leg.sender.node}: ip link set dev {leg.sender.interface} down"
    return Injection("sender down", (line,), _off(leg, leg.sender), (leg.sender.node,))


def _off(leg: Leg, seat: Seat) -> tuple[str, ...]:
    """Of a bridge's own interface, and of a switch's, which is both."""
    own = seat.interface == leg.segment.name
    return ("bridge-down",) if own and leg.segment.bridge else ("bridge-down", "link-down") if own else ("link-down",)


def _port(scene: Scene, name: str, line: str, finding: str) -> Injection | None:
    if not (legs := _bridged(scene)):
        return None
    seat = scene.chance.choice(_ported(scene.chance.choice(legs)))
    return Injection(name, (f"{seat.on}: {line.format(port=seat.port)}",), (finding,), (seat.on,))


def port_detached(scene: Scene) -> Injection | None:
    """A port has no master."""
    return _port(scene, "port detached", "ip link set dev {port} nomaster", "port-detached")


def port_down(scene: Scene) -> Injection | None:
    """A port is down."""
    return _port(scene, "port down", "ip link set dev {port} down", "port-down")


def port_blocked(scene: Scene) -> Injection | None:
    """A port is not forwarding."""
    return _port(scene, "port blocked", f"bridge link set dev {{port}} state {scene.chance.choice((0, 1, 2))}", "port-blocked")


def ports_isolated(scene: Scene) -> Injection | None:
    """Both ports are isolated."""
    legs = [leg for leg in _bridged(scene) if len(_ported(leg)) == 2 and leg.sender.on == leg.receiver.on]
    if not legs:
        return None
    leg = scene.chance.choice(legs)
    lines = tuple(f"{seat.on}: bridge link set dev {seat.port} isolated on" for seat in (leg.sender, leg.receiver))
    return Injection("ports isolated", lines, ("port-isolated",), (leg.sender.on,))


def bridge_down(scene: Scene) -> Injection | None:
    """The bridge is down."""
    if not (legs := _bridged(scene)):
        return None
    leg = scene.chance.choice(legs)
    return Injection("bridge down", (f"{leg.receiver.on}: ip link set dev {leg.segment.name} down",), ("bridge-down",), (leg.receiver.on,))


def wrong_entry(scene: Scene) -> Injection | None:
    """A sticky entry sends a MAC to another port."""
    legs = [leg for leg in _bridged(scene) if leg.receiver.port and _bystanders(leg)]
    if not legs:
        return None
    leg = scene.chance.choice(legs)
    other = scene.chance.choice(_bystanders(leg))
    line = f"{other.on}: bridge fdb replace {{mac:{leg.receiver.node}:{leg.receiver.interface}}} dev {other.port} master static sticky"
    return Injection("wrong forwarding entry", (line,), ("fdb-wrong",), (other.on,))


def _bystanders(leg: Leg) -> list[Seat]:
    """Who sits at the receiver's bridge beside the two."""
    both = {leg.sender, leg.receiver}
    return [seat for seat in leg.segment.seats if seat not in both and seat.on == leg.receiver.on and seat.port]


def no_address(scene: Scene) -> Injection | None:
    """The destination has lost its address."""
    last = scene.legs[-1].receiver
    line = f"{last.node}: {scene.ip} address flush dev {last.interface} scope global"
    return Injection("address gone", (line,), ("no-address",), (last.node,))


def no_route(scene: Scene) -> Injection | None:
    """Somebody on the way has lost its route."""
    if len(scene.legs) < 2:
        return None
    node = scene.legs[scene.chance.randrange(len(scene.legs) - 1)].sender.node
    route = scene.world.route(node, scene.legs[-1].segment, scene.version)
    return None if route is None else Injection("no route", (f"{node}: {scene.ip} route del {route}",), ("no-route",), (node,))


def no_return(scene: Scene) -> Injection | None:
    """Somebody on the way back has lost its route."""
    if len(scene.legs) < 2:
        return None
    node = scene.legs[scene.chance.randrange(1, len(scene.legs))].receiver.node
    route = scene.world.route(node, scene.legs[0].segment, scene.version)
    return None if route is None else Injection("no way back", (f"{node}: {scene.ip} route del {route}",), ("no-return-route",), (node,))


def refusing_route(scene: Scene) -> Injection | None:
    """A route on the way refuses."""
    kind = scene.chance.choice(("blackhole", "unreachable", "prohibit"))
    leg = scene.chance.choice(scene.legs)
    node, length = leg.sender.node, 32 if scene.version == 4 else 128
    line = f"{node}: {scene.ip} route add {kind} {scene.sent_to(leg)}/{length}"
    return Injection(f"{kind} route", (line,), ("route-blackhole",), (node,))


def refusing_rule(scene: Scene) -> Injection | None:
    """A policy rule on the way refuses."""
    kind = scene.chance.choice(("blackhole", "unreachable", "prohibit"))
    leg = scene.chance.choice(scene.legs)
    node = leg.sender.node
    line = f"{node}: {scene.ip} rule add to {scene.sent_to(leg)} priority 100 {kind}"
    return Injection(f"{kind} rule", (line,), ("route-blackhole",), (node,))


def wrong_gateway(scene: Scene) -> Injection | None:
    """The source's default route leads to an address that nobody has, or to a host that is no router."""
    if len(scene.legs) < 2:
        return None
    leg = scene.legs[0]
    others = [seat for seat in leg.segment.seats if seat not in {leg.sender, leg.receiver}]
    four, six = f"{leg.segment.four}.250", f"{leg.segment.six}::fa"
    gateway = four if scene.version == 4 else six
    if others and scene.chance.random() < 0.5:
        gateway = leg.segment.address(scene.chance.choice(others), scene.version)
    line = f"{leg.sender.node}: {scene.ip} route replace default via {gateway}"
    return Injection("wrong gateway", (line,), ("wrong-gateway",), (leg.sender.node,))


def forwarding_off(scene: Scene) -> Injection | None:
    """A router does not forward."""
    if len(scene.legs) < 2:
        return None
    router = scene.chance.choice(_routers(scene))[0].receiver.node
    key = "net.ipv4.ip_forward" if scene.version == 4 else "net.ipv6.conf.all.forwarding"
    return Injection("forwarding off", (f"{router}: sysctl -qw {key}=0",), ("forwarding-off",), (router,))


def reverse_path(scene: Scene) -> Injection | None:
    """A strict filter on a router that would answer by another way."""
    if scene.version != 4 or len(scene.legs) < 2:
        return None
    before, behind = scene.chance.choice(_routers(scene))
    router = before.receiver.node
    gateway = behind.segment.address(behind.receiver, 4)
    scope = scene.chance.choice(("all", before.receiver.interface))
    source = scene.sent_from(before)
    lines = (f"{router}: sysctl -qw net.ipv4.conf.{scope}.rp_filter=1", f"{router}: ip route add {source}/32 via {gateway}")
    return Injection("reverse path filter", lines, ("rp-filter",), (router,))


def arp_ignored(scene: Scene) -> Injection | None:
    """Somebody does not answer ARP."""
    if scene.version != 4:
        return None
    seat = scene.chance.choice(scene.legs).receiver
    if scene.chance.random() < 0.5:
        return Injection("NOARP", (f"{seat.node}: ip link set dev {seat.interface} arp off",), ("arp-suppressed",), (seat.node,))
    scope = scene.chance.choice(("all", seat.interface))
    return Injection("arp_ignore", (f"{seat.node}: sysctl -qw net.ipv4.conf.{scope}.arp_ignore=8",), ("arp-suppressed",), (seat.node,))


def lying_entry(scene: Scene) -> Injection | None:
    """A static neighbour entry has the wrong MAC."""
    leg = scene.chance.choice(scene.legs)
    address = leg.segment.address(leg.receiver, scene.version)
    line = f"{leg.sender.node}: ip neigh replace {address} lladdr 02:00:00:00:be:ef dev {leg.sender.interface} nud permanent"
    return Injection("lying neighbour entry", (line,), ("neighbour-wrong",), (leg.sender.node,))


def echo_ignored(scene: Scene) -> Injection | None:
    """The destination ignores echo."""
    key = "net.ipv4.icmp_echo_ignore_all" if scene.version == 4 else "net.ipv6.icmp.echo_ignore_all"
    return Injection("echo ignored", (f"{scene.question.dst}: sysctl -qw {key}=1",), ("echo-ignored",), (scene.question.dst,), ())


def firewall(scene: Scene) -> Injection | None:
    """A rule or a policy drops or rejects, somewhere on the way, there or back."""
    chance, family = scene.chance, "ip" if scene.version == 4 else "ip6"
    first, last = scene.legs[0], scene.legs[-1]
    places = [(scene.question.src, "output", True, first, first)]
    places += [(scene.question.dst, "input", True, last, last), (scene.question.dst, "output", False, last, last)]
    places += [(before.receiver.node, "forward", chance.random() < 0.6, before, behind) for before, behind in _routers(scene)]
    node, hook, there, before, behind = chance.choice(places)
    verdict = chance.choice(("drop", "counter drop", "reject", 'drop comment "weekend"'))
    verdict = "drop" if scene.version == 6 and not there else verdict
    source, target = scene.sent_from(before), scene.sent_to(behind)
    source, target = (source, target) if there else (target, source)
    match = chance.choice((f"{family} daddr {target}", f"{family} saddr {source}", f"{family} saddr {source} {family} daddr {target}"))
    table = chance.choice(("inet", family))
    lines = [f"nft add table {table} wall", f"nft 'add chain {table} wall c1 {{ type filter hook {hook} priority 0; }}'"]
    if chance.random() < 0.3:
        lines += [f"nft add chain {table} wall c2", f"nft add rule {table} wall c1 jump c2"]
        lines += [f"nft 'add rule {table} wall c2 {match} {verdict}'"]
    else:
        lines += [f"nft 'add rule {table} wall c1 {match} {verdict}'"]
    slug = "nft-reject" if "reject" in verdict else "nft-drop"
    return Injection(f"firewall {hook}", tuple(f"{node}: {line}" for line in lines), (slug,), (node,))


def bridge_firewall(scene: Scene) -> Injection | None:
    """The bridge filters, by its own family or by br_netfilter."""
    legs = [leg for leg in _bridged(scene) if len(_ported(leg)) == 2]
    if not legs:
        return None
    leg = scene.chance.choice(legs)
    node, family = leg.sender.on, "ip" if scene.version == 4 else "ip6"
    lines = [
        "nft add table bridge guard", "nft 'add chain bridge guard f { type filter hook forward priority 0; }'",
        f"nft 'add rule bridge guard f iifname {leg.sender.port} {family} daddr {scene.sent_to(leg)} drop'",
    ]
    return Injection("bridge firewall", tuple(f"{node}: {line}" for line in lines), ("nft-drop",), (node,))


def narrow(scene: Scene) -> Injection | None:
    """A router's way out is too narrow for a large packet."""
    if len(scene.legs) < 2:
        return None
    seat = scene.chance.choice(_routers(scene))[1].sender
    mtu = scene.chance.choice((1000, 1280)) if scene.version == 4 else 1280
    line = f"{seat.node}: ip link set dev {seat.interface} mtu {mtu}"
    return Injection("narrow router", (line,), ("mtu-exceeded",), (seat.node,), LARGE)


def narrow_silent(scene: Scene) -> Injection | None:
    """A receiver, or a bridge's port, takes only small frames."""
    leg = scene.chance.choice(scene.legs)
    node, interface = leg.receiver.node, leg.receiver.interface
    ported = leg.segment.kind in {"bridge", "vxlan"} and leg.receiver.port
    if ported and scene.chance.random() < 0.5:
        node, interface = leg.receiver.on, leg.receiver.port
    mtu = 1000 if scene.version == 4 or interface == leg.receiver.port else 1280
    line = f"{node}: ip link set dev {interface} mtu {mtu}"
    return Injection("narrow receiver", (line,), ("mtu-blackhole",), (node,), LARGE)


def closed(scene: Scene) -> Injection | None:
    """Nobody listens."""
    port, kind = str(scene.chance.randint(9000, 9999)), scene.chance.choice(("--tcp", "--udp"))
    return Injection("closed port", (), ("port-closed",), (scene.question.dst,), (kind, port))


def short_life(scene: Scene) -> Injection | None:
    """The source's packets live for too few hops."""
    if scene.version != 4 or len(scene.legs) < 2:
        return None
    line = f"{scene.question.src}: sysctl -qw net.ipv4.ip_default_ttl={len(scene.legs) - 1}"
    return Injection("short life", (line,), ("ttl-expired",), (scene.question.src,))


def circle(scene: Scene) -> Injection | None:
    """Two routers send the packet to each other."""
    if len(scene.legs) < 3:
        return None
    leg = scene.chance.choice(scene.legs[1:-1])
    gateway = leg.segment.address(leg.sender, scene.version)
    length = 32 if scene.version == 4 else 128
    line = f"{leg.receiver.node}: {scene.ip} route add {scene.target}/{length} via {gateway}"
    return Injection("routing loop", (line,), ("routing-loop",), (leg.receiver.node, leg.sender.node))


def queue(scene: Scene) -> Injection | None:
    """A queue on the way throws everything away."""
    leg = scene.chance.choice(scene.legs)
    kind = scene.chance.choice(("blackhole", "pfifo limit 0", "tbf rate 1kbit burst 10 latency 1ms"))
    line = f"{leg.sender.node}: tc qdisc replace dev {leg.sender.interface} root {kind}"
    return Injection(f"queue {kind}", (line,), ("queue-drop",), (leg.sender.node,))


def classifier(scene: Scene) -> Injection | None:
    """A tc filter drops what comes in."""
    leg = scene.chance.choice(scene.legs)
    node, interface = leg.receiver.node, leg.receiver.interface
    lines = (f"tc qdisc add dev {interface} clsact", f"tc filter add dev {interface} ingress bpf da bytecode '1,6 0 0 2'")
    return Injection("tc filter", tuple(f"{node}: {line}" for line in lines), ("tc-drop",), (node,))


def no_six(scene: Scene) -> Injection | None:
    """IPv6 is switched off at the destination."""
    if scene.version != 6:
        return None
    last = scene.legs[-1].receiver
    line = f"{last.node}: sysctl -qw net.ipv6.conf.{last.interface}.disable_ipv6=1"
    return Injection("IPv6 off", (line,), ("ipv6-disabled",), (last.node,))


def narrow_prefix(scene: Scene) -> Injection | None:
    """Source or destination has a prefix that leaves its neighbour out."""
    leg, sender = (scene.legs[0], True) if scene.chance.random() < 0.5 else (scene.legs[-1], False)
    seat = leg.sender if sender else leg.receiver
    address, length = leg.segment.address(seat, scene.version), (24, 32) if scene.version == 4 else (64, 128)
    tail = " nodad" if scene.version == 6 else ""
    lines = (
        f"{seat.node}: {scene.ip} address del {address}/{length[0]} dev {seat.interface}",
        f"{seat.node}: {scene.ip} address add {address}/{length[1]} dev {seat.interface}{tail}",
    )
    return Injection("narrow prefix", lines, ("wrong-prefix",), (seat.node,))


MAKERS: tuple[Maker, ...] = (
    receiver_down, sender_down, port_detached, port_down, port_blocked, ports_isolated, bridge_down, wrong_entry, no_address, no_route,
    no_return, refusing_route, refusing_rule, wrong_gateway, forwarding_off, reverse_path, arp_ignored, lying_entry, echo_ignored, firewall,
    firewall, bridge_firewall, narrow, narrow_silent, closed, short_life, circle, queue, classifier, no_six, narrow_prefix,
)
