"""The owner of the address is told not to answer ARP for it."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "arp-suppressed",
    group="neighbour",
    sentence="The owner of the address is told not to answer ARP for it.",
    means=(
        "Before it replies, arp_process() (net/ipv4/arp.c) asks arp_ignore() and arp_filter(). "
        "A request that they refuse is consumed, with neither a drop reason nor a counter: arp_ignore=8 answers nothing at all, "
        "arp_filter=1 nothing whose answer would leave by another interface than the one asked. "
        "An interface with NOARP takes no part in ARP, and a bridge port that has neigh_suppress, or does not flood broadcast, keeps "
        "requests away."
    ),
    decided_by=(
        "The request is seen coming in at the owner of the address and no reply leaves; arp_ignore, arp_filter and the NOARP flag say "
        "why."
    ),
    mended_by=(
        "Set arp_ignore or arp_filter back to 0, on the interface and on all: one of them is enough to set it.",
        "Let the interface do ARP again: `ip link set dev eth0 arp on`.",
    ),
    lab="""\
name: arp-suppressed
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=("b: sysctl -qw net.ipv4.conf.all.arp_ignore=8",),
    asks=("a", "b"),
    where="b:eth0",
    sysctls=("arp_ignore", "arp_filter"),
)
