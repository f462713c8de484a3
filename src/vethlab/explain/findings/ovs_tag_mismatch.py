"""Two ports of a switch are in different VLANs."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "ovs-tag-mismatch",
    group="ovs",
    sentence="Two ports of a switch are in different VLANs.",
    means=(
        "A port with a tag is an access port: what comes in there belongs to that VLAN, and leaves only by other ports of the VLAN. "
        "A port without a tag is a trunk and carries all VLANs, their frames with an 802.1Q header (ovs-vswitchd.conf.db(5), vlan_mode): "
        "a node behind it without an interface of that VLAN understands none of them (net/8021q/vlan_core.c vlan_do_receive()). "
        "So even the question of who has an address is not heard."
    ),
    decided_by="The tags of both ports in the database of the switch, and `ofproto/trace`, by which the frame does not leave there.",
    mended_by=(
        "Put both ports into one VLAN: `ovs-vsctl set Port p-b tag=10`, or `ovs-vsctl clear Port p-b tag`.",
        "`vethlab up` brings the tags back to what the lab file says.",
    ),
    lab="""\
name: ovs-tag-mismatch
networks:
  sw0: {type: ovs, subnet: 10.0.0.0/24, nodes: [a, b], tags: {a: 10, b: 10}}
""",
    breaks=("host: ovs-vsctl set Port p-b tag=20",),
    asks=("a", "b"),
    where="host:p-b",
)
