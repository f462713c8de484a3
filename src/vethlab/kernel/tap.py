"""The tap that pasta(1) makes in a namespace and translates in user space: the way out without root (`uplink: pasta`).

Enters: the link as it is wanted; leaves: nothing, pasta runs and the tap is there, or BuildError with pasta's own words. Rule of the file:
the tap is pasta: it goes when its process ends, and the process ends when somebody deletes it, so nothing else is remembered of either.
Whatever would open a port, on either side, is switched off, and so is all configuration: addresses and routes are ours to give.
"""

from __future__ import annotations

import os

from vethlab.change.link import PASTA
from vethlab.errors import BuildError
from vethlab.kernel.netlink.link import IFLA_ADDRESS, IFLA_GROUP, IFLA_MTU, OWNED_GROUP, mac_bytes, set_link
from vethlab.kernel.netlink.message import Request, attribute, u32
from vethlab.kernel.port import Namespaces
from vethlab.model.link import Link

PACKAGE, PROGRAM = "passt", "pasta"
START_SECONDS = 10.0
_NOISE = ("Failed to send", "Don't run as root")  # of a machine without a system log; of one that means it


def start(namespaces: Namespaces, name: str, link: Link) -> None:
    """Have pasta make it. Root stays root, because it has to enter a namespace of root's."""
    words = [*PASTA, "--ns-ifname", link.name, *(("--runas", "0") if os.geteuid() == 0 else ())]
    done = namespaces.envoy(name, words, START_SECONDS)
    if done.status:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip() and not line.startswith(_NOISE)]
        raise BuildError(
            "pasta did not start", where=f"{name}:{link.name}", why=" ".join(said[-2:]) or f"it ended with {done.status}", slug="pasta",
            help="it needs a machine with a way out of its own: `ip route show default`; `journalctl` may know more of an AppArmor profile",
        )


def claim(link: Link) -> Request:
    """What a fresh one is told: that it is ours, and what it should be."""
    mac = attribute(IFLA_ADDRESS, mac_bytes(link.mac)) if link.mac else b""
    return set_link(0, link.name, parts=u32(IFLA_GROUP, OWNED_GROUP) + u32(IFLA_MTU, link.mtu) + mac)
