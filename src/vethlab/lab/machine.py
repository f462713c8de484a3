"""The machine's own network namespace as one of a lab's: its host (`host: machine`), or what is outside of it (`uplink: machine`).

Enter: a topology and the namespaces of its lab; leaves: nothing, or an error before anything is touched. Rule of the file: what the lab
makes there bears its mark from its first moment, and what does not bear it is not seen, not changed, not removed
(docs/decisions/host-machine.md).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from vethlab.errors import HostError, LabError, VethlabError
from vethlab.keep.leases import alive
from vethlab.kernel import marks
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.nftables import NETLINK_NETFILTER
from vethlab.kernel.netlink.sock_diag import NETLINK_SOCK_DIAG, bound
from vethlab.kernel.occupied import occupied
from vethlab.lab import sharing
from vethlab.model.link import SWITCH_KIND, SWITCH_MADE, SWITCH_MODULE
from vethlab.model.names import HOST
from vethlab.model.occupied import WIDE
from vethlab.plan import nat
from vethlab.plan.collisions import collisions, published
from vethlab.plan.settings import of_interface
from vethlab.plan.spaces import Surroundings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vethlab.keep.client import Scope
    from vethlab.kernel.marks import Marked
    from vethlab.model.occupied import Occupied
    from vethlab.model.state import Netns
    from vethlab.model.topology import Topology

FRESH = "~fresh"  # `~` cannot be in a node's name
_OFF = ("net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.default.disable_ipv6")


def join(namespaces: Scope, topology: Topology, owner: str) -> None:
    """Let the machine's namespace, that of this thread, be one of the lab's: its host, or its world."""
    namespaces.join(topology.machine, owner)
    with _inside(namespaces) as connection:
        marks.require_right(connection)
    with _inside(namespaces, NETLINK_NETFILTER) as connection:  # a table that a killed keeper left; its bridges are taken over
        marks.remove_tables(connection, [one for one in marks.marked_tables(connection) if one.owner == owner])
    sharing.remove(sharing.directory(), [one for one in sharing.bridges(sharing.directory()) if one.owner == owner])  # its ports are lost
    sharing.share(namespaces, topology)


def surroundings(namespaces: Scope, topology: Topology, owner: str) -> Surroundings:
    """What the lab finds here."""
    return Surroundings(has_ipv6(namespaces), sharing.unfilled(namespaces, topology, owner))


@contextmanager
def fresh(namespaces: Scope) -> Iterator[str]:
    """A namespace that was just made, to see what fresh ones are like."""
    namespaces.create([FRESH])
    try:
        yield FRESH
    finally:
        namespaces.drop([FRESH])


def has_ipv6(namespaces: Scope) -> bool:
    """Whether new interfaces of the machine take IPv6 addresses."""
    return all(value == "0" for value in namespaces.read_sysctls([(_place(namespaces), key) for key in _OFF]))


def taken(namespaces: Scope, owner: str) -> Occupied:
    """What others have there."""
    switched, ports = sharing.occupants(namespaces, owner)
    with _inside(namespaces) as connection, _inside(namespaces, NETLINK_NETFILTER) as rules:
        return occupied(connection, rules, owner, switched=switched, ports=ports)


def prepare(namespaces: Scope, topology: Topology, owner: str, before: Netns, wanted: Netns) -> None:
    """Make sure that there is room, and leave the keeper a will over everything that is about to be there. LabError names what is taken.

    `before`: what of the lab is there now.
    """
    place, theirs = _place(namespaces), taken(namespaces, owner)
    if place != HOST:  # four addresses out of a route to everywhere are nobody's loss; those that are ours already are narrower than any
        ours = [one.address.network for one in before.addresses]
        theirs = replace(theirs, ways=tuple(
            one for one in theirs.ways
            if one[0].prefixlen >= WIDE and not any(one[0].version == own.version and one[0].overlaps(own) for own in ours)
        ))
    found = collisions(wanted, theirs)
    if place == HOST:
        with _inside(namespaces, NETLINK_SOCK_DIAG) as sockets:
            found += published(topology, bound(sockets))
    if found:
        first, more = found[0], f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise LabError(first.message + more, where=f"{place}:{first.interface}", why=first.why, help=first.help, slug="machine-has-it")
    if not has_ipv6(namespaces):
        given = next((one for one in sorted(wanted.addresses, key=str) if one.address.version == 6), None)
        if given is not None:
            raise HostError(
                f"the machine takes no IPv6 address, and the lab gives it {given.address}", where=f"{place}:{given.interface}",
                why=f"{_OFF[0]} or {_OFF[1]} is 1 there, and vethlab writes no setting of the machine", slug="host",
                help="switch IPv6 on, or take an IPv4 gateway",
            )
    _leave_will(namespaces, owner, before, wanted)


def _leave_will(namespaces: Scope, owner: str, *those: Netns) -> None:
    """What the keeper removes when it ends: all that would stay without it. Ends of cables go with the namespaces of the others.

    The interface of a bridge of Open vSwitch goes with the bridge, whose row is found by its mark.
    """
    place = _place(namespaces)
    lasting = dict.fromkeys(
        link.mark for one in those for link in one.links.values()
        if link.mark is not None and (link.peer is None or link.peer.netns == place) and link.kind != SWITCH_KIND
    )
    tables = dict.fromkeys((one.table.family, one.table.name) for one in those if one.table is not None)
    datagrams = {socket.NETLINK_ROUTE: marks.will(lasting)}
    if tables:
        datagrams[NETLINK_NETFILTER] = [part for family, name in tables for part in marks.table_will(family, name)]
    namespaces.leave_will(place, datagrams)
    sharing.leave_rows(namespaces, owner)


def lacks(namespaces: Scope, topology: Topology) -> tuple[str, ...]:
    """What of the machine's settings stands in the lab's way, one sentence each; they are for the machine's owner to change."""
    if not topology.joins_machine:
        return ()
    keys = [(key, value) for key, value in nat.sysctls(topology, HOST).items() if not of_interface(key)]
    found = namespaces.read_sysctls([(HOST, key) for key, _ in keys]) if keys else []
    return tuple(
        f"the machine has {key} = {now} and the lab's NAT needs {value}, which is yours to write: sysctl -w {key}={value}"
        for (key, value), now in zip(keys, found, strict=True) if now is not None and now != value
    )


