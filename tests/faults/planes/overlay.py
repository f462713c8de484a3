"""Random overlays: two or three hosts in a random lab, which is their underlay, and pods on VXLAN networks across them.

Enters: a random source; leaves: a scene. Rule of the file: the underlay is a world of its own, with ways and faults of its own; what it
does not carry, the overlay does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.faults.planes.switched import changed
from tests.faults.scenes import Question, Scene
from tests.faults.worlds import PORTS, Leg, Seat, Segment, World, world

__all__ = ["Overlay", "scene"]

MOST_UNDER, MOST_HOSTS = 5, 3
PODS = ("web", "db", "app", "job", "mail", "shop")


@dataclass(slots=True)
class Overlay(World):
    """Pods in hosts. `under` is the lab below them; `fdb`, `vni` and `udp` are those of each network."""

    under: World | None = None
    fdb: dict[str, str] = field(default_factory=dict)
    vni: dict[str, int] = field(default_factory=dict)
    udp: dict[str, int] = field(default_factory=dict)

    @property
    def below(self) -> World:
        """The underlay."""
        assert self.under is not None
        return self.under

    @property
    def everybody(self) -> list[str]:
        """Pods, hosts and routers."""
        return [*self.hosts, *self.below.everybody]

    @property
    def vteps(self) -> list[str]:
        """The hosts that hold pods."""
        return list(dict.fromkeys(pod.partition("/")[0] for pod in self.hosts))

    @property
    def outer(self) -> int:
        """The IP version of the packets between the hosts: IPv4 where they have both."""
        return self.below.versions[0]

    def local(self, host: str) -> str:
        """The address of a host's VXLAN devices."""
        segment = self.below.hosts[host]
        return segment.address(segment.seat(host), self.outer)

    def text(self) -> str:
        """The lab file: the underlay's, with more in it."""
        told = self.below.text().splitlines()
        pods = [f"  {pod}: {{{', '.join(self.keys(pod))}}}" for pod in self.hosts]
        networks = [line for one in self.segments for line in self._network(one)]
        told[told.index("nodes:") + 1:told.index("nodes:") + 1] = pods
        if "networks:" not in told:
            told.append("networks:")
        told[told.index("networks:") + 1:told.index("networks:") + 1] = networks
        return "\n".join(told) + "\n"


def scene(chance: Random, number: int) -> Scene:
    """A lab and a question between two pods, mostly of different hosts."""
    made = _made(chance, number)
    network = chance.choice(made.segments)
    pods = [seat.node for seat in network.seats]
    pairs = [(src, dst) for src in pods for dst in pods if src.partition("/")[0] != dst.partition("/")[0]]
    src, dst = chance.choice(pairs)
    options: tuple[str, ...] = ()
    if chance.random() < 0.2 and (served := [pair for pair in pairs if pair[1] == made.server]):
        (src, dst), options = chance.choice(served), ("--tcp", str(made.port))
    legs = [Leg(network, network.seat(src), network.seat(dst))]
    return Scene(made, Question(src, dst, chance.choice(made.versions), options), legs, chance)


def _made(chance: Random, number: int) -> Overlay:
    while True:
        under = changed(chance, number, (0, 1, 2)) if chance.random() < 0.4 else world(chance, number)
        if len(under.everybody) <= MOST_UNDER and len(under.routers) <= 2:
            break
    under.server = ""
    hosts = chance.sample(list(under.hosts), min(len(under.hosts), chance.choice((2, 2, MOST_HOSTS))))
    under.keepers = hosts
    versions = chance.choice(((4,), (4,), (4, 6), (6,)))
    made = Overlay(under.name, versions, [], [], {}, {}, [], under=under)
    together = len({under.hosts[host].name for host in hosts}) == 1
    for at in range(chance.choice((1, 1, 2))):
        name = f"{chance.choice(('pods', 'lan', 'tenant'))}{at}"
        one = Segment(name, "vxlan", f"10.{chance.randint(40, 90)}.{at}", f"fd{chance.randint(0xa0, 0xff):x}:{at}")
        made.fdb[name] = chance.choice(("static", "learning", "multicast") if together else ("static", "learning"))
        made.vni[name], made.udp[name] = chance.randint(1, 9000), chance.choice((4789, 4789, 8472))
        one.extra += [f"vni: {made.vni[name]}", f"udp_port: {made.udp[name]}", f"fdb: {made.fdb[name]}"]
        if chance.random() < 0.15:
            one.extra.append("rate: 50mbit")
        _fill(made, one, hosts, chance, PODS[3 * at:])
        made.segments.append(one)
    made.server, made.port = chance.choice(list(made.hosts)), chance.choice(PORTS)
    return made


def _fill(made: Overlay, one: Segment, hosts: list[str], chance: Random, names: tuple[str, ...]) -> None:
    """A pod in every host, and sometimes a second one in the first."""
    numbers = chance.sample(range(10, 200), len(hosts) + 1)
    homes = [*hosts, *(hosts[:1] if len(hosts) == 2 and chance.random() < 0.5 else [])]
    for host, name, number in zip(homes, names, numbers, strict=False):
        pod = f"{host}/{name}"
        one.seats.append(Seat(pod, chance.choice(("eth0", "lan")), number, f"x-{name}", host))
        made.hosts[pod] = one
