"""The queue of an interface throws the packet away."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "queue-drop",
    group="link",
    sentence="The queue of an interface throws the packet away, or holds it back too long.",
    means=(
        "A packet that leaves by an interface passes its queueing discipline (tc(8)), which drops it when it is full or can never "
        "send a packet of that size: tbf_enqueue() (net/sched/sch_tbf.c) refuses whatever is larger than its burst. "
        "A rate that is too small loses nothing and yet sends nothing in time: the packet waits in the queue. "
        "On the way in there is a queue for each processor, enqueue_to_backlog() (net/core/dev.c), which drops what exceeds "
        "netdev_max_backlog."
    ),
    decided_by="The qdisc's own counters of drops and of what waits, read before and after the probe.",
    mended_by=(
        "Give the qdisc what the traffic needs: a burst of more than one packet, a longer limit.",
        "Give it the rate that the lab file says: `vethlab up`, or `vethlab fix`.",
        "Take it off: `tc qdisc delete dev eth0 root`.",
    ),
    lab="""\
name: queue-drop
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=("a: tc qdisc add dev eth0 root tbf rate 1mbit burst 60 limit 3000",),
    asks=("a", "b"),
    where="a:eth0",
    reasons=(
        "QDISC_DROP",
        "QDISC_OVERLIMIT",
        "QDISC_CONGESTED",
        "CAKE_FLOOD",
        "FQ_BAND_LIMIT",
        "FQ_HORIZON_LIMIT",
        "FQ_FLOW_LIMIT",
        "DUALPI2_STEP_DROP",
        "CPU_BACKLOG",
        "FULL_RING",
    ),
)