def sweep(owner: str, *, switch: str = "") -> None:
    """Remove what a lab that has ended left: ends of cables are about to go with their nodes, which takes the kernel up to seconds.

    `switch`: where it had bridges on the machine's Open vSwitch.
    """
    base = switch or sharing.directory()
    with suppress(VethlabError, OSError):
        if owner not in alive():
            _remove([one for one in _marked(base) if one.owner == owner], base)


def leftovers() -> list[Marked]:
    """What bears the mark of a lab that does not live any more, in the network namespace of this thread. Empty for everybody but root.

    Without the interfaces that go with a bridge of Open vSwitch.
    """
    if os.geteuid() != 0:
        return []
    found = _abandoned()
    bridges = {(one.name, one.owner) for one in found if one.kind == marks.SWITCH}
    return [one for one in found if one.kind not in SWITCH_MADE or (one.name, one.owner) not in bridges]


def clean() -> list[Marked]:
    """Remove these; those that were there."""
    return _remove(_abandoned(), sharing.directory()) if os.geteuid() == 0 else []


def _abandoned() -> list[Marked]:
    found = _marked(sharing.directory())
    living = alive()  # after the marks were read: whoever made one of them lives by now, or never will again
    return [one for one in found if one.owner not in living]


def _marked(base: str) -> list[Marked]:
    """Everything with a mark in this thread's network namespace: bridges of Open vSwitch, other interfaces, and tables."""
    with _here() as connection:
        found = [*sharing.bridges(base), *marks.marked(connection)]
    with suppress(VethlabError, OSError), _here(NETLINK_NETFILTER) as rules:  # a kernel without nftables has no tables
        found += marks.marked_tables(rules)
    return found


def _remove(found: Sequence[Marked], base: str) -> list[Marked]:
    gone = sharing.remove(base, found)
    tables = [one for one in found if one.kind.startswith("table ")]
    if tables:
        with _here(NETLINK_NETFILTER) as rules:
            gone += marks.remove_tables(rules, tables)
    with _here() as connection:
        links = [one for one in found if one not in tables and one.kind not in {marks.SWITCH, SWITCH_MODULE}]
        return gone + marks.remove(connection, links)


@contextmanager
def _here(protocol: int = socket.NETLINK_ROUTE) -> Iterator[Connection]:
    """A connection into this thread's own network namespace, for a moment."""
    connection = marks.here(protocol)
    with closing(connection.socket):
        yield connection


def _place(namespaces: Scope) -> str:
    """Which namespace of the lab is the machine's."""
    (place,) = namespaces.joined
    return place


@contextmanager
def _inside(namespaces: Scope, protocol: int = socket.NETLINK_ROUTE) -> Iterator[Connection]:
    (made,) = namespaces.sockets([(_place(namespaces), socket.AF_NETLINK, socket.SOCK_RAW, protocol)])
    with closing(made):
        yield Connection(made)
