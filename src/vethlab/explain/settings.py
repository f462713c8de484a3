"""Effective values of settings that `all` and the interface hold together.

Enters: a snapshot, an interface, a leaf name; leaves: the value the kernel acts on. Rule of the file: the combination is the kernel's
(include/linux/inetdevice.h: IN_DEV_MAXCONF, IN_DEV_ORCONF, IN_DEV_CONF_GET), not a guess from the documentation.
"""

from __future__ import annotations

from vethlab.model.snapshot import Snapshot

__all__ = ["both", "effective"]

OR = frozenset({"accept_local", "arp_filter", "proxy_arp", "log_martians", "route_localnet", "bc_forwarding"})
MAX = frozenset({"rp_filter", "arp_ignore", "arp_announce"})


def effective(snapshot: Snapshot, interface: str, leaf: str) -> int:
    """What counts for an interface (IPv4)."""
    everywhere = snapshot.all4.get(leaf, 0)
    found = snapshot.interfaces.get(interface)
    own = 0 if found is None else found.ipv4.get(leaf, 0)
    if leaf in OR:
        return int(bool(everywhere or own))
    return max(everywhere, own) if leaf in MAX else own


def both(snapshot: Snapshot, interface: str, leaf: str) -> str:
    """`all=0, eth0=1`: the two values as people look them up."""
    found = snapshot.interfaces.get(interface)
    return f"all={snapshot.all4.get(leaf, 0)}, {interface}={0 if found is None else found.ipv4.get(leaf, 0)}"
