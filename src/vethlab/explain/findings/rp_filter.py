"""The answer would leave by another interface, and the reverse path filter is strict."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "rp-filter",
    group="input",
    sentence="The answer would leave by another interface, and the reverse path filter is strict.",
    means=(
        "With rp_filter=1 (strict, RFC 3704) __fib_validate_source() (net/ipv4/fib_frontend.c) drops a packet if an answer to its "
        "source would leave by another interface than the one it came in by. "
        "With 2 (loose) it is enough that any interface leads there. "
        "What counts is the larger value of all and the interface. "
        "ARP requests pass the same check, and those it refuses are never answered, without a drop event."
    ),
    decided_by=(
        "The route oracle, asked with this source and this interface, answers `Invalid argument`, and the effective rp_filter is not "
        "0; the reason is IP_RPFILTER."
    ),
    mended_by=(
        "Make the way back the same as the way there, if that is what was meant.",
        "Set the interface to loose: `sysctl -w net.ipv4.conf.eth0.rp_filter=2` counts even where all is 1.",
        "Switch the filter off, on the interface and on all.",
    ),
    lab="""\
name: rp-filter
links:
  - a 10.0.1.2/24 -- r 10.0.1.1/24
  - r 10.0.2.1/24 -- b 10.0.2.2/24
nodes:
  a: {routes: [default via 10.0.1.1]}
  r: {forward: true}
  b: {routes: [default via 10.0.2.1]}
""",
    breaks=("r: sysctl -qw net.ipv4.conf.all.rp_filter=1", "r: ip route add 10.0.1.2/32 via 10.0.2.2"),
    asks=("a", "b"),
    where="r:eth0",
    sysctls=("rp_filter", "log_martians"),
    reasons=("IP_RPFILTER",),
)
