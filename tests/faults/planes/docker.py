"""Random labs as Docker builds them: networks with a gateway on the lab's host, hidden from the world, and ports published by a container.

Enters: a random source; leaves: a scene. Rule of the file: legs carry the addresses that the packet has there, so that a general fault
knows what it meets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.faults.scenes import Question, Scene
from tests.faults.worlds import NAMES, Leg, Seat, Segment, World

__all__ = ["OUTSIDE", "Docker", "scene"]

HOST, WORLD, OUTSIDE = "host", "world", "p-world"
FAR = {4: "203.0.113.1", 6: "2001:db8:ffff::1"}
ECHO = (
    "exec python3 -c 'import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind((\\\"::\\\", {port}));"
    " [s.sendto(*s.recvfrom(99)) for _ in iter(int, 1)]'"
)


@dataclass(slots=True)
class Docker(World):
    """Containers. `hidden`: the networks behind the host's address; `public`: the port that leads to the server's."""

    hidden: list[Segment] = field(default_factory=list)
    outside: Segment | None = None
    public: int = 8080
    udp: bool = False

    @property
    def everybody(self) -> list[str]:
        """Containers, the host, the world."""
        return [*self.hosts, HOST, WORLD]

    @property
    def table(self) -> str:
        """The lab's own nft table."""
        return f"vethlab-nat-{self.name}"

    def route(self, node: str, far: Segment, version: int) -> str | None:
        """The containers' default route, and the host's where it leads to the world."""
        return "default" if (node in self.hosts or (node == HOST and far is self.outside)) and version else None

    def keys(self, node: str) -> list[str]:
        """The server runs, and publishes."""
        if node != self.server:
            return []
        bind = "::" if 6 in self.versions else "0.0.0.0"  # noqa: S104 - inside a lab
        run = ECHO.format(port=self.port) if self.udp else f"python3 -m http.server {self.port} --bind {bind}"
        return [f'run: "{run}"', f'publish: ["{self.public}:{self.port}{"/udp" if self.udp else ""}"]']


def scene(chance: Random, number: int) -> Scene:
    """A lab and one of the questions that translated addresses answer."""
    made = _made(chance, number)
    names = [node for node in made.hosts if node != made.server]
    version = chance.choice(made.versions)
    kind = chance.choice(("world", "world", "published", "published", "localhost", "entering", "across"))
    if kind == "localhost" and version == 4:
        return _published(made, HOST, "127.0.0.1", 4, chance)
    if kind == "published" and names:
        asker = chance.choice([*names, *names, made.server])
        gate = made.hosts[asker]
        return _published(made, asker, gate.address(gate.seat(HOST), version), version, chance)
    if kind == "entering":
        assert made.outside is not None
        return _published(made, WORLD, made.outside.address(made.outside.seat(HOST), version), version, chance)
    if kind == "across" and (pairs := [(a, b) for a in made.hosts for b in made.hosts if made.hosts[a] is not made.hosts[b]]):
        src, dst = chance.choice(pairs)
        legs = [_leg(made.hosts[src], src, HOST), _leg(made.hosts[dst], HOST, dst)]
        return Scene(made, Question(src, dst, version), legs, chance)
    return _leaving(made, version, chance)


def _leg(segment: Segment, sender: str, receiver: str, source: str = "", target: str = "") -> Leg:
    return Leg(segment, segment.seat(sender), segment.seat(receiver), source, target)


def _leaving(made: Docker, version: int, chance: Random) -> Scene:
    """Somebody hidden asks the world."""
    assert made.outside is not None
    src = chance.choice([seat.node for one in made.hidden for seat in one.seats if seat.node != HOST])
    inside, masked = made.hosts[src], made.outside.address(made.outside.seat(HOST), version)
    legs = [_leg(inside, src, HOST), _leg(made.outside, HOST, WORLD, source=masked)]
    return Scene(made, Question(src, WORLD, version, (), FAR[version]), legs, chance)


def _published(made: Docker, src: str, asked: str, version: int, chance: Random) -> Scene:
    """Somebody asks the host for a published port. Who sits beside the server, and the host's own localhost, is hidden from the server."""
    inside = made.hosts[made.server]
    real, gate = inside.address(inside.seat(made.server), version), inside.address(inside.seat(HOST), version)
    source = gate if src == HOST or made.hosts.get(src) is inside else ""
    legs = [_leg(inside, HOST, made.server, source=source, target=real)]
    if src != HOST:
        home = made.hosts.get(src, made.outside)
        assert home is not None
        legs.insert(0, _leg(home, src, HOST, target=asked))
    options = ("--udp" if made.udp else "--tcp", str(made.public))
    return Scene(made, Question(src, made.server, version, options, asked), legs, chance)


def _made(chance: Random, number: int) -> Docker:
    made = Docker(f"gen{number}", chance.choice(((4,), (4,), (4, 6))), [], [], {}, {}, [])
    names = chance.sample(NAMES, len(NAMES))
    for at in range(chance.choice((1, 2, 2))):
        kind = chance.choice(("bridge", "bridge", "bridge", "ovs"))
        four, six = f"172.{chance.randint(17, 30)}.{at}", f"fd{chance.randint(0x10, 0x9f):x}:{at}"
        one = Segment(f"net{at}", kind, four, six, [Seat(HOST, f"net{at}", 1)])
        one.extra.append("gateway: 1")
        if at == 0 or chance.random() < 0.5:
            one.extra.append("nat: masquerade")
            made.hidden.append(one)
        for number_ in chance.sample(range(10, 200), chance.randint(1, 3)):
            node = names.pop()
            one.seats.append(Seat(node, chance.choice(("eth0", "eth0", "lan")), number_, f"x-{node}"))
            made.hosts[node] = one
        made.segments.append(one)
    made.outside = Segment("outside", "world", "198.51.100", "2001:db8:fffe", [Seat(WORLD, "eth0", 1), Seat(HOST, OUTSIDE, 2, "")])
    made.segments.append(made.outside)
    made.server, made.port = chance.choice(list(made.hosts)), chance.choice((80, 5000))
    made.public, made.udp = chance.choice((8080, 80, 5353)), chance.random() < 0.25
    return made
