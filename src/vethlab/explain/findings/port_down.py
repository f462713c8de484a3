"""A port of a bridge is set down."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "port-down",
    group="bridge",
    sentence="A port of a bridge is set down.",
    means=(
        "br_stp_disable_port() (net/bridge/br_stp_if.c) puts a port that goes down into the state disabled: the bridge neither takes "
        "frames from it nor sends any to it, and forgets what it had learned behind it. "
        "The interface at the other end of the cable loses its carrier."
    ),
    decided_by="The flags of the port: UP is missing.",
    mended_by=("Set it up: `ip link set dev p-b up`.",),
    lab="""\
name: port-down
networks:
  br0: {subnet: 10.0.0.0/24, nodes: [a, b]}
""",
    breaks=("host: ip link set dev p-b down",),
    asks=("a", "b"),
    where="host:p-b",
    reasons=("NO_TX_TARGET",),
)
