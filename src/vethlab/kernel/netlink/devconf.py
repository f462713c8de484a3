"""The settings of an interface under net.ipv4.conf and net.ipv6.conf, as RTM_GETLINK tells them in IFLA_AF_SPEC.

Enters: the payload of IFLA_AF_SPEC; leaves: numbers by the leaf name of their sysctl. Rule of the file: the order is that of the kernel's
arrays (include/uapi/linux/ip.h from 1, include/uapi/linux/ipv6.h from 0); a kernel that knows fewer or more fills what it knows. No leaf
whose sysctl counts in another unit is named (the kernel's array has milliseconds where /proc has seconds).
"""

from __future__ import annotations

from struct import unpack_from

from vethlab.kernel.netlink.message import attributes
from vethlab.model.address import AF_INET, AF_INET6

IFLA_INET_CONF, IFLA_INET6_CONF = 1, 2

IPV4 = (
    "forwarding", "mc_forwarding", "proxy_arp", "accept_redirects", "secure_redirects", "send_redirects", "shared_media", "rp_filter",
    "accept_source_route", "bootp_relay", "log_martians", "tag", "arp_filter", "medium_id", "disable_xfrm", "disable_policy",
    "force_igmp_version", "arp_announce", "arp_ignore", "promote_secondaries", "arp_accept", "arp_notify", "accept_local",
    "src_valid_mark", "proxy_arp_pvlan", "route_localnet", "igmpv2_unsolicited_report_interval", "igmpv3_unsolicited_report_interval",
    "ignore_routes_with_linkdown", "drop_unicast_in_l2_multicast", "drop_gratuitous_arp", "bc_forwarding", "arp_evict_nocarrier",
)
IPV6 = (
    "forwarding", "hop_limit", "mtu", "accept_ra", "accept_redirects", "autoconf", "dad_transmits", "router_solicitations",
    "", "", "use_tempaddr", "temp_valid_lft", "temp_prefered_lft", "regen_max_retry", "max_desync_factor", "max_addresses",
    "force_mld_version", "accept_ra_defrtr", "accept_ra_pinfo", "accept_ra_rtr_pref", "", "accept_ra_rt_info_max_plen",
    "proxy_ndp", "optimistic_dad", "accept_source_route", "mc_forwarding", "disable_ipv6", "accept_dad", "force_tllao", "ndisc_notify",
    "mldv1_unsolicited_report_interval", "mldv2_unsolicited_report_interval", "suppress_frag_ndisc", "accept_ra_from_local",
    "use_optimistic", "accept_ra_mtu", "", "use_oif_addrs_only", "accept_ra_min_hop_limit", "ignore_routes_with_linkdown",
    "drop_unicast_in_l2_multicast", "drop_unsolicited_na", "keep_addr_on_down", "", "seg6_enabled", "seg6_require_hmac",
    "enhanced_dad", "addr_gen_mode", "disable_policy", "accept_ra_rt_info_min_plen", "ndisc_tclass", "rpl_seg_enabled",
    "ra_defrtr_metric", "ioam6_enabled", "ioam6_id", "", "ndisc_evict_nocarrier", "accept_untracked_na", "accept_ra_min_lft",
    "force_forwarding",
)


def decode(data: bytes, start: int, end: int) -> tuple[dict[str, int], dict[str, int]]:
    """(IPv4, IPv6) settings; empty where the interface does not speak that version."""
    families = attributes(data, start, end)
    return _conf(data, families.get(AF_INET), IFLA_INET_CONF, IPV4), _conf(data, families.get(AF_INET6), IFLA_INET6_CONF, IPV6)


def _conf(data: bytes, family: tuple[int, int] | None, kind: int, leaves: tuple[str, ...]) -> dict[str, int]:
    if family is None:
        return {}
    span = attributes(data, *family).get(kind)
    if span is None:
        return {}
    known = dict(zip(leaves, unpack_from(f"={(span[1] - span[0]) // 4}i", data, span[0]), strict=False))
    known.pop("", None)
    return known
