"""An XDP program on an interface drops the packet."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "xdp-drop",
    group="link",
    sentence="An XDP program on an interface drops the packet.",
    means=(
        "An XDP program runs before the kernel has made anything of a frame: in the driver, for a veth in veth_xdp_rcv_skb() "
        "(drivers/net/veth.c), else in do_xdp_generic() (net/core/dev.c). "
        "What it answers with XDP_DROP is freed there. "
        "Packet sockets come later, so not even a capture on the interface shows the frame."
    ),
    decided_by="The id of a program on the interface, and frames that leave the peer and are never seen coming in.",
    mended_by=(
        "Mend the program, or the map that it looks its decision up in.",
        "Take it off: `ip link set dev eth0 xdp off`, or `xdpgeneric off` where `ip link` shows it as xdpgeneric.",
    ),
    lab="""\
name: xdp-drop
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=("b: ip link set dev eth0 xdp object drop.o section xdp",),
    asks=("a", "b"),
    where="b:eth0",
    reasons=("XDP",),
)
