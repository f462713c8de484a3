"""An interface is up, but nothing is at the other end of it."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "no-carrier",
    group="link",
    sentence="An interface is up, but nothing is at the other end of it.",
    means=(
        "Carrier is the driver's word for a far end that is there: a veth has it while its peer is up (veth_open() in "
        "drivers/net/veth.c), a bridge while one of its ports forwards (br_port_state_selection() in net/bridge/br_stp.c). "
        "Without it dev_deactivate() (net/sched/sch_generic.c) puts the noop queue in place, which drops every packet, and routes "
        "over the interface are marked linkdown. "
        "They are still used, unless ignore_routes_with_linkdown says otherwise."
    ),
    decided_by="The flags of the interface: UP without LOWER_UP, and no peer in the lab that is down.",
    mended_by=("Plug in what is missing: a port into the bridge, the peer into its node.", "Take away the route that leads there."),
    lab="""\
name: no-carrier
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=(
        "a: ip link add name br9 up type bridge",
        "a: ip link add name v0 up master br9 type veth peer name v1",
        "a: ip link delete dev v0",
        "a: ip address add 10.0.9.1/24 dev br9",
    ),
    asks=("a", "10.0.9.2"),
    where="a:br9",
    sysctls=("ignore_routes_with_linkdown",),
    reasons=("QDISC_DROP",),
)
