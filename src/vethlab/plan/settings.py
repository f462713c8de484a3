"""What a sysctl is of: one interface, or its whole namespace.

Rule of the file: it imports nothing, since those who only look need it too.
"""

from __future__ import annotations

__all__ = ["of_interface"]


def of_interface(key: str) -> bool:
    """True for a sysctl of one interface (`net.ipv4.conf.eth0.rp_filter`), False for what is always there (`all`, `default`, `lo`)."""
    words = key.split(".")
    return len(words) > 4 and words[2] in {"conf", "neigh"} and words[3] not in {"all", "default", "lo"}
