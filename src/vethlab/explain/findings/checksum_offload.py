"""Packets leave without a checksum, and nobody fills it in: ping works, TCP and UDP do not."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "checksum-offload",
    group="link",
    sentence="Packets leave without a checksum, and nobody fills it in: ping works, TCP and UDP do not.",
    means=(
        "A device that offers transmit checksums gets TCP and UDP packets with the checksum still to be filled in (CHECKSUM_PARTIAL), and "
        "a veth offers them, since the packet stays in memory. "
        "Who reads it from a packet socket and writes it elsewhere, as Open vSwitch does in user space, has to fill it in or to pass "
        "the mark on; without userspace-tso-enable it does neither, and the receiver's kernel drops the packet (TcpInCsumErrors). "
        "ICMP is always summed in software (icmp_push_reply() in net/ipv4/icmp.c), so ping works. "
        "vethlab starts its own switches with userspace-tso-enable, which helps all but what VXLAN carries, and makes its VXLAN devices "
        "with remote checksum offload."
    ),
    decided_by="The setting of the switch, the offload of the sender's interface, and a packet that arrives and is not answered.",
    mended_by=(
        "`ovs-vsctl set Open_vSwitch . other_config:userspace-tso-enable=true`, and start ovs-vswitchd anew: `vethlab down`, `vethlab up`.",
        "Or let the nodes sum in software, which is slower: `ethtool -K eth0 tx off` at both ends.",
        "Of an overlay over such a switch: `ethtool -K vx-pods tx off` in its hosts, or devices with `remcsumtx remcsumrx`.",
    ),
    lab="""\
name: checksum-offload
nodes: {a: {}, b: {run: python3 -m http.server 80}}
networks:
  sw0: {type: ovs, subnet: 10.0.0.0/24, nodes: [a, b], datapath: userspace}
""",
    breaks=(
        "host: ovs-vsctl --no-wait set Open_vSwitch . other_config:userspace-tso-enable=false",
        "host: ovs-appctl exit",
        "host: sleep 0.3",
        "host: ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile --detach --verbose=off",
        "host: ovs-vsctl set Open_vSwitch . external_ids:started=again",
    ),
    asks=("a", "b", "--tcp", "80"),
    where="a:eth0",
    reasons=("TCP_CSUM", "UDP_CSUM", "SKB_CSUM"),
)
