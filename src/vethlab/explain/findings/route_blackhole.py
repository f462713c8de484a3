"""A route or a rule says that the packet is to be thrown away."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "route-blackhole",
    group="route",
    sentence="A route or a rule says that the packet is to be thrown away.",
    means=(
        "Routes and rules of the types blackhole, unreachable and prohibit end a look-up with an error (fib_props in "
        "net/ipv4/fib_semantics.c): EINVAL, EHOSTUNREACH, EACCES. "
        "On the sender that is what connect() or send() returns. "
        "A router drops the packet, a blackhole without a word, the other two with ICMP `host unreachable` or `administratively "
        "prohibited` (ip_error() in net/ipv4/route.c)."
    ),
    decided_by="The route oracle answers with that error, and the table or the rules hold the line.",
    mended_by=("Delete the route, or the rule, that says so.", "Add a more specific route beside it."),
    lab="""\
name: route-blackhole
links:
  - a 10.0.1.2/24 -- r 10.0.1.1/24
  - r 10.0.2.1/24 -- b 10.0.2.2/24
nodes:
  a: {routes: [default via 10.0.1.1]}
  r: {forward: true}
  b: {routes: [default via 10.0.2.1]}
""",
    breaks=("r: ip route add blackhole 10.0.2.2/32",),
    asks=("a", "b"),
    where="r",
)
