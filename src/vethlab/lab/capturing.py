"""Captures of a running lab: which places, which filter, which names its addresses have.

Enters: a lab's namespaces and words such as `a` and `a:eth0`; leaves: a Capture, and records for a pcapng file. Rule of the file: it
joins `observe` with the lab; it looks at nothing itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from vethlab.errors import UsageError
from vethlab.observe.capture import SNAPLEN, Capture, Place

if TYPE_CHECKING:
    from vethlab.keep.client import Scope
    from vethlab.model.address import IP
    from vethlab.model.state import State

__all__ = ["address_names", "named", "place", "start"]


def start(namespaces: Scope, places: Sequence[str], *, expression: str = "", snaplen: int = 0) -> Capture:
    """A capture, ready to be entered. `snaplen` 0 keeps whole frames. Without places: all of the lab, and of the machine it joined nothing.

    UsageError for a bad filter, NotFoundError for a place that is not there, HostError without libpcap.
    """
    snaplen = snaplen or SNAPLEN
    program = []
    if expression.strip():
        from vethlab.observe.filter import compiled  # noqa: PLC0415 - ctypes, only for those who filter

        program = compiled(expression, snaplen=snaplen)
    if not places and namespaces.joined:  # the machine's own traffic is nobody's business unless `host` is asked for
        places = sorted(namespaces.names() - namespaces.joined.keys())
    chosen = [place(word) for word in places]
    keeper = os.pidfd_open(namespaces.pid)
    try:
        return Capture(namespaces, chosen, program=program, snaplen=snaplen, alive=keeper)
    except BaseException:
        os.close(keeper)
        raise


def place(word: str) -> Place:
    """`a` or `a:eth0`."""
    node, colon, interface = word.partition(":")
    if not node or (colon and not interface):
        raise UsageError(f"`{word}` names neither a node nor an interface", help="write NODE or NODE:INTERFACE, such as web or web:eth0")
    return Place(node, interface or None)


def address_names(state: State) -> list[tuple[IP, list[str]]]:
    """The nodes that have each address; two nodes with one address are both told."""
    return named((node, held.address.ip) for node, one in sorted(state.netns.items()) for held in one.addresses)


def named(held: Iterable[tuple[str, IP]]) -> list[tuple[IP, list[str]]]:
    """The same from (node, address); every node has a loopback, so that is nobody's."""
    found: dict[IP, list[str]] = {}
    for node, address in held:
        names = found.setdefault(address, [])
        if node not in names and not address.is_loopback:
            names.append(node)
    return sorted(((address, names) for address, names in found.items() if names), key=lambda pair: (pair[0].version, pair[0].packed))
