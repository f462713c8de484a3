"""Two interfaces of one segment have the same address, and chance decides who is meant."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "duplicate-address",
    group="address",
    sentence="Two interfaces of one segment have the same address, and chance decides who is meant.",
    means=(
        "Both owners answer ARP. "
        "The asker keeps the answer that comes first, and ignores others for a second (locktime, arp_process() in net/ipv4/arp.c); "
        "next time it may be the other one. "
        "IPv6 looks for an owner before it uses an address (RFC 4862). "
        "For IPv4 the kernel does not, only some programs do (RFC 5227)."
    ),
    decided_by="The address on two interfaces of one segment, or two ARP replies with different MACs to one request.",
    mended_by=("Give one of the two another address.",),
    lab="""\
name: duplicate-address
networks:
  br0: {subnet: 10.0.0.0/24, nodes: [a, b, c]}
""",
    breaks=("c: ip address add 10.0.0.2/24 dev eth0",),
    asks=("a", "b"),
    where="c:eth0",
    passes=True,
)
