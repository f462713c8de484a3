"""The way a packet should take: points where it would be seen, and obstacles between them.

Enters: what the walk finds, in order; leaves: a Way to compare with what was seen. Rule of the file: an obstacle stands in front of the
next point: a packet that was seen there, or further on, has passed it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from vethlab.explain.nat import Hit
from vethlab.model.address import IP
from vethlab.model.finding import REQUEST, Finding
from vethlab.model.flow import Flow
from vethlab.model.journey import Outer
from vethlab.model.link import End

__all__ = ["Binding", "Obstacle", "Point", "Way"]


@dataclass(frozen=True, slots=True)
class Point:
    """A frame at an interface, as a packet socket sees it. `what` as in Sighting; `leg`: request or reply.

    `underlay`: on the way of a packet that carries it; `towards` is then where that leads, and `asked`:
    a question that finds that way.
    `own`: the interface takes it only if the MAC is its own (a port of a bridge takes every frame).
    """

    node: str
    interface: str
    direction: str
    what: str
    about: IP | None
    leg: str
    own: bool = False
    underlay: bool = False
    asked: bool = False
    towards: IP | None = None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that keeps a packet from reaching point number `at`. `suspect`: it may do so; only what was seen can tell.

    `right_from`: of a detour (`Way.detour`), the number of the first point that is on a right way all the same; 0 for all else.
    """

    at: int
    finding: Finding
    suspect: bool = False
    right_from: int = 0

    @property
    def is_detour(self) -> bool:
        """Whether it does not stop the packet, but took away the way that was meant for it."""
        return self.right_from > 0

    @property
    def refuted_at(self) -> int:
        """The number of the first point at which a packet that is seen shows that this was no obstacle."""
        return max(self.at, self.right_from)

    def behind(self, points: int, finding: Finding) -> Obstacle:
        """The same one on a way in which so many points come before."""
        return replace(self, at=points + self.at, finding=finding, right_from=points + self.right_from if self.is_detour else 0)


@dataclass(frozen=True, slots=True)
class Binding:
    """A node made a connection of other addresses of it: what it was before, what it is behind the node, and by which rules.

    `at`: the number of the first point that sees it translated.
    """

    node: str
    source: IP
    target: IP
    port: int | None
    now_source: IP
    now_target: IP
    now_port: int | None
    leaves: str
    at: int
    hits: tuple[Hit, ...] = ()


@dataclass(slots=True)
class Way:
    """Points and obstacles in the order of the journey; request first, then reply.

    `cleared`: slugs that were looked for in vain; `delivered`: the legs whose end was reached.
    """

    points: list[Point] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)
    cleared: set[str] = field(default_factory=set)
    nodes: list[str] = field(default_factory=list)
    routers: dict[str, list[str]] = field(default_factory=dict)
    addresses: dict[str, frozenset[IP]] = field(default_factory=dict)  # of each node that was looked into
    delivered: set[str] = field(default_factory=set)
    bindings: list[Binding] = field(default_factory=list)
    leg: str = REQUEST
    flow: Flow | None = None  # as it is sent, its source address known
    outers: list[Outer] = field(default_factory=list)  # in what it travels between hosts
    left: End | None = None  # where it leaves the lab, the number of that point, and the source that it has there
    left_at: int = -1
    left_from: IP | None = None
    rewritten: list[Finding] = field(default_factory=list)  # who wrote other hops into it (explain/rewritten.py)

    def passes(self, end: End, direction: str, what: str, about: IP | None = None, *, own: bool = False) -> None:
        """The packet would be seen here next."""
        self.points.append(Point(end.netns, end.interface, direction, what, about, self.leg, own))
        self.visits(end.netns)

    def visits(self, node: str) -> None:
        """A namespace that the packet touches."""
        if node not in self.nodes:
            self.nodes.append(node)

    def routes(self, node: str) -> None:
        """A node that handles the packet as IP."""
        self.visits(node)
        self.routers.setdefault(self.leg, []).append(node)

    def block(self, *findings: Finding) -> None:
        """Obstacles in front of the next point."""
        self.obstacles += [Obstacle(len(self.points), replace(one, direction=self.leg)) for one in findings]

    def block_arrival(self, *findings: Finding) -> None:
        """Obstacles in front of the last point."""
        self.obstacles += [Obstacle(max(0, len(self.points) - 1), replace(one, direction=self.leg)) for one in findings]

    def block_at(self, number: int, *findings: Finding) -> None:
        """Obstacles in front of a point that is there already."""
        self.obstacles += [Obstacle(number, replace(one, direction=self.leg)) for one in findings]

    def suspect(self, *findings: Finding) -> None:
        """What may be an obstacle in front of the next point."""
        self.obstacles += [Obstacle(len(self.points), replace(one, direction=self.leg), suspect=True) for one in findings]

    def detour(self, finding: Finding) -> None:
        """From here a wider route leads it another way than the lab file means; what comes of that the rest of the leg tells (`settle`)."""
        self.obstacles.append(Obstacle(len(self.points), replace(finding, direction=self.leg), right_from=len(self.points) + 1))

    def settle(self, begin: int, decided: list[int], *, arrived: bool, lost: bool) -> None:
        """A leg is walked: are its detours at fault that the packet did not arrive?

                    ┌──x    the way that is meant is gone: link-down at r, say
            a ──▶ r ┤
                    └────▶ s ────▶ t ────▶ ?    where the wider route leads
                    at       right_from

        No, if it arrives: a way round was laid on purpose. Yes, wherever it ends, if it gets `lost` as on no way that is meant
        (explain/detour.py). Else it depends on how far it comes: s, once it was seen sending the packet on, knows this way.

        `begin`: the leg's first obstacle; `decided`: how many points there were as each of its routers had decided.
        """
        end = len(self.points)

        def settled(one: Obstacle) -> Obstacle:
            behind_next = end if lost else next((points for points in decided if points > one.at), end)
            return replace(one, right_from=max(behind_next, one.at + 1)) if one.is_detour else one

        mine = [one for one in self.obstacles[begin:] if lost or not (arrived and one.is_detour)]
        self.obstacles[begin:] = [settled(one) for one in mine]

    def clear(self, *slugs: str) -> None:
        """These were looked for and are not there."""
        self.cleared.update(slugs)
