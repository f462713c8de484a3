"""IPv6 is switched off on the interface."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "ipv6-disabled",
    group="address",
    sentence="IPv6 is switched off on the interface.",
    means=(
        "disable_ipv6=1 takes all IPv6 addresses off an interface at once, and ip6_rcv_core() (net/ipv6/ip6_input.c) drops what comes "
        "in there. "
        "Setting it back to 0 brings the link-local address back, and no other. "
        "An MTU below 1280 bytes (RFC 8200) does the same, and takes the routes, neighbours and settings of IPv6 along "
        "(net/ipv6/addrconf.c, NETDEV_CHANGEMTU); IPv4 goes on."
    ),
    decided_by="net.ipv6.conf.IF.disable_ipv6, and the MTU of the interface, read in the node.",
    mended_by=(
        "Set it to 0 for the interface, then add its addresses again; `vethlab up` adds them.",
        "Raise the MTU of the interface to 1280 or more, then the same.",
    ),
    lab="""\
name: ipv6-disabled
links:
  - a fd00::1/64 -- b fd00::2/64
""",
    breaks=("b: sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1",),
    asks=("a", "fd00::2"),
    where="b:eth0",
    sysctls=("disable_ipv6",),
    reasons=("IPV6DISABLED",),
)
