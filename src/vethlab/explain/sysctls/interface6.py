"""Sysctls that every IPv6 interface has: net.ipv6.conf.IF.

Rule of the file: data only; what a value means is what the kernel does, tried on Linux 6.18. IPv6 has no maximum and no `or` for most of
its settings: writing all either sets every interface at once (addrconf.c: disable_ipv6, forwarding) or concerns none.
"""

from __future__ import annotations

from vethlab.explain.sysctls.form import Sysctl

__all__ = ["SYSCTLS"]

SYSCTLS = (
    Sysctl(
        key="net.ipv6.conf.IF.disable_ipv6",
        what="Whether the interface does IPv6 at all. Setting it takes all IPv6 addresses off at once, and unsetting it brings only "
             "the link-local one back; writing all sets every interface.",
        values=(("0", "IPv6 is on"), ("1", "IPv6 is off: no addresses, and what comes in is dropped")),
        default="0",
        rule="interface",
        raises="IPV6DISABLED, and Ip6InDiscards in nstat",
        finding="ipv6-disabled",
        lab="""\
name: no-six
links: [a 10.0.0.1/24 fd00::1/64 -- b 10.0.0.2/24]
nodes: {a: {}, b: {sysctl: {net.ipv6.conf.eth0.disable_ipv6: 1}}}
""",
        look="`vethlab exec b -- ip -6 address show dev eth0` lists nothing, not even a link-local address",
    ),
    Sysctl(
        key="net.ipv6.conf.IF.forwarding",
        what="For all: whether the node forwards IPv6, and writing it sets every interface. For one interface: only whether the node "
             "calls itself a router there, and takes no router advertisements.",
        values=(("0", "host"), ("1", "router")),
        default="0",
        rule="all",
        raises="IP_INADDRERRORS at ip6_forward, and Ip6InAddrErrors in nstat",
        finding="forwarding-off",
        lab="""\
name: router-six
links: ["a fd00:1::2/64 -- r fd00:1::1/64", "r fd00:2::1/64 -- b fd00:2::2/64"]
nodes:
  a: {routes: ["default via fd00:1::1"]}
  r: {sysctl: {net.ipv6.conf.all.forwarding: 1}}
  b: {routes: ["default via fd00:2::1"]}
""",
        check="ping a -> b",
        passes=True,
    ),
    Sysctl(
        key="net.ipv6.conf.IF.force_forwarding",
        what="Lets what comes in by one interface be forwarded although forwarding is off for all, from Linux 6.17 on. It is what "
             "IPv4's forwarding of an interface has always been; writing all sets every interface there is.",
        values=(("0", "as net.ipv6.conf.all.forwarding says"), ("1", "forwarded in any case")),
        default="0",
        rule="interface",
        raises="IP_INADDRERRORS at ip6_forward, and Ip6InAddrErrors in nstat",
        finding="forwarding-off",
        lab="""\
name: forced-six
links: ["a fd00:1::2/64 -- r fd00:1::1/64", "r fd00:2::1/64 -- b fd00:2::2/64"]
nodes:
  a: {routes: ["default via fd00:1::1"]}
  r: {sysctl: {net.ipv6.conf.eth0.force_forwarding: 1, net.ipv6.conf.eth1.force_forwarding: 1}}
  b: {routes: ["default via fd00:2::1"]}
""",
        check="ping a -> b",
        passes=True,
    ),
    Sysctl(
        key="net.ipv6.conf.IF.accept_ra",
        what="Whether router advertisements give the interface routes and addresses. A node that forwards ignores them with 1, so "
             "turning a host into a router may cost it its default route.",
        values=(("0", "never"), ("1", "while forwarding is off"), ("2", "always")),
        default="1",
        rule="interface",
        finding="no-route",
        lab="""\
name: adverts
links: ["a fd00::1/64 -- r fd00::2/64"]
nodes: {a: {sysctl: {net.ipv6.conf.eth0.accept_ra: 0}}, r: {forward: true}}
""",
        look="with a daemon that sends advertisements in r, `vethlab exec a -- ip -6 route` has a line with `proto ra` only without "
             "this",
    ),
    Sysctl(
        key="net.ipv6.conf.IF.accept_dad",
        what="Whether an IPv6 address is looked for on the segment before it is used (duplicate address detection, RFC 4862). An "
             "address that somebody else has is marked dadfailed and not used.",
        values=(
            ("0", "not looked for"), ("1", "looked for"),
            ("2", "as 1, and a duplicate link-local address made from the MAC ends IPv6 there"),
        ),
        default="0 for all, 1 for an interface",
        rule="max",
        finding="dad-failed",
        lab="""\
name: no-dad
links: ["a fd00::1/64 -- b fd00::2/64"]
nodes: {a: {}, b: {sysctl: {net.ipv6.conf.eth0.accept_dad: 0}}}
""",
        look="`vethlab exec b -- ip address add fd00::1/64 dev eth0` adds what a has, and it is not marked dadfailed",
    ),
    Sysctl(
        key="net.ipv6.conf.IF.dad_transmits",
        what="How many times an IPv6 address is asked for before it is used. With 0 it is used at once, without looking.",
        values=(("0", "no look"), ("1", "one question, and a second's wait"), ("N", "so many")),
        default="1",
        rule="interface",
        finding="dad-failed",
        lab="""\
name: hasty
links: ["a fd00::1/64 -- b fd00::2/64"]
nodes: {a: {}, b: {sysctl: {net.ipv6.conf.eth0.dad_transmits: 0}}}
""",
        look="`vethlab exec b -- ip address add fd00::1/64 dev eth0` adds what a has, and it is not marked dadfailed",
    ),
    Sysctl(
        key="net.ipv6.conf.IF.hop_limit",
        what="The number of hops with which packets leave by the interface, where neither socket nor route says one. Each router takes "
             "one off and drops the packet at zero.",
        values=(("1 to 255", "so many hops"),),
        default="64",
        rule="interface",
        raises="IP_INHDR at the router, and Ip6InHdrErrors in its nstat",
        finding="ttl-expired",
        lab="""\
name: short-six
links: ["a fd00:1::2/64 -- r fd00:1::1/64", "r fd00:2::1/64 -- b fd00:2::2/64"]
nodes:
  a: {routes: ["default via fd00:1::1"], sysctl: {net.ipv6.conf.eth0.hop_limit: 1}}
  r: {forward: true}
  b: {routes: ["default via fd00:2::1"]}
""",
        check="ping a -> b",
    ),
    Sysctl(
        key="net.ipv6.conf.IF.ignore_routes_with_linkdown",
        what="Whether IPv6 routes over an interface without carrier are left out of look-ups. Writing all sets every interface.",
        values=(("0", "they are used"), ("1", "they are not: the next best route counts, or there is none")),
        default="0",
        rule="interface",
        raises="with 1 and no other route: Ip6OutNoRoutes in nstat on a sender, IP_INNOROUTES on a router",
        finding="no-route",
        lab="""\
name: linkdown-six
links: ["a fd00::1/64 -- b fd00::2/64"]
nodes: {a: {sysctl: {net.ipv6.conf.eth0.ignore_routes_with_linkdown: 1}}, b: {}}
""",
        look="after `vethlab exec b -- ip link set dev eth0 down`, `vethlab exec a -- ip route get fd00::2` finds the network "
             "unreachable",
    ),
)
