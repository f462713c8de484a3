"""Add and remove routes of the main table.

Rule of the file: a route is replaced by removing the old one and adding the new one; ours carry protocol `static`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action
from vethlab.model.route import NextHop, Route, RouteType


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Add a route."""

    netns: str
    route: Route
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"route {describe(self.route)} in {self.netns}"

    def commands(self) -> tuple[str, ...]:
        words = describe(self.route)
        head, hops, tail = words.partition(" nexthop ")  # the options of the route stand in front of its next hops
        return (f"ip{_family(self.route)} route add {head} protocol static{hops}{tail}",)


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    """Remove a route."""

    netns: str
    route: Route
    reason: str = "not in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"route {describe(self.route)} in {self.netns}"

    def commands(self) -> tuple[str, ...]:
        return (f"ip{_family(self.route)} route delete {describe(self.route)}",)


def describe(route: Route) -> str:
    """The route as ip-route(8) writes it."""
    destination = "default" if route.destination.prefixlen == 0 else str(route.destination)
    words = [destination] if route.type is RouteType.UNICAST else [str(route.type), destination]
    if len(route.next_hops) == 1:
        words += _hop(route.next_hops[0])
    if route.source is not None:
        words += ["src", str(route.source)]
    if route.metric:
        words += ["metric", str(route.metric)]
    if len(route.next_hops) > 1:
        for hop in route.next_hops:
            words += ["nexthop", *_hop(hop)]
    return " ".join(words)


def _hop(hop: NextHop) -> list[str]:
    words = []
    if hop.via is not None:
        words += ["via", str(hop.via)]
    if hop.interface is not None:
        words += ["dev", hop.interface]
    return [*words, "onlink"] if hop.onlink else words


def _family(route: Route) -> str:
    return " -6" if route.destination.version == 6 else ""
