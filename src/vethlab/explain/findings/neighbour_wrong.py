"""A neighbour entry holds a MAC that does not belong to the address's owner."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "neighbour-wrong",
    group="neighbour",
    sentence="A neighbour entry holds a MAC that does not belong to the address's owner.",
    means=(
        "A permanent entry is believed without asking, and so is one that was true a moment ago: neigh_resolve_output() "
        "(net/core/neighbour.c) writes its MAC into the frame. "
        "An interface takes in what is for its own MAC; eth_type_trans() (net/ethernet/eth.c) marks the rest PACKET_OTHERHOST, and "
        "ip_rcv_core() drops it. "
        "No error comes back."
    ),
    decided_by="The entry in the sender's neighbour table against the MAC of the interface that has the address.",
    mended_by=("Delete the entry, so that the kernel asks: `ip neighbour delete 10.0.0.2 dev eth0`.",),
    lab="""\
name: neighbour-wrong
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=("a: ip neighbour replace 10.0.0.2 lladdr 02:00:00:00:00:99 dev eth0 nud permanent",),
    asks=("a", "b"),
    where="a:eth0",
    reasons=("OTHERHOST",),
)
