"""Add and remove routes of the main table.

Rule of the file: a route is replaced by removing the old one and adding the new one; ours carry protocol `static`, those that come back
what they carried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action
from vethlab.model.route import Made, NextHop, Route, RouteType, natural_scope

_LOCK, _FEATURES, _RTO_MIN = 1, 12, 13
_METRICS = {  # RTAX_* (rtnetlink.h) as ip-route(8) calls them; numbers without a unit are the kernel's own
    2: "mtu", 3: "window", 4: "rtt", 5: "rttvar", 6: "ssthresh", 7: "cwnd", 8: "advmss", 9: "reordering", 10: "hoplimit", 11: "initcwnd",
    _FEATURES: "features", _RTO_MIN: "rto_min", 14: "initrwnd", 15: "quickack", 17: "fastopen_no_cookie",
}
_PREFERENCES = {1: "high", 3: "low"}  # RFC 4191; 2 means nothing


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
        return (f"ip{_family(self.route)} route add {head} {' '.join(_made(self.route))}{hops}{tail}",)


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
        tos = self.route.made.tos if self.route.made is not None else 0
        return (f"ip{_family(self.route)} route delete {describe(self.route)}{f' tos {tos:#x}' if tos else ''}",)


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


def _made(route: Route) -> list[str]:
    """What a lab file has no words for; ours is `static` and nothing else."""
    made = route.made or Made(scope=natural_scope(route))
    words = ["protocol", made.protocol]
    words += ["scope", str(made.scope)] if made.scope != natural_scope(route) else []
    words += ["tos", f"{made.tos:#x}"] if made.tos else []
    words += ["realms", f"{made.realms >> 16}/{made.realms & 0xffff}"] if made.realms else []
    words += ["pref", _PREFERENCES[made.preference]] if made.preference in _PREFERENCES else []
    locks = dict(made.metrics).get(_LOCK, 0)
    for number, value in made.metrics:
        if number in _METRICS:
            lock = ["lock"] if locks >> number & 1 and number != _RTO_MIN else []
            words += [_METRICS[number], *lock, "ecn" if number == _FEATURES else str(value)]
    return words


def _hop(hop: NextHop) -> list[str]:
    words = []
    if hop.via is not None:
        words += ["via", str(hop.via)]
    if hop.interface is not None:
        words += ["dev", hop.interface]
    words += ["weight", str(hop.weight)] if (hop.weight or 1) > 1 else []
    return [*words, "onlink"] if hop.onlink else words


def _family(route: Route) -> str:
    return " -6" if route.destination.version == 6 else ""
