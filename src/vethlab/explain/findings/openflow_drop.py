"""An OpenFlow rule of a switch drops the packet, or sends it elsewhere."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "openflow-drop",
    group="ovs",
    sentence="An OpenFlow rule of a switch drops the packet, or sends it elsewhere.",
    means=(
        "Open vSwitch sends a frame through tables of rules; of those that match, the one with the highest priority counts. "
        "A fresh bridge has one rule, `priority=0,actions=NORMAL`: learn and forward as any switch does. "
        "With `flows` in the lab file its rules are all there are, and what none of them matches is dropped. "
        "A rule that drops leaves no trace but its own counter: no ICMP error, and no drop reason, since ovs-vswitchd decides, be it for "
        "itself or for the kernel's datapath (net/openvswitch/datapath.c, ovs_dp_upcall)."
    ),
    decided_by=(
        "`ofproto/trace` of ovs-vswitchd: it runs this very frame through the tables, without sending it, and names the rules and what "
        "they do."
    ),
    mended_by=(
        "Take the rule away: `ovs-ofctl --strict del-flows sw0 priority=9,icmp`, in `vethlab exec host -- sh`.",
        "Where no rule matches, add one: `ovs-ofctl add-flow sw0 priority=0,actions=NORMAL`, or a line of `flows`.",
        "`vethlab up` brings the rules back to what the lab file says.",
    ),
    lab="""\
name: openflow-drop
networks:
  sw0: {type: ovs, subnet: 10.0.0.0/24, nodes: [a, b]}
""",
    breaks=("host: ovs-ofctl add-flow sw0 priority=9,icmp,actions=drop",),
    asks=("a", "b"),
    where="host:sw0",
)
