"""The packet arrives, and nobody listens on the port."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "port-closed",
    group="input",
    sentence="The packet arrives, and nobody listens on the port.",
    means=(
        "tcp_v4_rcv() (net/ipv4/tcp_ipv4.c) finds no socket and answers with a reset, so connect() fails at once with ECONNREFUSED. "
        "For UDP, __udp4_lib_rcv() (net/ipv4/udp.c) answers with ICMP `port unreachable`. "
        "A socket that is bound to another address, to 127.0.0.1 for example, is no listener for this one."
    ),
    decided_by="The reset or the ICMP answer, and the table of sockets in the target.",
    mended_by=("Start what should listen, or ask for the port it listens on.", "Bind it to this address, or to all."),
    lab="""\
name: port-closed
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    asks=("a", "b", "--tcp", "80"),
    where="b",
    reasons=("NO_SOCKET",),
)
