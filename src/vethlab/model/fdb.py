"""Forwarding entries of a VXLAN device (bridge(8) fdb, `self`): behind which far end a hardware address is.

Rule of the file: only entries that were put there are state; what a device learned comes and goes.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.model.address import IP

UNKNOWN_MAC = "00:00:00:00:00:00"  # its entries take every frame whose MAC has none of its own, broadcasts included: one copy each


@dataclass(frozen=True, slots=True)
class Forward:
    """Frames that leave `interface` for `mac` go to the far end `remote`; `port` and `vni` None: the device's own."""

    interface: str
    mac: str
    remote: IP
    port: int | None = None
    vni: int | None = None
