"""What a fresh namespace inherits from the machine, though a node should start at the kernel's defaults.

Enters: a fresh namespace; leaves: the sysctls in which it differs, with the kernel's own value. Rule of the file: only
net.ipv4.conf is inherited (net/ipv4/devinet.c devinet_init_net, unless net.core.devconf_inherit_init_net says otherwise); read once,
written only where different.
"""

from __future__ import annotations

from collections.abc import Sequence

from vethlab.kernel.port import Namespaces

_ZERO = (
    "accept_local", "arp_accept", "arp_announce", "arp_filter", "arp_ignore", "arp_notify", "bc_forwarding", "bootp_relay",
    "disable_policy", "disable_xfrm", "drop_gratuitous_arp", "drop_unicast_in_l2_multicast", "force_igmp_version", "forwarding",
    "ignore_routes_with_linkdown", "log_martians", "medium_id", "promote_secondaries", "proxy_arp", "proxy_arp_pvlan",
    "route_localnet", "rp_filter", "src_valid_mark", "tag",
)
_COMPILED = {
    **dict.fromkeys(_ZERO, "0"), "accept_redirects": "1", "arp_evict_nocarrier": "1", "secure_redirects": "1", "send_redirects": "1",
    "shared_media": "1",
}
_LO_KEEPS = frozenset({"disable_policy", "disable_xfrm"})  # 1 on lo, always
_DEFAULTS = {
    **{f"net.ipv4.conf.all.{leaf}": value for leaf, value in _COMPILED.items()}, "net.ipv4.conf.all.accept_source_route": "0",
    **{f"net.ipv4.conf.default.{leaf}": value for leaf, value in _COMPILED.items()}, "net.ipv4.conf.default.accept_source_route": "1",
}


def survey(namespaces: Namespaces, fresh: str, further: Sequence[str] = ()) -> tuple[dict[str, str], dict[str, str]]:
    """(what to write so that a fresh namespace is at the kernel's defaults, the values of `further` keys once that is written)."""
    keys = [*_DEFAULTS, *[key for key in further if key not in _DEFAULTS]]
    found = dict(zip(keys, namespaces.read_sysctls([(fresh, key) for key in keys]), strict=True))
    differing = {key: value for key, value in _DEFAULTS.items() if found[key] is not None and found[key] != value}
    for key in list(differing):
        scope, leaf = key.split(".")[3:5]
        if scope == "default" and leaf not in _LO_KEEPS:
            differing[f"net.ipv4.conf.lo.{leaf}"] = differing[key]
    recorded = {key: differing.get(key, seen) for key in further if (seen := found[key]) is not None}
    if "net.ipv4.conf.all.forwarding" in differing and "net.ipv4.ip_forward" in recorded:
        recorded["net.ipv4.ip_forward"] = "0"  # the same variable under another name
    return differing, recorded
