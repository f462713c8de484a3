"""An interface on the way is set down."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "link-down",
    group="link",
    sentence="An interface on the way is set down.",
    means=(
        "An interface without IFF_UP sends and receives nothing. "
        "A veth loses its carrier as soon as either end is set down (veth_close() in drivers/net/veth.c), so the sender is already "
        "stopped at its own end of the cable: dev_deactivate() (net/sched/sch_generic.c) puts the noop queue there, which drops all "
        "it is given. "
        "The routes over an interface go when it is set down (fib_disable_ip() in net/ipv4/fib_frontend.c), and so do its IPv6 "
        "addresses unless keep_addr_on_down is set."
    ),
    decided_by="The flags of the interface, read over netlink: UP is missing.",
    mended_by=(
        "Set it up: `ip link set dev eth0 up`.",
        "Add again the routes and the IPv6 addresses that went with it; `vethlab up` does all of this.",
    ),
    lab="""\
name: link-down
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=("b: ip link set dev eth0 down",),
    asks=("a", "10.0.0.2"),
    where="b:eth0",
    reasons=("QDISC_DROP", "DEV_READY"),
)
