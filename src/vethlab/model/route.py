"""A route of the main table. Protocol numbers as in rtnetlink.h; ours are RTPROT_STATIC.

Rule of the file: `destination` is a network without host bits; a route has next hops, or a device, or is a blackhole-like type. What no
lab file says of a route is no part of its identity: it is kept, so that one that was taken away comes back as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from vethlab.model.address import IP, IPNetwork

RT_SCOPE_UNIVERSE, RT_SCOPE_LINK = 0, 253


class RouteType(StrEnum):
    """Route types of ip-route(8) that a lab may name."""

    UNICAST = "unicast"
    BLACKHOLE = "blackhole"
    UNREACHABLE = "unreachable"
    PROHIBIT = "prohibit"


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where a route leads: a gateway, a device, or both. A desired next hop without device lets the kernel find it."""

    via: IP | None = None
    interface: str | None = None
    onlink: bool = field(default=False, kw_only=True)
    weight: int | None = field(default=None, kw_only=True, compare=False)  # None: all alike


@dataclass(frozen=True, slots=True)
class Made:
    """How somebody made a route that is there: what ip-route(8) has words for and a lab file has not.

    `protocol`: `boot` or `static`; `scope`: an RT_SCOPE_*, 0 for IPv6; `metrics`: RTAX_* and value, the first (1) being the mask of locks;
    `realms`: source realm in the upper half; `preference`: 0 medium, 1 high, 3 low (RFC 4191).
    """

    protocol: str = "static"
    scope: int = 0
    tos: int = 0
    metrics: tuple[tuple[int, int], ...] = ()
    realms: int = 0
    preference: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """One route. Several next hops share the load by flow hash (ECMP). `metric` 0 means the kernel's default of the family.

    `made` None: as vethlab makes one.
    """

    destination: IPNetwork
    next_hops: tuple[NextHop, ...] = ()
    type: RouteType = RouteType.UNICAST
    metric: int = 0
    source: IP | None = None
    made: Made | None = field(default=None, compare=False)


def natural_scope(route: Route) -> int:
    """The scope that ip-route(8) gives a route of its own accord: an IPv4 route to whom a device leads is of the link."""
    direct = bool(route.next_hops) and all(hop.via is None for hop in route.next_hops)
    return RT_SCOPE_LINK if route.destination.version == 4 and direct else RT_SCOPE_UNIVERSE
