"""Nobody on the segment answers for the address."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "neighbour-unresolved",
    group="neighbour",
    sentence="Nobody on the segment answers for the address.",
    means=(
        "To send on a segment the kernel needs the MAC of the next hop, and asks for it: by ARP (RFC 826) or neighbour solicitation "
        "(RFC 4861), three times, a second apart (neigh_timer_handler() in net/core/neighbour.c). "
        "Without an answer the entry is FAILED, the packets that waited are dropped, and the sender gets EHOSTUNREACH."
    ),
    decided_by="The neighbour entry, INCOMPLETE or FAILED, and requests that reach every interface of the segment without a reply.",
    mended_by=(
        "Ask for an address that somebody has.",
        "Give the address to the node that should have it, or bring its owner onto this segment.",
    ),
    lab="""\
name: neighbour-unresolved
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    asks=("a", "10.0.0.9"),
    where="a:eth0",
    sysctls=("proxy_arp",),
    reasons=("NEIGH_FAILED", "NEIGH_QUEUEFULL", "NEIGH_DEAD", "NEIGH_HH_FILLFAIL"),
)
