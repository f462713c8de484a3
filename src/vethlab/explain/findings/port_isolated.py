"""Both ports are isolated, and a bridge passes nothing between isolated ports."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "port-isolated",
    group="bridge",
    sentence="Both ports are isolated, and a bridge passes nothing between isolated ports.",
    means=(
        "should_deliver() (net/bridge/br_forward.c) refuses a frame from one isolated port to another, broadcast included, so ARP "
        "finds nobody. "
        "Either may still talk to ports that are not isolated, and to the bridge itself. "
        "On the broadcast nothing is dropped in the kernel's sense: that port is left out."
    ),
    decided_by="The flag isolated on both ports.",
    mended_by=("Take the flag off one of the two: `bridge link set dev p-b isolated off`, or off `isolated` in the lab file.",),
    lab="""\
name: port-isolated
networks:
  br0: {subnet: 10.0.0.0/24, nodes: [a, b]}
""",
    breaks=("host: bridge link set dev p-a isolated on", "host: bridge link set dev p-b isolated on"),
    asks=("a", "b"),
    where="host",
)
