"""The routers send the packet round in a circle."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "routing-loop",
    group="route",
    sentence="The routers send the packet round in a circle.",
    means=(
        "Every router decides alone. "
        "Where the way to a destination leads back to a router that the packet has passed, it goes round until ip_forward() "
        "(net/ipv4/ip_forward.c) has counted its TTL down, 64 hops from a Linux sender, and ICMP `time exceeded` comes back (RFC "
        "792). "
        "If the circle leads through the sender itself, that one refuses its own address coming in (IP_LOCAL_SOURCE) before the TTL "
        "has run out."
    ),
    decided_by="The route oracle, asked from node to node, comes to a node twice; the same packet is seen many times on one cable.",
    mended_by=(
        "Delete or correct the route that leads back.",
        "Where a router announces a prefix it has only a part of, add an unreachable route for the rest.",
    ),
    lab="""\
name: routing-loop
links:
  - a 10.0.1.2/24 -- r1 10.0.1.1/24
  - r1 10.0.2.1/24 -- r2 10.0.2.2/24
  - r2 10.0.3.1/24 -- b 10.0.3.2/24
nodes:
  a: {routes: [default via 10.0.1.1]}
  r1: {forward: true, routes: [10.0.3.0/24 via 10.0.2.2]}
  r2: {forward: true, routes: [10.0.1.0/24 via 10.0.2.1]}
  b: {routes: [default via 10.0.3.1]}
""",
    breaks=("r2: ip route add 10.0.3.2/32 via 10.0.2.1",),
    asks=("a", "b"),
    where="r2",
    reasons=("IP_INHDR",),
)
