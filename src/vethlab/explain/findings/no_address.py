"""The interface that should have the address does not have it."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "no-address",
    group="address",
    sentence="The interface that should have the address does not have it.",
    means=(
        "An address that is not in the local table is not the node's own. "
        "ARP requests for it are ignored: arp_process() (net/ipv4/arp.c) answers only where the route to the address is local, and "
        "ndisc_recv_ns() (net/ipv6/ndisc.c) asks the same. "
        "A packet that an old neighbour entry still leads there is dropped as IP_INADDRERRORS, or forwarded away if the node is a "
        "router."
    ),
    decided_by="The addresses of the node against those the lab file gives it.",
    mended_by=("Add the address: `ip address add 10.0.0.2/24 dev eth0`, or `vethlab up`.", "Ask for an address that the node has."),
    lab="""\
name: no-address
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=("b: ip address flush dev eth0",),
    asks=("a", "10.0.0.2"),
    where="b:eth0",
    reasons=("IP_INADDRERRORS",),
)
