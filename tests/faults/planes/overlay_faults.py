"""Random faults of overlays: what a VXLAN device knows, what it is, what carries its packets; and what is odd and harmless.

Enters: a scene of planes/overlay.py; leaves: an Injection, or None where the fault does not fit. Rule of the file: a fault of the underlay
is any general fault, asked of the lab below; what it breaks there is `underlay-broken` above.
"""

from __future__ import annotations

from dataclasses import replace

from tests.faults import injections
from tests.faults.planes import switched
from tests.faults.planes.overlay import Overlay
from tests.faults.scenes import LARGE, Injection, Maker, Question, Scene
from tests.faults.worlds import Segment

__all__ = ["MAKERS", "oddities"]

ALL = "00:00:00:00:00:00"
_BELOW: tuple[Maker, ...] = (
    injections.receiver_down, injections.sender_down, injections.port_detached, injections.port_down, injections.port_blocked,
    injections.ports_isolated, injections.bridge_down, injections.no_address, injections.no_route, injections.no_return,
    injections.refusing_route, injections.refusing_rule, injections.wrong_gateway, injections.forwarding_off, injections.reverse_path,
    injections.arp_ignored, injections.lying_entry, injections.firewall, injections.firewall, injections.narrow, injections.narrow_silent,
    injections.circle, injections.queue, injections.classifier, injections.no_six, injections.narrow_prefix, switched.other_vlan,
    switched.port_gone, switched.no_rule, switched.apart, switched.parent_down, switched.starving,
)


def _world(scene: Scene) -> Overlay:
    assert isinstance(scene.world, Overlay)
    return scene.world


def _hosts(scene: Scene) -> tuple[str, str]:
    """The host of who asks, the host of who is asked."""
    return scene.legs[0].sender.on, scene.legs[0].receiver.on


def _network(scene: Scene) -> tuple[Segment, str]:
    segment = scene.legs[0].segment
    return segment, f"vx-{segment.name}"


def underlay(scene: Scene) -> Injection | None:
    """Any fault of the network between the two hosts."""
    made, (here, there) = _world(scene), _hosts(scene)
    below = Scene(made.below, Question(here, there, made.outer), made.below.way(here, there), scene.chance)
    one = scene.chance.choice(_BELOW)(below)
    if one is None:
        return None
    return replace(one, name=f"underlay: {one.name}", findings=("underlay-broken",), options=one.options or None)


def udp_filtered(scene: Scene) -> Injection | None:
    """Somebody on the underlay drops VXLAN and nothing else."""
    made, (here, there), chance = _world(scene), _hosts(scene), scene.chance
    udp, way = made.udp[_network(scene)[0].name], made.below.way(here, there)
    places = [(here, "output"), (there, "input"), (there, "output"), (here, "input")]
    places += [(leg.receiver.node, "forward") for leg in way[:-1]]
    node, hook = chance.choice(places)
    rule = chance.choice((f"udp dport {udp} counter drop", f"meta l4proto udp udp dport {{ 53, {udp} }} drop", f"udp dport {udp} reject"))
    lines = ["nft add table inet guard", f"nft 'add chain inet guard c {{ type filter hook {hook} priority 0; }}'"]
    lines.append(f"nft 'add rule inet guard c {rule}'")
    return Injection(f"UDP filtered {hook}", tuple(f"{node}: {line}" for line in lines), ("underlay-broken",), (node,))


def _known(scene: Scene) -> tuple[str, str, str]:
    """A host, the other one, and the MAC of the pod that is looked for there, as the device of the first would know it."""
    leg = scene.legs[0]
    near, far = scene.chance.choice(((leg.sender, leg.receiver), (leg.receiver, leg.sender)))
    return near.on, far.on, f"{{mac:{far.node}:{far.interface}}}"


