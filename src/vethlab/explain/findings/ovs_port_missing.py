"""An interface that should be a port of a switch is none."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "ovs-port-missing",
    group="ovs",
    sentence="An interface that should be a port of a switch is none.",
    means=(
        "Open vSwitch reads the interfaces that its database names. "
        "One that is not there, or that ovs-vswitchd could not open, is read by nobody (in user space it reads by packet sockets, "
        "net/packet/af_packet.c): frames reach it and go no further. "
        "ovs-vsctl succeeds all the same, and the reason stands in the column Interface.error. "
        "If ovs-vswitchd itself is dead, this is so of every port."
    ),
    decided_by="The ports of the bridge in the database, Interface.error and ofport, and whether ovs-vswitchd answers.",
    mended_by=("Put it back: `ovs-vsctl add-port sw0 p-b`, or `vethlab up`.", "If the daemon died: `vethlab up` starts it anew."),
    lab="""\
name: ovs-port-missing
networks:
  sw0: {type: ovs, subnet: 10.0.0.0/24, nodes: [a, b]}
""",
    breaks=("host: ovs-vsctl del-port sw0 p-b",),
    asks=("a", "b"),
    where="host:p-b",
)
