"""The target gets the echo request and is told not to answer it."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "echo-ignored",
    group="input",
    sentence="The target gets the echo request and is told not to answer it.",
    means=(
        "icmp_echo() (net/ipv4/icmp.c) makes no reply while icmp_echo_ignore_all is 1; icmpv6_rcv() (net/ipv6/icmp.c) has a switch of "
        "its own. "
        "The request arrives and is taken in, and no counter of drops moves. "
        "Other traffic is not concerned, so TCP to the same node may well work."
    ),
    decided_by="The request is seen coming in and no reply leaves; icmp_echo_ignore_all is 1 in the target.",
    mended_by=("Answer again: `sysctl -w net.ipv4.icmp_echo_ignore_all=0`.", "Ask with TCP instead: `vethlab why a b --tcp PORT`."),
    lab="""\
name: echo-ignored
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=("b: sysctl -qw net.ipv4.icmp_echo_ignore_all=1",),
    asks=("a", "b"),
    where="b",
    sysctls=("icmp_echo_ignore_all", "icmp_echo_ignore_broadcasts", "echo_ignore_all"),
)
