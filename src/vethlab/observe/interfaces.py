"""Whose interface is it? Names for the (namespace, interface index) that a ring tells.

Enters: the lab's namespaces; leaves: Interface values, those that appeared after the start included. Rule of the file: reading only, over
sockets of its own, so that nobody else's netlink conversation is disturbed.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vethlab.errors import KernelError
from vethlab.kernel.netlink import link as links
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.packet import ARPHRD_ETHER, ARPHRD_LOOPBACK
from vethlab.kernel.port import Namespaces

__all__ = ["Interface", "Interfaces"]


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of a node. `description` says what it is and where it leads; `ethernet`: its frames begin with an Ethernet header."""

    node: str
    name: str
    index: int
    description: str = ""
    mac: bytes = b""
    ethernet: bool = True

    def __str__(self) -> str:
        return f"{self.node}:{self.name}"


class Interfaces:
    """The interfaces of all namespaces of a lab, read when asked for one that is not known."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._known: dict[tuple[str, int], Interface] = {}
        self.refresh()

    def of(self, node: str) -> list[Interface]:
        """Those of a node, by index."""
        return [one for (owner, _), one in sorted(self._known.items()) if owner == node]

    def find(self, node: str, index: int) -> Interface:
        """The interface of that index; one that was gone before its name could be read is called by its number."""
        known = self._known.get((node, index))
        if known is None:
            self.refresh()
            known = self._known.setdefault((node, index), Interface(node, f"if{index}", index, "gone before its name could be read"))
        return known

    def refresh(self) -> None:
        """Read them again. Interfaces that went away stay known: frames of theirs may be on their way."""
        names = sorted(self._namespaces.names())
        sockets = self._namespaces.sockets([(name, socket.AF_NETLINK, socket.SOCK_RAW, 0) for name in names])
        seen: dict[str, list[tuple[links.Seen, int]]] = {}
        try:
            for name, sock in zip(names, sockets, strict=True):
                seen[name] = _dump(name, sock)
        finally:
            for sock in sockets:
                sock.close()
        self._known |= _named(seen)


def _dump(name: str, sock: socket.socket) -> list[tuple[links.Seen, int]]:
    """Every interface of a namespace with its ARPHRD number."""
    try:
        parts = Connection(sock).dump(links.RTM_GETLINK, links.dump_body())
        return [(links.decode(*part), links.INFO.unpack_from(part[0], part[1])[1]) for part in parts]
    except KernelError as error:
        raise KernelError("read", f"interfaces of {name}", error.errno, error.kernel_says) from error


def _named(seen: Mapping[str, Sequence[tuple[links.Seen, int]]]) -> dict[tuple[str, int], Interface]:
    # Indexes are unique over a lab, so a veth's own index and its peer's name each other (see kernel.snapshot).
    ends = {(one.ifindex, one.peer_index): f"{node}:{one.name}" for node, found in seen.items() for one, _ in found if one.kind == "veth"}
    return {
        (node, one.ifindex): Interface(
            node, one.name, one.ifindex, _described(one, ends, (other for other, _ in found)),
            bytes.fromhex(one.mac.replace(":", "")) if one.mac else b"", hardware in {ARPHRD_ETHER, ARPHRD_LOOPBACK},
        )
        for node, found in seen.items() for one, hardware in found
    }


def _described(one: links.Seen, ends: Mapping[tuple[int, int], str], around: Iterable[links.Seen]) -> str:
    words = [one.kind or "interface"]
    peer = ends.get((one.peer_index, one.ifindex)) if one.kind == "veth" else None
    if peer:
        words.append(f"peer {peer}")
    words += [f"port of {other.name}" for other in around if one.master_index and other.ifindex == one.master_index]
    if one.alias:
        words.append(one.alias)
    return ", ".join(words)
