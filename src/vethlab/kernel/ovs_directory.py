"""Where the sockets of the machine's Open vSwitch are.

Rule of the file: as all tools of Open vSwitch find them (ovs-vsctl(8), OVS_RUNDIR); whether anybody answers there is not asked.
"""

from __future__ import annotations

import os

__all__ = ["directory", "is_there"]

_USUAL = "/var/run/openvswitch"


def directory() -> str:
    """Their directory, as this process sees it."""
    return os.environ.get("OVS_RUNDIR") or _USUAL


def is_there(base: str) -> bool:
    """Whether a database has, or had, its socket in that directory: one look, for those who load nothing for it."""
    return os.path.exists(f"{base}/db.sock")  # noqa: PTH110 - no pathlib on this path
