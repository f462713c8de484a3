"""Random routed labs in which one router hides what is behind it and lets one port in; nobody outside has routes to the inside.

Enters: a random source or a scene; leaves: a scene, an Injection, lines. Rule of the file: as planes/docker.py, but the rules are the
router's own, and the lab file does not say what they are for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random

from tests.faults import injections
from tests.faults.planes import switched
from tests.faults.scenes import Injection, Maker, Question, Scene
from tests.faults.worlds import Leg, Segment, World

__all__ = ["MAKERS", "Office", "oddities", "scene"]

PUBLIC = 8000


@dataclass(slots=True)
class Office(World):
    """A World whose first router translates."""

    snat: bool = False

    @property
    def gate(self) -> str:
        """The router that translates."""
        return self.routers[0]

    @property
    def wan(self) -> Segment:
        """The cable to the provider."""
        return self.transit[0]

    def route(self, node: str, far: Segment, version: int) -> str | None:
        """Nobody outside has a route to the inside, but the gate is on it."""
        if far in self.uplink[self.gate] and node not in self.hosts:
            return None
        return "default" if node == self.gate else World.route(self, node, far, version)

    def _routes(self, node: str, version: int) -> list[str]:
        if node == self.gate:
            return [f"default via {self.wan.address(self.wan.seat(self.routers[1]), version)}"]
        inside = tuple(one.subnet(version) for one in self.uplink[self.gate])
        found = [route for route in World._routes(self, node, version) if not route.startswith(inside)]
        if node in self.routers[2:]:
            before = self.transit[self.routers.index(node) - 1]
            found.append(f"{self.wan.subnet(version)} via {before.address(before.seats[0], version)}")
        return found

    def keys(self, node: str) -> list[str]:
        """The gate has a ruleset."""
        found = World.keys(self, node)
        if node != self.gate:
            return found
        seat, rules = self.wan.seat(self.gate), []
        for version in self.versions:
            family, own = ("ip", self.wan.address(seat, 4)) if version == 4 else ("ip6", self.wan.address(seat, 6))
            hides = f"snat {family} to {own}" if self.snat else "masquerade"
            out = f"oifname {seat.interface} {hides}"
            rules += [f"add rule inet office out {family} saddr {one.subnet(version)} {out}" for one in self.uplink[self.gate]]
            home = self.hosts[self.server]
            server = home.address(home.seat(self.server), version)
            to = f"{server}:{self.port}" if version == 4 else f"[{server}]:{self.port}"
            rules.append(f"add rule inet office in iifname {seat.interface} tcp dport {PUBLIC} dnat {family} to {to}")
        ruleset = [
            "add table inet office", "add chain inet office in { type nat hook prerouting priority -100; }",
            "add chain inet office out { type nat hook postrouting priority 100; }", *rules,
        ]
        lines = "\\n".join(ruleset)
        return [*found, f'nft: "{lines}"']


def scene(chance: Random, number: int) -> Scene:
    """A lab and a question through its gate, from inside or from outside."""
    while True:
        plain = switched.changed(chance, number, (2, 3))
        made = Office(**{one.name: getattr(plain, one.name) for one in fields(plain)})
        made.snat = chance.random() < 0.3
        inside = [host for host, segment in made.hosts.items() if segment in made.uplink[made.gate]]
        outside = [host for host in made.hosts if host not in inside]
        if inside and outside:
            break
    made.server = chance.choice(inside)
    version = chance.choice(made.versions)
    public = made.wan.address(made.wan.seat(made.gate), version)
    if chance.random() < 0.65:
        src, dst = chance.choice(inside), chance.choice(outside)
        legs = _masked(made, made.way(src, dst), source=public)
        return Scene(made, Question(src, dst, version), legs, chance)
    src, home = chance.choice(outside), made.hosts[made.server]
    real = home.address(home.seat(made.server), version)
    way = made.way(src, made.server)
    legs = [Leg(leg.segment, leg.sender, leg.receiver, "", real if leg.segment is home else public) for leg in way]
    return Scene(made, Question(src, made.server, version, ("--tcp", str(PUBLIC)), public), legs, chance)


def _masked(made: Office, legs: list[Leg], source: str) -> list[Leg]:
    return [leg if leg.segment in made.uplink[made.gate] else Leg(leg.segment, leg.sender, leg.receiver, source) for leg in legs]


def _gate(scene: Scene) -> Office:
    assert isinstance(scene.world, Office)
    return scene.world


def _entering(scene: Scene) -> bool:
    return bool(scene.question.target)


def _host(scene: Scene, name: str, lines: list[str], *findings: str) -> Injection:
    gate = _gate(scene).gate
    return Injection(name, tuple(f"{gate}: {line}" for line in lines), findings, (gate,))


def unmasked(scene: Scene) -> Injection | None:
    """The gate hides nobody, or others, or on another wire."""
    if _entering(scene):
        return None
    family, inside = "ip" if scene.version == 4 else "ip6", scene.legs[0].segment.subnet(scene.version)
    other, slug = scene.chance.choice((
        ("", "nat-missing"), ("ip saddr 172.31.77.0/24 masquerade", "nat-missing"),
        (f"{family} saddr {inside} oifname ppp0 masquerade", "nat-wrong"),
    ))
    lines = ["nft flush chain inet office out", *([f"nft add rule inet office out {other}"] if other else [])]
    return _host(scene, "gate hides nobody" if not other else "gate hides others", lines, slug)


def masked_wrongly(scene: Scene) -> Injection | None:
    """The gate speaks as from an address that nobody has."""
    if _entering(scene):
        return None
    wan, family = _gate(scene).wan, "ip" if scene.version == 4 else "ip6"
    nobody = f"{wan.four}.77" if scene.version == 4 else f"{wan.six}::77"
    rule = f"{family} saddr {scene.source} snat {family} to {nobody}"
    return _host(scene, "gate speaks as nobody", [f"nft insert rule inet office out {rule}"], "nat-wrong")


def misled(scene: Scene) -> Injection | None:
    """The port that is let in leads to nobody."""
    if not _entering(scene):
        return None
    home, four = scene.legs[-1].segment, scene.version == 4
    to = f"ip to {home.four}.250:80" if four else f"ip6 to [{home.six}::fa]:80"
    return _host(scene, "gate leads to nobody", [f"nft 'insert rule inet office in tcp dport {PUBLIC} dnat {to}'"], "nat-wrong")


def shut(scene: Scene) -> Injection | None:
    """The port is let in no more: who asks meets the gate itself, which has no such port open."""
    if not _entering(scene):
        return None
    line = scene.chance.choice(("nft flush chain inet office in", "nft insert rule inet office in accept"))
    return _host(scene, "gate lets nobody in", [line], "port-closed", "nat-missing")


_OWN: tuple[Maker, ...] = (unmasked, unmasked, masked_wrongly, misled, misled, shut)
_GENERAL: tuple[Maker, ...] = tuple(one for one in injections.MAKERS if one not in {
    injections.no_address, injections.closed, injections.short_life, injections.narrow, injections.narrow_silent, injections.narrow_prefix,
})
_SWITCH: tuple[Maker, ...] = (
    switched.dropping_rule, switched.other_vlan, switched.port_gone, switched.no_rule, switched.starving, switched.apart,
)
MAKERS: tuple[Maker, ...] = (*_OWN, *_OWN, *_OWN, *_SWITCH, *_GENERAL)


def oddities(scene: Scene) -> list[list[str]]:
    """What confuses a reader of such a lab and stops nothing."""
    gate = _gate(scene).gate
    return [
        [f"{gate}: nft insert rule inet office out ip saddr 10.99.0.0/16 snat ip to 192.0.2.1"],
        [f"{gate}: nft insert rule inet office in udp dport 53 dnat ip to 192.0.2.53"],
        [f"{gate}: nft add table ip odd7", f"{gate}: nft 'add chain ip odd7 c {{ type nat hook postrouting priority 90; }}'",
         f"{gate}: nft add rule ip odd7 c ip saddr 10.98.0.0/16 oifname eth7 masquerade"],
        *switched.oddities(scene),
    ]
