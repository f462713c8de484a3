"""The bridge is set down, and none of its ports forwards."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "bridge-down",
    group="bridge",
    sentence="The bridge is set down, and none of its ports forwards.",
    means=(
        "br_stp_disable_bridge() (net/bridge/br_stp_if.c) puts every port into the state disabled when the bridge goes down, though "
        "each port stays up and keeps its carrier. "
        "What comes in is dropped by br_handle_frame() (net/bridge/br_input.c) as BRIDGE_INGRESS_STP_STATE. "
        "No node behind it can tell from its own interface."
    ),
    decided_by="The flags of the bridge: UP is missing.",
    mended_by=("Set it up: `ip link set dev br0 up`.",),
    lab="""\
name: bridge-down
networks:
  br0: {subnet: 10.0.0.0/24, nodes: [a, b]}
""",
    breaks=("host: ip link set dev br0 down",),
    asks=("a", "b"),
    where="host:br0",
    reasons=("BRIDGE_INGRESS_STP_STATE",),
)
