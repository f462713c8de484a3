"""`host: machine`: a lab whose bridges live in the machine's own network namespace, among interfaces of others.

Enter: a topology and the namespaces of its lab; leaves: nothing, or an error before anything is touched. Rule of the file: what the lab
makes there bears its mark from its first moment, and what does not bear it is not seen, not changed, not removed
(docs/decisions/host-machine.md).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from vethlab.errors import HostError, LabError, VethlabError
from vethlab.keep.leases import alive
from vethlab.kernel import marks
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.occupied import occupied
from vethlab.model.names import HOST
from vethlab.plan.collisions import collisions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vethlab.keep.client import Mode, Scope
    from vethlab.kernel.marks import Marked
    from vethlab.model.state import Netns
    from vethlab.model.topology import Topology

FRESH = "~fresh"  # `~` cannot be in a node's name
_OFF = ("net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.default.disable_ipv6")


def require(topology: Topology, mode: Mode) -> None:
    """HostError, before anything is touched, for a lab that joins the machine's network without root."""
    if topology.joins_machine and mode != "root":
        who = "an ordinary user may not" if os.geteuid() else "a rootless lab does not"
        raise HostError(
            "`host: machine` needs root", where=topology.name, why=f"its bridges live in the machine's own network, which {who} change",
            help="sudo vethlab up; or leave `host: machine` away: the lab then has a machine of its own", slug="not-root",
        )


    if topology.joins_machine:
        switched = next((network.name for network in topology.networks if network.type == "ovs"), None)
        if switched is not None:
            raise LabError(
                f"network `{switched}` is of `type: ovs`, and `host: machine` takes none yet", where=switched, slug="not-built-yet",
                why="its ports would be interfaces of the machine that bear no mark", help="take `type: bridge`, or `host: private`",
            )


def require_same(topology: Topology, owner: str) -> None:
    """LabError if a running lab would have to move from a machine of its own to the real one, or back."""
    if topology.joins_machine != bool(owner):
        raise LabError(
            f"lab `{topology.name}` runs with `host: {'machine' if owner else 'private'}`, and its file says the other",
            where=topology.name, slug="other-host", help="take it down first: a running lab cannot move its bridges",
        )


def join(namespaces: Scope, owner: str) -> None:
    """Let the machine's namespace, that of this thread, be the lab's `host`."""
    namespaces.join(HOST, owner)
    with _inside(namespaces) as connection:
        marks.require_right(connection)


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
    return all(value == "0" for value in namespaces.read_sysctls([(HOST, key) for key in _OFF]))


def prepare(namespaces: Scope, owner: str, wanted: Netns, *, before: Iterable[str] = ()) -> None:
    """Make sure that there is room, and leave the keeper a will over everything that is about to be there. LabError names what is taken.

    `before`: the marks of what is there now.
    """
    with _inside(namespaces) as connection:
        found = collisions(wanted, occupied(connection, owner))
    if found:
        first, more = found[0], f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise LabError(first.message + more, where=f"{HOST}:{first.interface}", why=first.why, help=first.help, slug="machine-has-it")
    if not has_ipv6(namespaces):
        given = next((one for one in sorted(wanted.addresses, key=str) if one.address.version == 6), None)
        if given is not None:
            raise HostError(
                f"the machine takes no IPv6 address, and the lab gives it {given.address}", where=f"{HOST}:{given.interface}",
                why=f"{_OFF[0]} or {_OFF[1]} is 1 there, and vethlab writes no setting of the machine", slug="host",
                help="switch IPv6 on, or take an IPv4 gateway",
            )
    leave_will(namespaces, wanted, before=before)


def leave_will(namespaces: Scope, wanted: Netns, *, before: Iterable[str] = ()) -> None:
    """What the keeper removes when it ends: bridges and the like. Ends of cables go with the namespaces of their nodes."""
    namespaces.leave_will(HOST, {socket.NETLINK_ROUTE: marks.will(dict.fromkeys([*lasting_marks(wanted), *before]))})


def lasting_marks(one: Netns) -> list[str]:
    """The marks of what would stay without its keeper: everything but ends of cables into nodes."""
    return [link.mark for link in one.links.values() if link.mark is not None and (link.peer is None or link.peer.netns == HOST)]


def sweep(owner: str, *, whole: bool) -> None:
    """Remove what a lab that has ended left, which is nothing if its keeper could end by itself. `whole`: ends of cables too.

    Without that only those go whose other end somebody moved to the machine: all others are about to go with their nodes.
    """
    with suppress(VethlabError, OSError), closing_here() as connection:
        if owner not in alive():
            marks.remove(connection, [one for one in marks.marked(connection) if one.owner == owner and (whole or not one.dies)])


def leftovers() -> list[Marked]:
    """What bears the mark of a lab that does not live any more, in the network namespace of this thread. Empty for everybody but root."""
    if os.geteuid() != 0:
        return []
    with closing_here() as connection:
        found = marks.marked(connection)
    living = alive()  # after the interfaces were read: whoever made one of them lives by now, or never will again
    return [one for one in found if one.owner not in living]


def clean() -> list[Marked]:
    """Remove these; those that were there."""
    found = leftovers()
    if not found:
        return []
    with closing_here() as connection:
        return marks.remove(connection, found)


@contextmanager
def closing_here() -> Iterator[Connection]:
    """A connection into this thread's own network namespace, for a moment."""
    connection = marks.here()
    with closing(connection.socket):
        yield connection


@contextmanager
def _inside(namespaces: Scope) -> Iterator[Connection]:
    (made,) = namespaces.sockets([(HOST, socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)])
    with closing(made):
        yield Connection(made)
