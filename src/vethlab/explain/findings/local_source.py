"""A packet comes in from outside with one of the node's own addresses as its source."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "local-source",
    group="input",
    sentence="A packet comes in from outside with one of the node's own addresses as its source.",
    means=(
        "For every packet that comes in, fib_validate_source() (net/ipv4/fib_frontend.c) looks up the way back to its source. "
        "If the source is the node's own, the packet is refused as a martian, unless accept_local is set on the interface it came in "
        "by, or on all. "
        "ARP requests pass the same check in arp_process(), so usually not even ARP is answered, and no drop event tells. "
        "It happens when both ends of a cable are in one node; the reply goes over lo, because the local table is asked first."
    ),
    decided_by=(
        "The route oracle, asked with this source and this interface, answers `Invalid argument`; the drop reason, where one shows, "
        "is IP_LOCAL_SOURCE."
    ),
    mended_by=(
        "Accept it where it comes in: `sysctl -w net.ipv4.conf.veth1.accept_local=1`.",
        "If rp_filter is strict there, set that to 2 as well, or it drops the packet next.",
        "Put the two ends into two nodes.",
    ),
    lab="""\
name: local-source
links:
  - box:veth0 10.0.0.1/24 -- box:veth1 10.0.0.2/24
""",
    asks=("box:veth0", "box:veth1"),
    where="box:veth1",
    sysctls=("accept_local", "rp_filter", "log_martians"),
    reasons=("IP_LOCAL_SOURCE",),
)
