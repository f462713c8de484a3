"""The prefix of an address does not fit its segment, so one side takes the other for somewhere else."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "wrong-prefix",
    group="address",
    sentence="The prefix of an address does not fit its segment, so one side takes the other for somewhere else.",
    means=(
        "The prefix length of an address makes the connected route (fib_add_ifaddr() in net/ipv4/fib_frontend.c), and that route "
        "decides who is a neighbour. "
        "Too long a prefix leaves neighbours out, and what is for them has no route or goes to a gateway. "
        "Too short a one asks by ARP for what lives behind a router, and nobody answers."
    ),
    decided_by="The connected routes of both ends against each other and against the lab file.",
    mended_by=("Put the address back with the prefix of its segment: add the right one, then delete the wrong one.",),
    lab="""\
name: wrong-prefix
links:
  - a 10.0.0.1/24 -- b 10.0.0.130/24
""",
    breaks=("b: ip address delete 10.0.0.130/24 dev eth0", "b: ip address add 10.0.0.130/25 dev eth0"),
    asks=("a", "10.0.0.130"),
    where="b:eth0",
)
