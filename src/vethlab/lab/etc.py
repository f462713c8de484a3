"""What nodes read of /etc that is not the machine's: hosts(5), and resolv.conf(5) where the machine's would lead nowhere.

Enters: a topology; leaves: texts, given to the keeper. Rule of the file: a resolver on the machine's loopback is not there in a node, which
has a loopback of its own; those that it asks itself are.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vethlab.plan.hosts import hosts

if TYPE_CHECKING:
    from vethlab.keep.client import Scope
    from vethlab.model.topology import Topology

__all__ = ["give", "resolver"]

RESOLV_CONF = "/etc/resolv.conf"
UPSTREAM = "/run/systemd/resolve/resolv.conf"  # whom systemd-resolved asks, which listens on 127.0.0.53 (systemd-resolved(8))


def give(namespaces: Scope, topology: Topology) -> None:
    """Give nodes their files; a resolver only where the lab reaches the real world."""
    namespaces.set_hosts(hosts(topology), resolver() if topology.uplink != "none" else "")


def resolver(places: tuple[str, str] = (RESOLV_CONF, UPSTREAM)) -> str:
    """The text of resolv.conf without resolvers on a loopback; empty where nobody else is known, and where the machine's own will do.

    It will not where it is a link into the machine's /run, which is not a node's.
    """
    for place in places:
        lines = _read(place).splitlines()
        kept = [line for line in lines if not _is_near(line)]
        if any(line.split()[:1] == ["nameserver"] for line in kept):
            as_it_is = place == places[0] and kept == lines and not os.path.realpath(place).startswith("/run/")
            return "" if as_it_is else "\n".join([*kept, ""])
    return ""


def _is_near(line: str) -> bool:
    words = line.split()
    return words[:1] == ["nameserver"] and len(words) > 1 and (words[1] == "::1" or words[1].startswith(("127.", "0.")))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - no pathlib on this path
            return file.read()
    except OSError:
        return ""
