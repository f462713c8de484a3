"""One probe of one flow, for whoever looks on while it is under way.

Rule of the folder: sockets stand ready and ports are bound before anything is sent, so that an onlooker is told by what to recognize the
packets; no neighbour entry and no sysctl is set, and TTLs are the host's own.
"""

from __future__ import annotations

from vethlab.probe.single.send import TIMEOUT, probe

__all__ = ["TIMEOUT", "probe"]
