"""A port of a bridge is up and passes no frames."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "port-blocked",
    group="bridge",
    sentence="A port of a bridge is up and passes no frames.",
    means=(
        "Of a Linux bridge only a port in the state forwarding passes frames: br_handle_frame() (net/bridge/br_input.c) drops what comes "
        "in by any other, as BRIDGE_INGRESS_STP_STATE, and should_deliver() (net/bridge/br_forward.c) leaves it out on the way out. "
        "Spanning tree blocks a port to break a circle, and keeps a new one waiting for twice the forward delay, 30 s by default. "
        "With STP off a port that is set to blocking forwards again at once; disabled and listening stay. "
        "A port of Open vSwitch has flags instead: it takes nothing, sends nothing, or gets nothing of what goes to all ports, ARP "
        "questions for one (`no-receive`, `no-forward`, `no-flood` of ovs-ofctl(8))."
    ),
    decided_by=(
        "The state of the port, read over netlink, and whether the bridge runs STP; of Open vSwitch the flags that it tells by OpenFlow, "
        "and for no-flood that `ofproto/trace` sends the frame to all others."
    ),
    mended_by=(
        "Wait, if STP is still learning.",
        "Set the state: `bridge link set dev p-b state 3`.",
        "Take the flag away: `ovs-ofctl mod-port sw0 p-b receive` (or `forward`, `flood`), in `vethlab exec host -- sh`.",
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