def entries_gone(scene: Scene) -> Injection | None:
    """A host does not know the other one any more, for broadcasts or at all."""
    made, (segment, device) = _world(scene), _network(scene)
    if made.fdb[segment.name] == "multicast":
        return None
    here, there, _ = _known(scene)
    if scene.chance.random() < 0.5:
        line = f"bridge fdb del {ALL} dev {device} dst {made.local(there)} self"
        return Injection("all-zero entry gone", (f"{here}: {line}",), ("vxlan-no-fdb",), (here,))
    tail = f"dev {device} dst {made.local(there)} self"
    every = f"bridge fdb show dev {device} | grep 'dst {made.local(there)} .*self'"
    line = f"{every} | while read mac rest; do bridge fdb del $mac {tail}; done"
    return Injection("entries gone", (f"{here}: {line}",), ("vxlan-no-fdb",), (here,))


def entry_wrong(scene: Scene) -> Injection | None:
    """An entry leads to a host that is not there, or to the wrong one."""
    made, (segment, device) = _world(scene), _network(scene)
    here, there, mac = _known(scene)
    home = made.below.hosts[here]
    nobody = f"{home.four}.251" if made.outer == 4 else f"{home.six}::fb"
    wrong = scene.chance.choice([nobody, *(made.local(host) for host in made.vteps if host not in {here, there})])
    if made.fdb[segment.name] != "multicast" and scene.chance.random() < 0.4:
        lines = (f"del {ALL} dev {device} dst {made.local(there)} self", f"append {ALL} dev {device} dst {wrong} self permanent")
        return Injection("all-zero entry wrong", tuple(f"{here}: bridge fdb {line}" for line in lines), ("vxlan-no-fdb",), (here,))
    line = f"{here}: bridge fdb replace {mac} dev {device} dst {wrong} self permanent"
    return Injection("entry wrong", (line,), ("vxlan-no-fdb",), (here,))


def entry_own(scene: Scene) -> Injection | None:
    """An entry has a vni or a port of its own."""
    made, (segment, device) = _world(scene), _network(scene)
    here, there, mac = _known(scene)
    vni, port = made.vni[segment.name] + 1, made.udp[segment.name] + 1
    slug, own = scene.chance.choice((("vxlan-vni-mismatch", f"vni {vni}"), ("vxlan-port-mismatch", f"port {port}")))
    line = f"bridge fdb replace {mac} dev {device} dst {made.local(there)} {own} self permanent"
    return Injection(f"entry with {own.split()[0]}", (f"{here}: {line}",), (slug,), (here,))


def _anew(scene: Scene, host: str, **other: str) -> str:
    """Make a device again with other settings, and its entries with it."""
    made, (segment, device) = _world(scene), _network(scene)
    keys = {"id": str(made.vni[segment.name]), "dstport": str(made.udp[segment.name]), "local": made.local(host), **other}
    learning = "nolearning" if made.fdb[segment.name] == "static" else "learning"
    settings = " ".join(f"{key} {value}" for key, value in keys.items())
    group = "grep -Eo 'group [0-9a-f]*[.:][^ ]* | dev [^ ]* srcport' | sed 's/srcport//' | tr -d '\\n'"
    entries = f'/ dst .* self/ {{print "bridge fdb append", $1, "dev {device} dst", $3, "self permanent"}}'
    if any(one.kind == "ovs" for one in made.below.segments):  # as all devices of that port there
        settings += " remcsumtx remcsumrx"
    return (
        f"e=$(bridge fdb show dev {device} | awk '{entries}'); g=$(ip -d -o link show dev {device} | {group});"
        f" m=$(ip -o link show dev {device} | grep -o 'mtu [0-9]*'); ip link del dev {device};"
        f" ip link add name {device} $m type vxlan {settings} $g {learning}"
        f' && ip link set dev {device} master {segment.name} up && eval "$e"'
    )


