"""A port of a bridge is up and not in the state forwarding."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "port-blocked",
    group="bridge",
    sentence="A port of a bridge is up and not in the state forwarding.",
    means=(
        "Only a port in the state forwarding passes frames. "
        "br_handle_frame() (net/bridge/br_input.c) drops what comes in by any other, as BRIDGE_INGRESS_STP_STATE; on the way out "
        "should_deliver() (net/bridge/br_forward.c) just leaves it out. "
        "Spanning tree blocks a port to break a circle, and keeps a new one waiting for twice the forward delay, 30 s by default. "
        "With STP off a port that is set to blocking forwards again at once; disabled and listening stay."
    ),
    decided_by="The state of the port, read over netlink, and whether the bridge runs STP.",
    mended_by=(
        "Wait, if STP is still learning.",
        "Set the state: `bridge link set dev p-b state 3`.",
        "Switch STP off where there is no circle: `ip link set dev br0 type bridge stp_state 0`.",
    ),
    lab="""\
name: port-blocked
networks:
  br0: {subnet: 10.0.0.0/24, nodes: [a, b]}
""",
    breaks=("host: bridge link set dev p-b state 0",),
    asks=("a", "b"),
    where="host:p-b",
    reasons=("BRIDGE_INGRESS_STP_STATE",),
)
