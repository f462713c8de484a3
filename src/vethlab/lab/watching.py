"""Watching a running lab: which nodes, whether BPF is asked, and which names its addresses have.

Enters: a lab's namespaces and names of nodes; leaves: a Watch, and Names. Rule of the file: it joins `observe` with the lab; it looks at
nothing itself but addresses, and those only when somebody asks for one that is not known.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vethlab.errors import KernelError, NotFoundError, UsageError
from vethlab.kernel.inside import each
from vethlab.kernel.netlink.watch import addresses
from vethlab.observe.text import address
from vethlab.observe.watch import Watch

if TYPE_CHECKING:
    from vethlab.keep.client import Scope

__all__ = ["Names", "start"]

_FRESH = 1.0  # seconds between two readings: an address that nobody has is asked for again and again
_LOOPBACK4, _LOOPBACK6 = 127, bytes(15) + b"\1"


def start(namespaces: Scope, nodes: Sequence[str], *, truth: bool = True) -> Watch:
    """A watch, ready to be entered. UsageError for `a:eth0`, NotFoundError for a node that is not there."""
    for word in nodes:
        if ":" in word:
            raise UsageError(f"`{word}` is an interface, and a watch is of whole nodes", help=f"write {word.partition(':')[0]}")
    if not nodes and namespaces.joined:  # what the machine drops of its own is nobody's business unless `host` is asked for
        nodes = sorted(namespaces.names() - namespaces.joined.keys())
    keeper = os.pidfd_open(namespaces.pid)
    try:
        return Watch(namespaces, nodes, truth=truth, alive=keeper)
    except BaseException:
        os.close(keeper)
        raise


class Names:
    """The lab's names of addresses: the nodes that have each, as capturing.address_names does, read anew when an unknown one comes up."""

    def __init__(self, namespaces: Scope) -> None:
        self._namespaces = namespaces
        self._known: dict[bytes, list[str]] = {}
        self._read = -_FRESH

    def of(self, packed: bytes) -> str | None:
        """`web`, `a/b` where two nodes have it, None where none has; every node has a loopback."""
        if (packed[0] == _LOOPBACK4 and len(packed) == 4) or packed == _LOOPBACK6:
            return None
        if packed not in self._known and time.monotonic() - self._read >= _FRESH:
            self._read = time.monotonic()
            self._known = self._addresses() or self._known
        return "/".join(self._known[packed]) if packed in self._known else None

    def show(self, packed: bytes) -> str:
        """The name, or else the address."""
        return self.of(packed) or address(packed)

    def _addresses(self) -> dict[bytes, list[str]]:
        found: dict[bytes, list[str]] = {}
        try:
            for entered in each(self._namespaces, sorted(self._namespaces.names()), fully=False):
                for node, inside in entered.items():
                    for one in addresses(inside.route):
                        names = found.setdefault(one.packed, [])
                        if node not in names:
                            names.append(node)
        except (NotFoundError, KernelError):  # the lab is changing, or gone: what was known will do
            return {}
        return found