def device_other(scene: Scene) -> Injection | None:
    """A host's device was made anew with another vni, port or address."""
    made, (segment, _) = _world(scene), _network(scene)
    host = scene.chance.choice(_hosts(scene))
    nobody = "192.0.2.77" if made.outer == 4 else "2001:db8:77::1"
    vni = ("vni", "id", str(made.vni[segment.name] + 7), "vxlan-vni-mismatch")
    port = ("port", "dstport", str(made.udp[segment.name] + 1), "vxlan-port-mismatch")
    name, key, value, slug = scene.chance.choice((vni, vni, port, ("local", "local", nobody, "underlay-broken")))
    return Injection(f"device with another {name}", (f"{host}: {_anew(scene, host, **{key: value})}",), (slug,), (host,))


def device_off(scene: Scene) -> Injection | None:
    """A host's device is down, no port of its bridge, or too narrow."""
    host, (segment, device) = scene.chance.choice(_hosts(scene)), _network(scene)
    name, line, slug = scene.chance.choice((
        ("down", f"ip link set dev {device} down", "port-down"), ("detached", f"ip link set dev {device} nomaster", "port-detached"),
        ("blocked", f"bridge link set dev {device} state 0", "port-blocked"),
        ("bridge down", f"ip link set dev {segment.name} down", "bridge-down"),
    ))
    return Injection(f"device {name}", (f"{host}: {line}",), (slug,), (host,))


def device_narrow(scene: Scene) -> Injection | None:
    """The device that sends takes only small frames from its bridge."""
    (here, _), (_, device) = _hosts(scene), _network(scene)
    return Injection("device narrow", (f"{here}: ip link set dev {device} mtu 1000",), ("mtu-blackhole",), (here,), LARGE)


def group_other(scene: Scene) -> Injection | None:
    """A host has joined another group than the others."""
    made = _world(scene)
    if made.fdb[_network(scene)[0].name] != "multicast":
        return None
    host = scene.chance.choice(_hosts(scene))
    other = "239.9.9.9" if made.outer == 4 else "ff05::9"
    line = _anew(scene, host).replace(" $g ", f' $(echo "$g" | sed "s/group [^ ]*/group {other}/") ')
    return Injection("another group", (f"{host}: {line}",), ("vxlan-no-fdb",), (host,))


_OWN: tuple[Maker, ...] = (
    udp_filtered, udp_filtered, entries_gone, entries_gone, entry_wrong, entry_wrong, entry_own, device_other, device_other, device_off,
    device_narrow, group_other,
)
MAKERS: tuple[Maker, ...] = (*_OWN, *_OWN, *(underlay for _ in range(14)), *injections.MAKERS)


def oddities(scene: Scene) -> list[list[str]]:
    """What confuses a reader of such a lab and stops nothing."""
    made, (segment, device), (here, there) = _world(scene), _network(scene), _hosts(scene)
    host, udp, vni = scene.chance.choice((here, there)), made.udp[segment.name], made.vni[segment.name]
    nobody = "192.0.2.99" if made.outer == 4 else "2001:db8:99::1"
    found = [
        [f"{host}: bridge fdb add 02:00:00:00:00:99 dev {device} dst {nobody} vni 9 port 99 self permanent"],
        [f"{host}: ip link add name spare8 type vxlan id {vni} dstport {udp + 10} local {made.local(host)}",
         f"{host}: ip link set dev spare8 up"],
        [f"{host}: nft add table inet odd5", f"{host}: nft 'add chain inet odd5 c {{ type filter hook input priority 0; }}'",
         f"{host}: nft 'add rule inet odd5 c udp dport {udp + 20} counter drop'"],
        [f"{host}: nft add table ip odd6", f"{host}: nft 'add chain ip odd6 c {{ type nat hook postrouting priority 100; }}'",
         f"{host}: nft 'add rule ip odd6 c ip saddr 172.31.99.0/24 masquerade'"],
    ]
    if made.fdb[segment.name] != "multicast":
        found.append([f"{host}: bridge fdb append {ALL} dev {device} dst {nobody} self permanent"])
    if made.fdb[segment.name] == "learning":
        found.append([f"{host}: {_anew(scene, host)}"])
    return found
