"""Two ends of an overlay use different UDP ports."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "vxlan-port-mismatch",
    group="overlay",
    sentence="Two ends of an overlay use different UDP ports.",
    means=(
        "A VXLAN device that is up holds a UDP socket on its port (vxlan_sock_add() in drivers/net/vxlan/vxlan_core.c): 4789 says IANA, "
        "8472 is what Linux takes if nobody says a port, and flannel with it. "
        "A packet to another port finds no socket, and the kernel answers it like any datagram, with an ICMP error that VXLAN ignores."
    ),
    decided_by="`ip -d link show vx-pods` on both hosts: the port that is sent to is not the one that the other end listens on.",
    mended_by=("A device keeps its port for life: delete it and make it anew as the lab file says, or `vethlab up`.",),
    lab="""\
name: vxlan-port-mismatch
links: [h1 192.168.50.1/24 -- h2 192.168.50.2/24]
networks:
  pods: {type: vxlan, vni: 42, nodes: [h1/a, h2/b]}
""",
    breaks=(
        "h2: ip link delete dev vx-pods",
        "h2: ip link add name vx-pods type vxlan id 42 dstport 8472 local 192.168.50.2 nolearning",
        "h2: ip link set dev vx-pods master pods up",
        "h2: bridge fdb append 00:00:00:00:00:00 dev vx-pods dst 192.168.50.1 self permanent",
    ),
    asks=("h1/a", "h2/b"),
    where="h2:vx-pods",
)
