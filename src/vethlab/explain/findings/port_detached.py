"""An interface that should be a port of a bridge has no master."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "port-detached",
    group="bridge",
    sentence="An interface that should be a port of a bridge has no master.",
    means=(
        "A device is a port while a bridge is its master; br_handle_frame() (net/bridge/br_input.c) then takes its frames before IP "
        "does. "
        "Without a master the frames go to the IP stack of the bridge's own namespace, which has no address on that interface and "
        "answers nothing. "
        "The cable itself is up at both ends."
    ),
    decided_by="The interface has no master, and the lab file gives it one.",
    mended_by=("Put it back: `ip link set dev p-b master br0`, or `vethlab up`.",),
    lab="""\
name: port-detached
networks:
  br0: {subnet: 10.0.0.0/24, nodes: [a, b]}
""",
    breaks=("host: ip link set dev p-b nomaster",),
    asks=("a", "b"),
    where="host:p-b",
    reasons=("NO_TX_TARGET",),
)
