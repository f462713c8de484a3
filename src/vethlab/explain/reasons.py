"""The kernel's drop reasons (include/net/dropreason-core.h): what each says, and to which finding it leads.

Enters: a name, with or without SKB_DROP_REASON_, and the function that dropped; leaves: a slug. Rule of the file: a reason alone proves
little. Some mislead, some come with every good packet, and about half of all faults have none; so the pair of reason and function counts
before the reason, and the configuration before both.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from vethlab.explain import reason_names

__all__ = ["PREFIX", "Reason", "candidates", "find", "finding_of", "plain", "reasons"]

PREFIX = "SKB_DROP_REASON_"
LOOP, LOST = ("ttl-expired", "routing-loop"), ("forwarding-off", "not-for-us", "no-address")
# The noop queue of an interface that is down or unplugged drops as a full one does (net/sched/sch_generic.c).
SILENT = ("queue-drop", "link-down", "no-carrier", "lo-down")

# What drops and why, as seen with injected faults on Linux 6.18. Nothing: it comes with good packets too.
PAIRS: dict[tuple[str, str], tuple[str, ...]] = {
    ("NO_SOCKET", "ping_rcv"): (),  # every echo reply passes here after the raw socket has had its copy (net/ipv4/ping.c)
    ("NOT_SPECIFIED", "ip_error"): ("route-blackhole",),
    ("NOT_SPECIFIED", "dst_discard_out"): ("route-blackhole",),
    ("NOT_SPECIFIED", "ip_rcv_finish_core"): ("local-source", "rp-filter"),  # kernels before IP_LOCAL_SOURCE
    ("NOT_SPECIFIED", "__dev_forward_skb2"): ("mtu-blackhole",),
    ("NOT_SPECIFIED", "br_dev_queue_push_xmit"): ("mtu-blackhole",),
    ("NOT_SPECIFIED", "br_nf_dev_queue_xmit"): ("mtu-blackhole",),  # the same place where br_netfilter is on
    ("NOT_SPECIFIED", "br_handle_frame_finish"): ("port-blocked", "port-isolated"),
    ("NOT_SPECIFIED", "br_handle_frame"): ("port-blocked", "bridge-down"),  # kernels before BRIDGE_INGRESS_STP_STATE
    ("NOT_SPECIFIED", "neigh_invalidate"): ("neighbour-unresolved",),  # IPv6: ndisc_error_report gives no reason
    ("NOT_SPECIFIED", "icmpv6_rcv"): ("echo-ignored", "dad-failed"),
    ("IP_INADDRERRORS", "ip6_forward"): ("forwarding-off",),
    ("IP_INADDRERRORS", "ip_error"): LOST,
    ("IP_INNOROUTES", "ip6_pkt_discard"): ("no-route", "no-address"),
    ("IP_INNOROUTES", "ip6_pkt_prohibit"): ("route-blackhole",),
    ("IP_INHDR", "ip_forward"): LOOP,
    ("IP_INHDR", "ip6_forward"): LOOP,
    ("IP_INHDR", "ip_rcv_core"): (),  # here the header really is damaged
    ("IP_INHDR", "ip6_rcv_core"): (),
    ("QDISC_DROP", "__dev_queue_xmit"): SILENT,
    ("BRIDGE_INGRESS_STP_STATE", "br_handle_frame"): ("port-blocked", "bridge-down"),
    ("NO_TX_TARGET", "vxlan_xmit"): ("vxlan-no-fdb",),
    ("NO_TX_TARGET", "br_handle_frame_finish"): ("port-detached", "port-down", "fdb-wrong"),
}


class Reason(NamedTuple):
    """One drop reason. `finding` is the slug it most often leads to, or empty; `benign`: good packets end so too."""

    name: str
    sentence: str
    finding: str = ""
    note: str = ""
    benign: bool = False


@cache
def reasons() -> dict[str, Reason]:
    """Every reason of the core by its name, in the kernel's order."""
    return {row[0]: Reason(*row) for row in reason_names.ROWS}


def plain(name: str) -> str:
    """A name as this table spells it: `skb_drop_reason_ip_rpfilter` is IP_RPFILTER."""
    return name.strip().upper().removeprefix(PREFIX)


def find(name: str) -> Reason | None:
    """The reason of that name, in any case, None if there is none."""
    return reasons().get(plain(name))


def candidates(reason: str, function: str = "") -> tuple[str, ...]:
    """The findings it may mean, the likeliest first. `function` may carry what tracers add: `ip_error+0x12c`, `ip_rcv.constprop.0`."""
    name = plain(reason)
    where = "".join(re.findall(r"^\w+", function))
    if (name, where) in PAIRS:
        return PAIRS[name, where]
    known = reasons().get(name)
    return (known.finding,) if known is not None and known.finding and not known.benign else ()


def finding_of(reason: str, function: str) -> str | None:
    """The likeliest finding for a drop, None if it says nothing, or good packets end so too."""
    return next(iter(candidates(reason, function)), None)
