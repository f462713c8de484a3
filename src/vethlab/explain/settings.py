"""Effective values of settings that `all` and the interface hold together.

Enters: a snapshot, an interface, a leaf name; leaves: the value the kernel acts on. Rule of the file: the combination is the kernel's
(include/linux/inetdevice.h: IN_DEV_MAXCONF, IN_DEV_ORCONF, IN_DEV_CONF_GET), not a guess from the documentation.
"""

from __future__ import annotations

from vethlab.model.snapshot import Snapshot

__all__ = ["both", "current", "effective"]

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


def current(snapshot: Snapshot, key: str) -> str | None:
    """The value a sysctl has now, None where it was not read."""
    words = key.split(".")
    if words[:1] == ["net"] and words[2:3] == ["conf"] and len(words) == 5:
        family, scope, leaf = words[1], words[3], words[4]
        if scope == "all":
            found = (snapshot.all4 if family == "ipv4" else snapshot.all6).get(leaf)
        else:
            interface = snapshot.interfaces.get(scope.replace("/", "."))
            found = None if interface is None else (interface.ipv4 if family == "ipv4" else interface.ipv6).get(leaf)
        if found is not None:
            return str(found)
    return snapshot.sysctls.get(key)
