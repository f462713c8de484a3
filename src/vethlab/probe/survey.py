"""What the namespaces of a lab hold at the moment of the check: links, addresses, who owns which address.

Enters: the namespaces; leaves: a Survey. Rule of the file: the kernel is asked, not the lab file, since a check must see what drifted.
Sockets are opened for a few hundred namespaces at a time, because a process may hold 1,024 descriptors by default.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.watch import SeenAddress, SeenLink, addresses, links
from vethlab.kernel.port import Namespaces

AT_ONCE = 200
_LINK_LOCAL6 = b"\xfe\x80"


@dataclass(frozen=True, slots=True)
class Site:
    """One namespace: links by interface index, addresses in the kernel's order."""

    links: Mapping[int, SeenLink]
    addresses: tuple[SeenAddress, ...]

    def speaks(self, version: int) -> bool:
        """True if it has an address of that IP version which others can answer to."""
        return any(len(address.packed) == (4 if version == 4 else 16) and not everybodys(address.packed) for address in self.addresses)

    def runs(self, number: int) -> bool:
        """True if the link of that index passes frames."""
        link = self.links.get(number)
        return link is not None and link.running

    def link_local_of(self, number: int) -> bytes | None:
        """The IPv6 link-local address of a link."""
        return next((address.packed for address in self.addresses if address.link == number and link_local(address.packed)), None)

    def link_of(self, packed: bytes) -> SeenLink | None:
        """The link that holds an address."""
        return next((self.links.get(address.link) for address in self.addresses if address.packed == packed), None)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who has an address: a namespace and its interface index."""

    netns: str
    link: int


@dataclass(frozen=True, slots=True)
class Survey:
    """All namespaces read. `owners` leaves out loopback and link-local addresses: everybody has those."""

    sites: Mapping[str, Site]
    owners: Mapping[bytes, tuple[Owner, ...]]

    def owns(self, netns: str, packed: bytes) -> bool:
        """True if that namespace has that address."""
        return any(owner.netns == netns for owner in self.owners.get(packed, ()))


def asking(namespaces: Namespaces, names: Iterable[str]) -> Iterator[tuple[str, Connection]]:
    """A route netlink connection inside each namespace, in turn, closed when the next few hundred are opened."""
    wanted = list(names)
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        sockets = namespaces.sockets([(name, socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) for name in some])
        try:
            for name, sock in zip(some, sockets, strict=True):
                yield name, Connection(sock)
        finally:
            for sock in sockets:
                sock.close()


def read(namespaces: Namespaces, names: Iterable[str]) -> Survey:
    """Read these namespaces."""
    return survey({name: read_site(connection) for name, connection in asking(namespaces, names)})


def read_site(connection: Connection) -> Site:
    """Read one namespace."""
    return Site({link.number: link for link in links(connection)}, tuple(addresses(connection)))


def survey(sites: Mapping[str, Site]) -> Survey:
    """The survey of sites already read."""
    owners: dict[bytes, tuple[Owner, ...]] = {}
    for name, site in sites.items():
        for address in site.addresses:
            if not everybodys(address.packed):
                held = owners.get(address.packed, ())
                if all(owner.netns != name for owner in held):
                    owners[address.packed] = (*held, Owner(name, address.link))
    return Survey(sites, owners)


def link_local(packed: bytes) -> bool:
    """True for an IPv6 link-local address (RFC 4291, 2.5.6)."""
    return packed[:2] == _LINK_LOCAL6 and len(packed) == 16


def everybodys(packed: bytes) -> bool:
    """True for loopback and link-local addresses."""
    if len(packed) == 4:
        return packed[0] == 127
    return link_local(packed) or packed == bytes(15) + b"\1"
