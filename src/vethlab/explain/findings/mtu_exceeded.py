"""A packet that may not be cut is larger than the MTU of the interface it has to leave by."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "mtu-exceeded",
    group="link",
    sentence="A packet that may not be cut is larger than the MTU of the interface it has to leave by.",
    means=(
        "A router compares each packet with the MTU of its route (ip_forward() in net/ipv4/ip_forward.c, ip6_forward() in "
        "net/ipv6/ip6_output.c). "
        "What does not fit and must not be fragmented is dropped, and ICMP `fragmentation needed` or ICMPv6 `packet too big` tells "
        "the sender the MTU (RFC 1191, RFC 8201). "
        "Linux forbids fragmentation on its TCP segments, and an IPv6 router never fragments. "
        "On the sender itself send() fails with EMSGSIZE instead."
    ),
    decided_by="The ICMP answer of the router, or the MTU of the interface that the route oracle names against the size of the probe.",
    mended_by=(
        "Send less: lower the MTU of the sender's route, `ip route change PREFIX via GATEWAY mtu 1000`.",
        "Raise the MTU of the interface, and of the other end of its cable.",
    ),
    lab="""\
name: mtu-exceeded
links:
  - a 10.0.1.2/24 -- r 10.0.1.1/24
  - r 10.0.2.1/24 -- b 10.0.2.2/24
nodes:
  a: {routes: [default via 10.0.1.1]}
  r: {forward: true}
  b: {routes: [default via 10.0.2.1]}
""",
    breaks=("r: ip link set dev eth1 mtu 1000",),
    asks=("a", "b", "--size", "1400"),
    where="r:eth1",
    sysctls=("ip_no_pmtu_disc",),
    reasons=("PKT_TOO_BIG",),
)
