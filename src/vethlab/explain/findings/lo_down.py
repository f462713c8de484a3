"""The loopback interface is down, and a node reaches its own addresses over it."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "lo-down",
    group="link",
    sentence="The loopback interface is down, and a node reaches its own addresses over it.",
    means=(
        "A packet from a node to one of its own addresses goes over lo, whichever interface holds the address: the local table is "
        "asked first, and ip_route_output_key_hash_rcu() (net/ipv4/route.c) takes the loopback device for every local route. "
        "A new namespace begins with lo down, and while it is down its noop queue drops what is sent. "
        "When both ends of a cable are in one node, the replies go this way too."
    ),
    decided_by="The flags of lo: UP is missing.",
    mended_by=("Set it up: `ip link set dev lo up`.",),
    lab="""\
name: lo-down
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=("a: ip link set dev lo down",),
    asks=("a", "10.0.0.1"),
    where="a:lo",
    reasons=("QDISC_DROP",),
)
