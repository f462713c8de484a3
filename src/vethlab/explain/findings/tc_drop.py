"""A traffic control filter on an interface drops the packet."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "tc-drop",
    group="link",
    sentence="A traffic control filter on an interface drops the packet.",
    means=(
        "A filter at the ingress or the clsact hook ends a packet with TC_ACT_SHOT: on the way in before IP sees it "
        "(sch_handle_ingress() in net/core/dev.c), on the way out before the queue (sch_handle_egress()). "
        "A capture on the interface still shows what is dropped on the way in, because packet sockets come first; what is dropped on "
        "the way out it never shows."
    ),
    decided_by="Filters at the hook, and the probe seen coming in at the interface and nowhere after it.",
    mended_by=(
        "Delete the one filter that matches: `tc filter show dev eth0 ingress` lists them.",
        "Take the hook off with all its filters: `tc qdisc delete dev eth0 clsact`.",
    ),
    lab="""\
name: tc-drop
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=("b: tc qdisc add dev eth0 clsact", "b: tc filter add dev eth0 ingress protocol ip bpf direct-action bytecode '1,6 0 0 2'"),
    asks=("a", "b"),
    where="b:eth0",
    reasons=("TC_INGRESS", "TC_EGRESS", "TC_COOKIE_ERROR", "TC_CHAIN_NOTFOUND", "TC_RECLASSIFY_LOOP"),
)
