"""A packet for somebody else comes to a node that should forward it and does not."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "forwarding-off",
    group="input",
    sentence="A packet for somebody else comes to a node that should forward it and does not.",
    means=(
        "ip_route_input_slow() (net/ipv4/route.c) hands a packet that is not for the node to ip_error() unless the interface it came "
        "in by has forwarding on. "
        "The drop shows as IP_INADDRERRORS, as if the address were at fault, and no ICMP tells the sender. "
        "net.ipv4.ip_forward is another name of conf.all.forwarding, and writing it sets every interface. "
        "IPv6 has a switch of its own, net.ipv6.conf.all.forwarding."
    ),
    decided_by=(
        "Forwarding is 0, and for IPv4 the route oracle, asked with the interface the packet came in by, answers `No route to host` "
        "although there is a route. "
        "The IPv6 oracle does not look at forwarding."
    ),
    mended_by=("Let it forward: `sysctl -w net.ipv4.ip_forward=1`, or `forward: true` in the lab file.",),
    lab="""\
name: forwarding-off
links:
  - a 10.0.1.2/24 -- r 10.0.1.1/24
  - r 10.0.2.1/24 -- b 10.0.2.2/24
nodes:
  a: {routes: [default via 10.0.1.1]}
  r: {forward: true}
  b: {routes: [default via 10.0.2.1]}
""",
    breaks=("r: sysctl -qw net.ipv4.ip_forward=0",),
    asks=("a", "b"),
    where="r",
    sysctls=("ip_forward", "forwarding", "force_forwarding"),
    reasons=("IP_INADDRERRORS",),
)
