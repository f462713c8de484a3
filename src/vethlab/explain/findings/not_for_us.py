"""The packet comes to a node that does not have its destination address and is no router."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "not-for-us",
    group="input",
    sentence="The packet comes to a node that does not have its destination address and is no router.",
    means=(
        "Some route or neighbour entry leads the packet here, but the local table of the node does not hold the address, and the node "
        "is not meant to forward. "
        "ip_route_input_slow() (net/ipv4/route.c) hands it to ip_error(), which counts it as IP_INADDRERRORS and says nothing to the "
        "sender."
    ),
    decided_by="The packet is seen coming in with the node's own MAC; its address is none of the node's, and the node forwards for nobody.",
    mended_by=(
        "Correct what leads the packet here: the sender's route, or its neighbour entry.",
        "Give the node the address, if it should have it.",
    ),
    lab="""\
name: not-for-us
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=("a: ip route add 10.0.9.9/32 via 10.0.0.2",),
    asks=("a", "10.0.9.9"),
    where="b",
    reasons=("IP_INADDRERRORS",),
)
