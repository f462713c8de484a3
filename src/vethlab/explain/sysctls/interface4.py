"""Sysctls that every IPv4 interface has: net.ipv4.conf.IF.

Rule of the file: data only; what a value means is what the kernel does, tried on Linux 6.18.
"""

from __future__ import annotations

from vethlab.explain.sysctls.form import Sysctl

__all__ = ["SYSCTLS"]

SYSCTLS = (
    Sysctl(
        key="net.ipv4.conf.IF.rp_filter",
        what="The reverse path filter looks up how an answer to the source of a packet would leave, and drops the packet if that way "
             "is wrong. It keeps forged sources out, and breaks paths on which request and reply go different ways.",
        values=(
            ("0", "no filter"), ("1", "strict: an answer must leave by the interface the packet came in by"),
            ("2", "loose: an answer must be able to leave by some interface"),
        ),
        default="0; many distributions set 1 or 2",
        rule="max",
        raises="IP_RPFILTER, and TcpExtIPReversePathFilter in nstat",
        finding="rp-filter",
        lab="""\
name: strict
links: [a 10.0.1.1/24 -- b 10.0.1.2/24, a 10.0.2.1/24 -- b 10.0.2.2/24]
nodes: {a: {}, b: {routes: [10.0.1.1/32 via 10.0.2.1], sysctl: {net.ipv4.conf.eth0.rp_filter: 1}}}
""",
        check="ping a -> 10.0.1.2",
    ),
    Sysctl(
        key="net.ipv4.conf.IF.accept_local",
        what="Whether a packet may come in from outside with one of the node's own addresses as its source. Two ends of a cable in one "
             "node need it, and only the end that receives.",
        values=(("0", "such a packet is a martian and is dropped"), ("1", "it is taken in")),
        default="0",
        rule="or",
        raises="IP_LOCAL_SOURCE, and in_martian_src in /proc/net/stat/rt_cache, which counts for the whole machine",
        finding="local-source",
        lab="""\
name: own-source
links: ["box:veth0 10.0.0.1/24 -- box:veth1 10.0.0.2/24"]
nodes: {box: {sysctl: {net.ipv4.conf.veth1.accept_local: 1}}}
""",
        check="ping box:veth0 -> box:veth1",
        passes=True,
    ),
    Sysctl(
        key="net.ipv4.conf.IF.arp_ignore",
        what="For which of the node's addresses an ARP request is answered. By default the node answers for all of its addresses on "
             "every interface.",
        values=(
            ("0", "for any local address"), ("1", "only for an address of the interface that was asked"),
            ("2", "as 1, and only if the asker is in the same subnet"), ("3", "not for addresses of scope host, for link and global ones"),
            ("8", "for none"),
        ),
        default="0",
        rule="max",
        finding="arp-suppressed",
        lab="""\
name: silent
links: [a 10.0.0.1/24 -- b 10.0.0.2/24]
nodes: {a: {}, b: {sysctl: {net.ipv4.conf.all.arp_ignore: 8}}}
""",
        check="ping a -> b",
    ),
    Sysctl(
        key="net.ipv4.conf.IF.arp_announce",
        what="Which of its own addresses a node names as the asker in an ARP request. It matters to whoever answers only its own "
             "subnet, or learns from requests.",
        values=(
            ("0", "the source of the packet that waits, from whichever interface"),
            ("1", "an address of the target's subnet, if there is one"),
            ("2", "the best address of the interface, whatever the packet says"),
        ),
        default="0",
        rule="max",
        finding="arp-suppressed",
        lab="""\
name: announce
links: [a 10.0.0.1/24 10.9.9.9/32 -- b 10.0.0.2/24]
nodes:
  a: {routes: [10.0.0.2/32 dev eth0 src 10.9.9.9], sysctl: {net.ipv4.conf.all.arp_announce: 2}}
  b: {routes: [10.9.9.9/32 dev eth0], sysctl: {net.ipv4.conf.all.arp_ignore: 2}}
""",
        check="ping a -> 10.0.0.2",
        passes=True,
    ),
    Sysctl(
        key="net.ipv4.conf.IF.arp_filter",
        what="Whether an ARP request is answered only on the interface by which the answer would be routed. It gives each address one "
             "interface on which it is heard, where a node has two on one segment.",
        values=(("0", "answered on any interface"), ("1", "answered only where the route back to the asker leaves")),
        default="0",
        rule="or",
        finding="arp-suppressed",
        lab="""\
name: filtered
links: [a 10.0.1.1/24 -- b 10.0.1.2/24, a 10.0.2.1/24 -- b 10.0.2.2/24]
nodes: {a: {}, b: {routes: [10.0.1.1/32 via 10.0.2.1], sysctl: {net.ipv4.conf.eth0.arp_filter: 1}}}
""",
        check="ping a -> 10.0.1.2",
    ),
    Sysctl(
        key="net.ipv4.conf.IF.proxy_arp",
        what="Whether a router answers ARP for addresses that it reaches by another interface. Then a node may take for a neighbour "
             "what lives behind the router.",
        values=(("0", "only for its own addresses"), ("1", "also for what it would route elsewhere")),
        default="0",
        rule="or",
        finding="neighbour-unresolved",
        lab="""\
name: proxy
links: [a 10.0.0.1/16 -- r 10.0.0.254/24, r 10.0.5.254/24 -- b 10.0.5.1/24]
nodes: {a: {}, r: {forward: true, sysctl: {net.ipv4.conf.eth0.proxy_arp: 1}}, b: {routes: [default via 10.0.5.254]}}
""",
        check="ping a -> b",
        passes=True,
    ),
    Sysctl(
        key="net.ipv4.conf.IF.route_localnet",
        what="Whether addresses of 127.0.0.0/8 may come in from outside and go out. NAT from a port of the machine to a service on its "
             "loopback needs it.",
        values=(("0", "such packets are martians and are dropped"), ("1", "they are routed like others")),
        default="0",
        rule="or",
        raises="IP_LOCALNET, and in_martian_dst in /proc/net/stat/rt_cache, which counts for the whole machine",
        lab="""\
name: to-loopback
links: [a 10.0.0.1/24 -- b 10.0.0.2/24]
nodes:
  a: {}
  b:
    nft: "table ip n { chain p { type nat hook prerouting priority -100; icmp type echo-request dnat to 127.0.0.1; }; }"
    sysctl: {net.ipv4.conf.eth0.route_localnet: 1}
""",
        check="ping a -> b",
        passes=True,
    ),
    Sysctl(
        key="net.ipv4.conf.IF.log_martians",
        what="Whether the kernel logs packets whose source or destination cannot be, which rp_filter and accept_local drop. It is the "
             "only trace that a refused ARP request leaves.",
        values=(("0", "silent"), ("1", "`martian source` or `martian destination` in the kernel log, at most a few each second")),
        default="0",
        rule="or",
        lab="""\
name: logged
links: ["box:veth0 10.0.0.1/24 -- box:veth1 10.0.0.2/24"]
nodes: {box: {sysctl: {net.ipv4.conf.all.log_martians: 1}}}
""",
        look="after `vethlab exec box -- ping -c1 -I veth0 10.0.0.2`, `dmesg` of the machine, as root, has `martian source`",
    ),
    Sysctl(
        key="net.ipv4.conf.IF.forwarding",
        what="Whether a packet that comes in by this interface for somebody else is forwarded. Writing it for all, or "
             "net.ipv4.ip_forward, sets every interface.",
        values=(("0", "host: such a packet is dropped"), ("1", "router")),
        default="0",
        rule="interface",
        raises="IP_INADDRERRORS, and IpInAddrErrors in nstat",
        finding="forwarding-off",
        lab="""\
name: one-way-in
links: [a 10.0.1.2/24 -- r 10.0.1.1/24, r 10.0.2.1/24 -- b 10.0.2.2/24]
nodes:
  a: {routes: [default via 10.0.1.1]}
  r: {forward: true, sysctl: {net.ipv4.conf.eth0.forwarding: 0}}
  b: {routes: [default via 10.0.2.1]}
""",
        check="ping a -> b",
    ),
    Sysctl(
        key="net.ipv4.conf.IF.ignore_routes_with_linkdown",
        what="Whether routes over an interface without carrier are left out of look-ups. By default they are used, and the packets "
             "vanish although another route exists.",
        values=(("0", "they are used"), ("1", "they are not: the next best route counts, or there is none")),
        default="0",
        rule="or",
        raises="with 1 and no other route: IpOutNoRoutes in nstat on a sender, IP_INNOROUTES on a router",
        finding="no-route",
        lab="""\
name: linkdown
links: [a 10.0.0.1/24 -- b 10.0.0.2/24]
nodes: {a: {sysctl: {net.ipv4.conf.all.ignore_routes_with_linkdown: 1}}, b: {}}
""",
        look="after `vethlab exec b -- ip link set dev eth0 down`, `vethlab exec a -- ip route get 10.0.0.2` finds the network "
             "unreachable",
    ),
)
