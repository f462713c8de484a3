"""A packet that is too large for a cable or a port vanishes, and nobody tells the sender."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "mtu-blackhole",
    group="link",
    sentence="A packet that is too large for a cable or a port vanishes, and nobody tells the sender.",
    means=(
        "Below IP nobody answers. "
        "__dev_forward_skb2() (net/core/dev.c) drops a frame that is larger than the MTU of the veth it would arrive at, and "
        "br_dev_queue_push_xmit() (net/bridge/br_forward.c) one that is larger than the MTU of the port it would leave by. "
        "No ICMP comes back, so path MTU discovery learns nothing (RFC 2923): small packets pass, large ones hang. "
        "A firewall that drops ICMP `fragmentation needed` looks the same from outside."
    ),
    decided_by="The MTU of the interface against the size of the probe, rx_dropped of the receiving veth, and no ICMP answer.",
    mended_by=(
        "Lower the MTU at the sender to what the cable takes.",
        "Give both ends of the cable, and all ports of the bridge, one MTU.",
    ),
    lab="""\
name: mtu-blackhole
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=("b: ip link set dev eth0 mtu 1000",),
    asks=("a", "b", "--size", "1400"),
    where="b:eth0",
    sysctls=("ip_no_pmtu_disc",),
)
