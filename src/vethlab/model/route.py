"""A route of the main table. Protocol numbers as in rtnetlink.h; ours are RTPROT_STATIC.

Rule of the file: `destination` is a network without host bits; a route has next hops, or a device, or is a blackhole-like type.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from vethlab.model.address import IP, IPNetwork


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


@dataclass(frozen=True, slots=True)
class Route:
    """One route. Several next hops share the load by flow hash (ECMP). `metric` 0 means the kernel's default of the family."""

    destination: IPNetwork
    next_hops: tuple[NextHop, ...] = ()
    type: RouteType = RouteType.UNICAST
    metric: int = 0
    source: IP | None = None
