"""Root or rootless: which of the two a lab is made in when nobody says.

Enters: `auto`, `root` or `rootless`; leaves: one of the last two. Rule of the file: capabilities decide, not the uid alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vethlab.errors import HostError

if TYPE_CHECKING:
    from vethlab.keep.client import Mode

CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21


def choose_mode(mode: str) -> Mode:
    """`auto` becomes root where this process may administer the machine's network, else rootless."""
    able = _is_able()
    if mode == "root" and not able:
        raise HostError(
            "root mode needs root", why="making namespaces without a user namespace needs CAP_SYS_ADMIN and CAP_NET_ADMIN",
            help="run it with sudo, or without --root", slug="not-root",
        )
    return "rootless" if mode == "rootless" or not able else "root"


def _is_able() -> bool:
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - pathlib costs start-up time
        effective = next((int(line.split()[1], 16) for line in file if line.startswith("CapEff:")), 0)
    return os.geteuid() == 0 and all(effective >> bit & 1 for bit in (CAP_NET_ADMIN, CAP_SYS_ADMIN))
