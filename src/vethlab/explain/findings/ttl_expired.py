"""The packet's hop count runs out before it arrives."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "ttl-expired",
    group="route",
    sentence="The packet's hop count runs out before it arrives.",
    means=(
        "The sender writes a number of hops into the header, and each router takes one off; the one that would make it zero drops the "
        "packet and answers with ICMP `time exceeded` (ip_forward() in net/ipv4/ip_forward.c, ip6_forward() for IPv6). "
        "The drop shows as IP_INHDR, as if the header were damaged. "
        "Either the number is too small or the way too long; where the way goes in a circle the finding is routing-loop."
    ),
    decided_by="The ICMP answer, and a way that is longer than the sender's TTL and goes in no circle; else a rule that writes the TTL.",
    mended_by=(
        "Raise the sender's TTL: `sysctl -w net.ipv4.ip_default_ttl=64`, for IPv6 hop_limit of the interface.",
        "Take the hop limit off the sender's route, or delete the nftables rule that writes another number.",
    ),
    lab="""\
name: ttl-expired
links:
  - a 10.0.1.2/24 -- r 10.0.1.1/24
  - r 10.0.2.1/24 -- b 10.0.2.2/24
nodes:
  a: {routes: [default via 10.0.1.1]}
  r: {forward: true}
  b: {routes: [default via 10.0.2.1]}
""",
    breaks=("a: sysctl -qw net.ipv4.ip_default_ttl=1",),
    asks=("a", "b"),
    where="a",
    sysctls=("ip_default_ttl", "hop_limit"),
    reasons=("IP_INHDR",),
)
