"""Sysctls of a namespace that decide about packets: read of the lab, compared, written in the copy where they differ.

Enters: values by key; leaves: (key, value) to write, in an order in which the later do not undo the earlier. Rule of the file: what is
timing, memory or statistics is not read; an interface's values come with its link message (IFLA_AF_SPEC), without a file being opened.
"""

from __future__ import annotations

from collections.abc import Mapping

from vethlab.rehearse.ports import RawLink

# IPV4_DEVCONF_* (include/uapi/linux/ip.h) counts from 1, DEVCONF_* (include/uapi/linux/ipv6.h) from 0.
_IPV4 = {
    "forwarding": 1, "proxy_arp": 3, "accept_redirects": 4, "secure_redirects": 5, "send_redirects": 6, "shared_media": 7, "rp_filter": 8,
    "accept_source_route": 9, "bootp_relay": 10, "log_martians": 11, "tag": 12, "arp_filter": 13, "medium_id": 14, "disable_xfrm": 15,
    "disable_policy": 16, "force_igmp_version": 17, "arp_announce": 18, "arp_ignore": 19, "promote_secondaries": 20,
    "arp_accept": 21, "arp_notify": 22, "accept_local": 23, "src_valid_mark": 24, "proxy_arp_pvlan": 25, "route_localnet": 26,
    "ignore_routes_with_linkdown": 29, "drop_unicast_in_l2_multicast": 30, "drop_gratuitous_arp": 31,
    "bc_forwarding": 32, "arp_evict_nocarrier": 33,
}
_IPV6 = {
    "forwarding": 0, "hop_limit": 1, "mtu": 2, "accept_ra": 3, "accept_redirects": 4, "autoconf": 5, "dad_transmits": 6,
    "accept_ra_defrtr": 17, "accept_ra_pinfo": 18, "proxy_ndp": 22, "accept_source_route": 24, "disable_ipv6": 26, "accept_dad": 27,
    "force_tllao": 28, "ndisc_notify": 29, "suppress_frag_ndisc": 32, "use_oif_addrs_only": 37, "ignore_routes_with_linkdown": 39,
    "drop_unicast_in_l2_multicast": 40, "drop_unsolicited_na": 41, "keep_addr_on_down": 42, "enhanced_dad": 46, "disable_policy": 48,
}
# What the kernel looks up in `all` too (IN_DEV_ANDCONF, ORCONF and MAXCONF in include/linux/inetdevice.h, net/ipv6).
_OF_ALL = (
    *[f"net.ipv4.conf.all.{leaf}" for leaf in (
        "proxy_arp", "proxy_arp_pvlan", "accept_redirects", "send_redirects", "secure_redirects", "shared_media", "rp_filter",
        "log_martians", "accept_source_route", "arp_filter", "arp_announce", "arp_ignore", "arp_accept", "promote_secondaries",
        "accept_local", "src_valid_mark", "route_localnet", "bc_forwarding", "drop_unicast_in_l2_multicast", "ignore_routes_with_linkdown",
    )],
    *[f"net.ipv6.conf.all.{leaf}" for leaf in (
        "forwarding", "force_forwarding", "disable_ipv6", "proxy_ndp", "accept_dad", "accept_source_route", "disable_policy",
        "ignore_routes_with_linkdown", "keep_addr_on_down",
    )],
)
_OF_DEFAULT = (
    *[f"net.ipv4.conf.default.{leaf}" for leaf in (
        "forwarding", "rp_filter", "accept_local", "arp_ignore", "arp_filter", "proxy_arp", "route_localnet",
    )],
    *[f"net.ipv6.conf.default.{leaf}" for leaf in ("forwarding", "disable_ipv6", "accept_dad", "addr_gen_mode")],
)
_WHOLE = (
    *[f"net.ipv4.{leaf}" for leaf in (
        "ip_forward", "ip_default_ttl", "icmp_echo_ignore_all", "icmp_echo_ignore_broadcasts", "icmp_errors_use_inbound_ifaddr",
        "icmp_ratelimit", "ip_no_pmtu_disc", "ip_nonlocal_bind", "ip_forward_use_pmtu", "ip_local_port_range", "ping_group_range",
        "fwmark_reflect", "fib_multipath_hash_policy", "fib_multipath_hash_fields", "fib_multipath_use_neigh", "tcp_fwmark_accept",
        "tcp_mtu_probing", "tcp_syncookies",
    )],
    *[f"net.ipv6.{leaf}" for leaf in (
        "icmp.echo_ignore_all", "icmp.ratelimit", "bindv6only", "ip_nonlocal_bind", "fib_multipath_hash_policy",
    )],
    *[f"net.bridge.bridge-nf-{leaf}" for leaf in ("call-iptables", "call-ip6tables", "call-arptables")],
)
_SPREADING = frozenset({"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv6.conf.all.disable_ipv6"})


KEYS = (*_WHOLE, *_OF_ALL, *_OF_DEFAULT)  # what is read in each namespace


def of_namespace(there: Mapping[str, str], fresh: Mapping[str, str]) -> list[tuple[str, str]]:
    """What to write in a fresh namespace before it has interfaces: first what the kernel spreads over others, then these."""
    differing = [(key, value) for key, value in there.items() if key in fresh and fresh[key] != value]
    spread = {key.replace(".all.", ".default.") for key, _ in differing if key in _SPREADING}
    if any(key == "net.ipv4.ip_forward" for key, _ in differing):
        spread.add("net.ipv4.conf.default.forwarding")
    again = [(key, there[key]) for key in sorted(spread) if key in there and (key, there[key]) not in differing]
    return sorted([*differing, *again], key=lambda pair: (pair[0] not in _SPREADING, pair[0]))


def of_interface(there: RawLink, here: RawLink) -> list[tuple[str, str]]:
    """What to write for one interface that was just made."""
    name = there.name.replace(".", "/")
    found = []
    for leaf, at in _IPV4.items():
        if at <= min(len(there.ipv4), len(here.ipv4)) and there.ipv4[at - 1] != here.ipv4[at - 1]:
            found.append((f"net.ipv4.conf.{name}.{leaf}", str(there.ipv4[at - 1])))
    for leaf, at in _IPV6.items():
        if at < min(len(there.ipv6), len(here.ipv6)) and there.ipv6[at] != here.ipv6[at]:
            found.append((f"net.ipv6.conf.{name}.{leaf}", str(there.ipv6[at])))
    return found
