"""Two ends of an overlay use different VXLAN network identifiers."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "vxlan-vni-mismatch",
    group="overlay",
    sentence="Two ends of an overlay use different VXLAN network identifiers.",
    means=(
        "Each packet carries a vni of 24 bits (RFC 7348, section 5), and vxlan_rcv() (drivers/net/vxlan/vxlan_core.c) gives it to the "
        "device of that vni behind the UDP port, or drops it where there is none (VXLAN_VNI_NOT_FOUND). "
        "An entry of the sender may name a vni of its own, which then counts instead of the device's. "
        "Nothing is told to the sender."
    ),
    decided_by="`ip -d link show vx-pods` on both hosts: the vni that is sent is not the one that the other end has.",
    mended_by=("A device keeps its vni for life: delete it and make it anew as the lab file says, or `vethlab up`.",),
    lab="""\
name: vxlan-vni-mismatch
links: [h1 192.168.50.1/24 -- h2 192.168.50.2/24]
networks:
  pods: {type: vxlan, vni: 42, nodes: [h1/a, h2/b]}
""",
    breaks=(
        "h2: ip link delete dev vx-pods",
        "h2: ip link add name vx-pods type vxlan id 24 dstport 4789 local 192.168.50.2 nolearning",
        "h2: ip link set dev vx-pods master pods up",
        "h2: bridge fdb append 00:00:00:00:00:00 dev vx-pods dst 192.168.50.1 self permanent",
    ),
    asks=("h1/a", "h2/b"),
    where="h2:vx-pods",
    reasons=("VXLAN_VNI_NOT_FOUND",),
)
