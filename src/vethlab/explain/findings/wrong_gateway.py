"""The route names a gateway that nobody is, or that does not lead there."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "wrong-gateway",
    group="route",
    sentence="The route names a gateway that nobody is, or that does not lead there.",
    means=(
        "A route names its gateway by address. "
        "The kernel checks only that the address is on a segment of its own (fib_check_nh() in net/ipv4/fib_semantics.c), not that "
        "anybody has it, nor that the owner forwards. "
        "If nobody has it, ARP for the gateway fails; if its owner is no router, that one drops the packet as not its own."
    ),
    decided_by="The next hop that the route oracle names: it has no owner on the segment, or an owner that is not meant to forward.",
    mended_by=("Name the right gateway: `ip route replace default via 10.0.1.1`.",),
    lab="""\
name: wrong-gateway
links:
  - a 10.0.1.2/24 -- r 10.0.1.1/24
  - r 10.0.2.1/24 -- b 10.0.2.2/24
nodes:
  a: {routes: [default via 10.0.1.1]}
  r: {forward: true}
  b: {routes: [default via 10.0.2.1]}
""",
    breaks=("a: ip route replace default via 10.0.1.9",),
    asks=("a", "b"),
    where="a",
    reasons=("NEIGH_FAILED",),
)
