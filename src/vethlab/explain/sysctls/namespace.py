"""Sysctls of which a namespace, or the machine, has one value.

Rule of the file: data only; what a value means is what the kernel does, tried on Linux 6.18.
"""

from __future__ import annotations

from vethlab.explain.sysctls.form import Sysctl

__all__ = ["SYSCTLS"]

BRIDGED = "https://docs.kernel.org/networking/bridge.html"

SYSCTLS = (
    Sysctl(
        key="net.ipv4.ip_forward",
        what="Whether the node forwards IPv4: another name of net.ipv4.conf.all.forwarding. Writing it sets the value of every "
             "interface, and those are what the kernel looks at.",
        values=(("0", "host: a packet for somebody else is dropped"), ("1", "router")),
        default="0",
        rule="one",
        raises="IP_INADDRERRORS, and IpInAddrErrors in nstat",
        finding="forwarding-off",
        lab="""\
name: router
links: [a 10.0.1.2/24 -- r 10.0.1.1/24, r 10.0.2.1/24 -- b 10.0.2.2/24]
nodes: {a: {routes: [default via 10.0.1.1]}, r: {sysctl: {net.ipv4.ip_forward: 1}}, b: {routes: [default via 10.0.2.1]}}
""",
        check="ping a -> b",
        passes=True,
    ),
    Sysctl(
        key="net.ipv4.icmp_echo_ignore_all",
        what="Whether IPv4 echo requests, which ping sends, are taken in without an answer. Nothing else is concerned.",
        values=(("0", "answered"), ("1", "not answered")),
        default="0",
        rule="one",
        raises="no drop reason; IcmpInEchos rises and IcmpOutEchoReps does not",
        finding="echo-ignored",
        lab="""\
name: deaf
links: [a 10.0.0.1/24 -- b 10.0.0.2/24]
nodes: {a: {}, b: {sysctl: {net.ipv4.icmp_echo_ignore_all: 1}}}
""",
        check="ping a -> b",
    ),
    Sysctl(
        key="net.ipv4.icmp_echo_ignore_broadcasts",
        what="Whether an echo request to a broadcast or multicast address is left unanswered. It is by default, so `ping -b` proves "
             "nothing.",
        values=(("0", "answered"), ("1", "not answered")),
        default="1",
        rule="one",
        raises="NOT_SPECIFIED at icmp_rcv",
        finding="echo-ignored",
        lab="""\
name: loud
links: [a 10.0.0.1/24 -- b 10.0.0.2/24]
nodes: {a: {}, b: {sysctl: {net.ipv4.icmp_echo_ignore_broadcasts: 0}}}
""",
        look="`vethlab exec a -- ping -b -c1 10.0.0.255` is answered by 10.0.0.2",
    ),
    Sysctl(
        key="net.ipv6.icmp.echo_ignore_all",
        what="Whether IPv6 echo requests are taken in without an answer. It is not the IPv4 switch under another name: each family has "
             "its own.",
        values=(("0", "answered"), ("1", "not answered")),
        default="0",
        rule="one",
        raises="NOT_SPECIFIED at icmpv6_rcv; Icmp6InEchos rises and Icmp6OutEchoReplies does not",
        finding="echo-ignored",
        lab="""\
name: deaf-six
links: ["a fd00::1/64 -- b fd00::2/64"]
nodes: {a: {}, b: {sysctl: {net.ipv6.icmp.echo_ignore_all: 1}}}
""",
        check="ping a -> b",
    ),
    Sysctl(
        key="net.ipv4.ip_default_ttl",
        what="The number of hops with which IPv4 packets leave, where neither socket nor route says one. Each router takes one off and "
             "drops the packet at zero.",
        values=(("1 to 255", "so many hops"),),
        default="64",
        rule="one",
        raises="IP_INHDR at the router, and IpInHdrErrors in its nstat",
        finding="ttl-expired",
        lab="""\
name: short
links: [a 10.0.1.2/24 -- r 10.0.1.1/24, r 10.0.2.1/24 -- b 10.0.2.2/24]
nodes:
  a: {routes: [default via 10.0.1.1], sysctl: {net.ipv4.ip_default_ttl: 1}}
  r: {forward: true}
  b: {routes: [default via 10.0.2.1]}
""",
        check="ping a -> b",
    ),
    Sysctl(
        key="net.ipv4.ip_no_pmtu_disc",
        what="Whether the sender learns the MTU of a path: it forbids fragmentation and waits for the ICMP of a router that cannot "
             "pass a packet. With 1 packets may be fragmented on the way, which hides a small MTU.",
        values=(
            ("0", "path MTU discovery is on"), ("1", "off: packets may be fragmented"),
            ("2", "as 1, and `fragmentation needed` is ignored"), ("3", "only for protocols that check such messages"),
        ),
        default="0",
        rule="one",
        finding="mtu-exceeded",
        lab="""\
name: cut-up
links: [a 10.0.0.1/24 -- b 10.0.0.2/24]
nodes: {a: {sysctl: {net.ipv4.ip_no_pmtu_disc: 1}}, b: {}}
""",
        look="`vethlab exec a -- ping -c1 b` leaves without the DF flag: `vethlab capture a` shows it",
    ),
    Sysctl(
        key="net.ipv4.icmp_ratelimit",
        what="The least time between two ICMP errors to one address, in milliseconds; icmp_ratemask says which types. So a second "
             "packet to a closed port or without a route may get no answer at all.",
        values=(("0", "no limit"), ("N", "at most one error each N ms, after a burst of six")),
        default="1000",
        rule="one",
        raises="no drop reason; IcmpOutRateLimitHost in nstat",
        lab="""\
name: talkative
links: [a 10.0.0.1/24 -- b 10.0.0.2/24]
nodes: {a: {}, b: {sysctl: {net.ipv4.icmp_ratelimit: 0}}}
""",
        look="a burst of UDP packets to a closed port of b is answered with as many ICMP errors, and without this line with six or "
             "seven",
    ),
    Sysctl(
        key="net.ipv4.fib_multipath_hash_policy",
        what="By which parts of a packet one of several equal next hops is chosen. Request and reply are hashed each by itself, so "
             "they may take different ways.",
        values=(
            ("0", "the two addresses"), ("1", "addresses, protocol and ports"), ("2", "as 0, of the inner packet in a tunnel"),
            ("3", "what fib_multipath_hash_fields says"),
        ),
        default="0",
        rule="one",
        finding="asymmetric-path",
        lab="""\
name: spread
links: [a 10.0.1.1/24 -- b 10.0.1.2/24, a 10.0.2.1/24 -- b 10.0.2.2/24]
nodes: {a: {sysctl: {net.ipv4.fib_multipath_hash_policy: 1}}, b: {}}
""",
        look="after `ip route add 10.9.0.0/16 nexthop via 10.0.1.2 nexthop via 10.0.2.2` in a, `ip route get 10.9.0.1 ipproto tcp "
             "sport N dport 80` names either next hop, as N changes",
    ),
    Sysctl(
        key="net.ipv4.neigh.default.gc_thresh3",
        what="How many neighbour entries the whole machine may have, over all namespaces. When they are used up, no namespace can ask "
             "for a further neighbour.",
        values=(("N", "so many entries, permanent ones not counted"),),
        default="1024",
        rule="machine",
        raises="NEIGH_CREATEFAIL, and table_fulls of RTM_GETNEIGHTBL",
        finding="neighbour-table-full",
        lab="""\
name: crowd
networks: {br0: {subnet: 10.0.0.0/24, nodes: [h1..40]}}
""",
        look="`vethlab check` keeps within it; `ping` between all 1,560 pairs by hand does not",
    ),
    Sysctl(
        key="net.bridge.bridge-nf-call-iptables",
        what="Whether IPv4 frames that only cross a bridge pass the ip and inet chains of the namespace that owns the bridge "
             "(br_netfilter). Then a forward chain that drops also cuts neighbours on one bridge off from each other.",
        values=(("0", "bridged frames pass the bridge chains only"), ("1", "they pass the ip and inet chains too")),
        default="1 in every new namespace",
        rule="one",
        raises="NETFILTER_DROP",
        finding="nft-drop",
        lab="""\
name: bridged
networks: {br0: {subnet: 10.0.0.0/24, nodes: [a, b]}}
""",
        look="a table in `host` with `chain f { type filter hook forward priority 0; policy drop; }` of family ip cuts a off from b, "
             "until `vethlab exec host -- sysctl -w net.bridge.bridge-nf-call-iptables=0`",
        link=BRIDGED,
    ),
    Sysctl(
        key="net.bridge.bridge-nf-call-ip6tables",
        what="The same for IPv6 frames: whether those that only cross a bridge pass the ip6 and inet chains of the bridge's namespace.",
        values=(("0", "bridged frames pass the bridge chains only"), ("1", "they pass the ip6 and inet chains too")),
        default="1 in every new namespace",
        rule="one",
        raises="NETFILTER_DROP",
        finding="nft-drop",
        lab="""\
name: bridged-six
networks: {br0: {subnet: "fd00::/64", nodes: [a, b]}}
""",
        look="a table in `host` with `chain f { type filter hook forward priority 0; policy drop; }` of family ip6 cuts a off from b, "
             "until `vethlab exec host -- sysctl -w net.bridge.bridge-nf-call-ip6tables=0`",
        link=BRIDGED,
    ),
    Sysctl(
        key="net.bridge.bridge-nf-call-arptables",
        what="The same for ARP frames and the forward hook of arptables. nftables has no such hook: its family arp has input and "
             "output only, so there it changes nothing.",
        values=(("0", "bridged frames pass the bridge chains only"), ("1", "they pass the forward chain of arptables too")),
        default="1 in every new namespace",
        rule="one",
        raises="NETFILTER_DROP, if arptables drops",
        lab="""\
name: bridged-arp
networks: {br0: {subnet: 10.0.0.0/24, nodes: [a, b]}}
""",
        look="`vethlab exec host -- sysctl net.bridge.bridge-nf-call-arptables` says 1",
        link=BRIDGED,
    ),
)
