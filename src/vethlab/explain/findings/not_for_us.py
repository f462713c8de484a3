"""The packet comes to a node that does not take its destination for its own and is no router."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "not-for-us",
    group="input",
    sentence="The packet comes to a node that does not take its destination for its own and is no router.",
    means=(
        "What is a node's own is said by its local table, not by its list of addresses: ip_route_input_slow() (net/ipv4/route.c) "
        "delivers a packet only if the look-up ends at a local route. "
        "Any other is for somebody else, and a node that is not meant to forward hands it to ip_error(), which counts it as "
        "IP_INADDRERRORS and tells the sender nothing. "
        "So end a packet that was led to the wrong node, and one for an address that fell out of the local table."
    ),
    decided_by=(
        "The packet is seen coming in with the node's own MAC; the route oracle of the node, asked with that interface, does not "
        "answer `local`, and the node forwards for nobody."
    ),
    mended_by=(
        "Put the local route back: `ip route add local 10.0.0.2 dev eth0 table local`, or delete the address and add it again.",
        "Correct what led the packet here: a route, or a neighbour entry.",
        "Give the node the address, if it should have it.",
    ),
    lab="""\
name: not-for-us
networks:
  br0:
    subnet: 10.0.0.0/24
    nodes: {a: 1, b: {address: 2, mac: "02:00:00:00:00:02"}}
""",
    breaks=(
        "a: ip neighbour replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent",
        "b: ip route delete local 10.0.0.2 dev eth0 table local",
    ),
    asks=("a", "b"),
    where="b",
    reasons=("IP_INADDRERRORS",),
)
