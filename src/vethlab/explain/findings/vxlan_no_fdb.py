"""A VXLAN device does not know behind which host the destination is."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "vxlan-no-fdb",
    group="overlay",
    sentence="A VXLAN device does not know behind which host the destination is.",
    means=(
        "vxlan_xmit() (drivers/net/vxlan/vxlan_core.c) looks the destination MAC up in the device's own table; what has no entry there, "
        "and every broadcast, goes by the entries of the all-zero MAC, one copy each, or to the multicast group of the device. "
        "Without any the frame is dropped at the sender (NO_TX_TARGET); an entry that names another host sends it there, where nobody "
        "waits for it. "
        "The bridge above is not asked: its own table only says that the frame leaves by the device."
    ),
    decided_by="`bridge fdb show dev vx-pods`: no entry for the MAC, or for the all-zero one, names an address of the right host.",
    mended_by=(
        "Put the entry back: `bridge fdb append 00:00:00:00:00:00 dev vx-pods dst ADDRESS self permanent`, or `vethlab up`.",
    ),
    lab="""\
name: vxlan-no-fdb
links: [h1 192.168.50.1/24 -- h2 192.168.50.2/24]
networks:
  pods: {type: vxlan, nodes: [h1/a, h2/b]}
""",
    breaks=("h1: bridge fdb delete 00:00:00:00:00:00 dev vx-pods dst 192.168.50.2 self",),
    asks=("h1/a", "h2/b"),
    where="h1:vx-pods",
    reasons=("NO_TX_TARGET",),
)
