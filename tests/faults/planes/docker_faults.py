"""Random faults of translated addresses on the lab's host: rules gone, for somebody else, shadowed, wrong; and what is odd and harmless.

Enters: a scene of planes/docker.py; leaves: an Injection, or None where the fault does not fit. Rule of the file: a rule that is not there,
or is for another subnet, is missing; one that leads elsewhere, or names another interface, is wrong.
"""

from __future__ import annotations

from dataclasses import replace

from tests.faults import injections
from tests.faults.planes import switched
from tests.faults.planes.docker import HOST, OUTSIDE, WORLD, Docker
from tests.faults.scenes import Injection, Maker, Scene

__all__ = ["MAKERS", "oddities"]


def _world(scene: Scene) -> Docker:
    assert isinstance(scene.world, Docker)
    return scene.world


def _hidden(scene: Scene) -> bool:
    """Whether the source has to be masked: on the way out, or beside the server."""
    return any(leg.source for leg in scene.legs)


def _published(scene: Scene) -> bool:
    return bool(scene.question.target) and scene.question.dst != WORLD


def _hook(scene: Scene) -> str:
    return "output" if scene.question.src == HOST else "prerouting"


def _family(scene: Scene) -> str:
    return "ip" if scene.version == 4 else "ip6"


def _host(name: str, lines: list[str], *findings: str) -> Injection:
    return Injection(name, tuple(f"host: {line}" for line in lines), findings, (HOST,))


def _chain(table: str, hook: str, priority: int, kind: str = "nat") -> list[str]:
    return [f"nft add table inet {table}", f"nft 'add chain inet {table} c {{ type {kind} hook {hook} priority {priority}; }}'"]


def unmasked(scene: Scene) -> Injection | None:
    """Nobody masks the source: the rules are gone, or for others."""
    if not _hidden(scene):
        return None
    flush = f"nft flush chain inet {_world(scene).table} postrouting"
    other = scene.chance.choice(("", "ip saddr 172.31.77.0/24 masquerade", f"ip6 saddr fd77::/64 oifname {OUTSIDE} masquerade"))
    more = [f"nft add rule inet {_world(scene).table} postrouting {other}"] if other else []
    return _host("masquerade for others" if other else "no masquerade", [flush, *more], "nat-missing")


def masked_elsewhere(scene: Scene) -> Injection | None:
    """The source is masked on an interface that the packet does not leave by."""
    if scene.question.dst != WORLD:
        return None
    table, inside = _world(scene).table, scene.legs[0].segment
    rule = f"{_family(scene)} saddr {inside.subnet(scene.version)} oifname {scene.chance.choice(('eth0', 'ppp0', 'wan'))} masquerade"
    lines = [f"nft flush chain inet {table} postrouting", f"nft add rule inet {table} postrouting {rule}"]
    return _host("masquerade on another wire", lines, "nat-wrong")


def masked_wrongly(scene: Scene) -> Injection | None:
    """The source becomes an address that nobody has."""
    if scene.question.dst != WORLD:
        return None
    nobody = "198.51.100.99" if scene.version == 4 else "2001:db8:fffe::99"
    rule = f"{_family(scene)} saddr {scene.source} snat {_family(scene)} to {nobody}"
    return _host("snat to nobody", [*_chain("other", "postrouting", 90), f"nft add rule inet other c {rule}"], "nat-wrong")


def shadowed(scene: Scene) -> Injection | None:
    """A rule before the right one ends its chain."""
    chain, needed = scene.chance.choice((("postrouting", _hidden(scene)), (_hook(scene), _published(scene))))
    if not needed:
        return None
    verdict = scene.chance.choice(("accept", "return", "counter accept"))
    match = scene.chance.choice(("", f"meta nfproto ipv{scene.version} "))
    return _host("rule shadowed", [f"nft insert rule inet {_world(scene).table} {chain} {match}{verdict}"], "nat-missing", "nat-wrong")


def unpublished(scene: Scene) -> Injection | None:
    """Nobody leads the port to the container."""
    if not _published(scene):
        return None
    table = _world(scene).table
    lines = scene.chance.choice(([f"nft flush chain inet {table} {_hook(scene)}"], [f"nft delete table inet {table}"]))
    return _host("published port gone", lines, "nat-missing")


