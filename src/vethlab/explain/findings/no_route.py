"""A node on the way has no route to the destination."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "no-route",
    group="route",
    sentence="A node on the way has no route to the destination.",
    means=(
        "fib_lookup() (include/net/ip_fib.h) goes through the rules and the tables they name. "
        "If no line covers the destination, connect() or send() fails on the sender with ENETUNREACH. "
        "A router drops the packet and answers with ICMP `network unreachable` (ip_error() in net/ipv4/route.c; RFC 1812)."
    ),
    decided_by="The route oracle: asked for the destination, that node answers `Network is unreachable`.",
    mended_by=("Add the one route: `ip route add 10.0.2.0/24 via 10.0.1.1`.", "Add a default route."),
    lab="""\
name: no-route
links:
  - a 10.0.1.2/24 -- r 10.0.1.1/24
  - r 10.0.2.1/24 -- b 10.0.2.2/24
nodes:
  a: {routes: [default via 10.0.1.1]}
  r: {forward: true}
  b: {routes: [default via 10.0.2.1]}
""",
    breaks=("a: ip route delete default",),
    asks=("a", "b"),
    where="a",
    sysctls=("ignore_routes_with_linkdown",),
    reasons=("IP_OUTNOROUTES", "IP_INNOROUTES"),
)
