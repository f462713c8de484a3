"""The network between two hosts does not carry the packets of the overlay."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "underlay-broken",
    group="overlay",
    sentence="The network between two hosts does not carry the packets of the overlay.",
    means=(
        "A VXLAN device sends each frame as the load of a UDP packet from host to host (vxlan_xmit_one() in "
        "drivers/net/vxlan/vxlan_core.c), and that packet is routed, filtered and dropped like any other. "
        "What the device writes into it can be at fault too: `local`, `ttl`, `df` (`ip -d link show`). "
        "Nodes of the overlay see nothing of it: to them the far end just does not answer. "
        "The finding inside this one is the underlay's own, and what mends that mends the overlay."
    ),
    decided_by="The way of the outer packet, walked like any other; the frame was seen leaving by the VXLAN device, and not arriving.",
    mended_by=("What mends the finding inside.",),
    lab="""\
name: underlay-broken
links: [h1 192.168.50.1/24 -- h2 192.168.50.2/24]
networks:
  pods: {type: vxlan, nodes: [h1/a, h2/b]}
""",
    breaks=("h2: ip link set dev eth0 down",),
    asks=("h1/a", "h2/b"),
    where="h2:eth0",
)