def misled(scene: Scene) -> Injection | None:
    """The port leads to an address that nobody has, to another container, or to a closed port."""
    if not _published(scene):
        return None
    made, inside, four = _world(scene), scene.legs[-1].segment, scene.version == 4
    right = scene.sent_to(scene.legs[-1])
    nobody = f"{inside.four}.250" if four else f"{inside.six}::fa"
    others = [inside.address(seat, scene.version) for seat in inside.seats if seat.node not in {HOST, made.server, scene.question.src}]
    address, port = scene.chance.choice([(nobody, made.port), (right, made.port + 1), *((other, made.port) for other in others)])
    to = f"{address}:{port}" if four else f"[{address}]:{port}"
    kind = "udp" if made.udp else "tcp"
    rule = f"{_family(scene)} daddr {scene.target} {kind} dport {made.public} dnat {_family(scene)} to {to}"
    if scene.chance.random() < 0.5:
        return _host("dnat elsewhere", [f"nft insert rule inet {made.table} {_hook(scene)} '{rule}'"], "nat-wrong")
    return _host("dnat elsewhere", [*_chain("other", _hook(scene), -120), f"nft 'add rule inet other c {rule}'"], "nat-wrong")


def untracked(scene: Scene) -> Injection | None:
    """The packet is not tracked, and so not translated."""
    if not (_published(scene) or _hidden(scene)):
        return None
    lines = [*_chain("raw", _hook(scene), -300, "filter"), f"nft add rule inet raw c {_family(scene)} daddr {scene.target} notrack"]
    return _host("not tracked", lines, "nat-missing")


def no_localnet(scene: Scene) -> Injection | None:
    """The host's 127.0.0.1 may not leave by the bridge."""
    if scene.question.src != HOST or scene.target != "127.0.0.1":
        return None
    return _host("route_localnet off", [f"sysctl -qw net.ipv4.conf.{scene.legs[0].segment.name}.route_localnet=0"], "nat-missing")


def forward_policy(scene: Scene) -> Injection | None:
    """The host's forward chain lets nothing through, or nothing that is new, or no answer."""
    if scene.question.src == HOST:
        return None
    rules = (("drop", ""), ("accept", "ct state new drop"), ("accept", "ct direction reply drop"), ("accept", "reject"))
    policy, rule = scene.chance.choice(rules)
    lines = ["nft add table inet fw", f"nft 'add chain inet fw f {{ type filter hook forward priority 0; policy {policy}; }}'"]
    lines += [f"nft add rule inet fw f {rule}"] if rule else []
    return _host("forward chain", lines, "nft-reject" if rule == "reject" else "nft-drop")


def no_router(scene: Scene) -> Injection | None:
    """The host does not forward."""
    one = injections.forwarding_off(scene)
    return None if one is None else replace(one, name="host forwards nothing")


_GENERAL: tuple[Maker, ...] = tuple(one for one in injections.MAKERS if one not in {
    injections.no_address, injections.closed, injections.short_life, injections.reverse_path, injections.narrow_prefix, injections.no_six,
    injections.narrow, injections.narrow_silent, injections.wrong_gateway, injections.forwarding_off,
})
_SWITCH: tuple[Maker, ...] = (switched.other_vlan, switched.port_gone, switched.no_rule, switched.starving)
_OWN: tuple[Maker, ...] = (
    unmasked, unmasked, masked_elsewhere, masked_wrongly, shadowed, shadowed, untracked, unpublished, misled, misled,
    no_localnet, no_localnet, forward_policy, no_router,
)
MAKERS: tuple[Maker, ...] = (*_OWN, *_OWN, *_OWN, *_SWITCH, *_GENERAL)


def oddities(scene: Scene) -> list[list[str]]:
    """What confuses a reader of such a lab and stops nothing."""
    made, kind = _world(scene), "udp" if _world(scene).udp else "tcp"
    found = [
        ["host: nft add table ip odd7", "host: nft 'add chain ip odd7 c { type nat hook prerouting priority -110; }'",
         f"host: nft add rule ip odd7 c {kind} dport {made.public + 1} dnat to 172.16.0.99:80"],
        ["host: nft add table ip odd8", "host: nft 'add chain ip odd8 c { type nat hook postrouting priority 90; }'",
         "host: nft add rule ip odd8 c ip saddr 10.99.0.0/16 snat to 198.51.100.99",
         "host: nft add rule ip odd8 c ip saddr 10.98.0.0/16 oifname eth7 masquerade"],
        ["host: nft add table inet odd9", "host: nft 'add chain inet odd9 c { type nat hook postrouting priority 10; }'",
         "host: nft add rule inet odd9 c counter accept"],
        [f"host: nft insert rule inet {made.table} prerouting ip daddr 192.0.2.0/24 counter return"],
    ]
    if _published(scene) and scene.question.src != HOST:  # what is led on does not come in
        found.append(["host: nft add table inet odd10", "host: nft 'add chain inet odd10 c { type filter hook input priority 0; }'",
                      f"host: nft add rule inet odd10 c {kind} dport {made.public} drop"])
    return found
