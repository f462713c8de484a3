"""The machine's own Open vSwitch, as a lab with `host: machine` shares it: joined, looked at, and left without a trace.

Enters: a topology, the namespaces of its lab, an owner; leaves: nothing, or what is there. Rule of the file: who has no bridge on an Open
vSwitch pays for one look whether its socket is there; json and sockets are loaded by those who do.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from vethlab.errors import HostError, KernelError
from vethlab.kernel.ovs_directory import directory, is_there
from vethlab.model.names import HOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vethlab.keep.client import Scope
    from vethlab.kernel.marks import Marked
    from vethlab.model.state import Netns
    from vethlab.model.topology import Network, Topology

__all__ = ["bridges", "directory", "joining", "leave", "leave_rows", "occupants", "remove", "require_running", "share", "unfilled"]


def joining(topology: Topology) -> list[Network]:
    """The networks that are bridges on it."""
    return [one for one in topology.networks if one.type == "ovs" and one.on == HOST] if topology.joins_machine else []


def share(namespaces: Scope, topology: Topology) -> str:
    """Let it be that of the lab's `host`, if the lab has a bridge on it; its directory, empty for a lab that never had one."""
    if HOST not in namespaces.switches and joining(topology):
        namespaces.switches[HOST] = directory()
    return namespaces.switches.get(HOST, "")


def require_running(there: Netns, base: str) -> None:
    """HostError if it has ended under the lab: nothing can be said of what is not as declared."""
    if there.switch is not None and there.switch.shared and not there.switch.running:
        from vethlab.kernel import ovs_machine  # noqa: PLC0415

        ovs_machine.require(base)


def unfilled(namespaces: Scope, topology: Topology, owner: str) -> frozenset[str]:
    """The bridges that pass a checksum on as it comes."""
    wanted = {one.name: one.datapath for one in joining(topology)}
    if not wanted:
        return frozenset()
    from vethlab.kernel import ovs_machine  # noqa: PLC0415

    return ovs_machine.unfilling(namespaces.switches.get(HOST) or directory(), owner, wanted)


def occupants(namespaces: Scope, owner: str) -> tuple[frozenset[str], dict[str, str]]:
    """This owner's bridges, and by name what is anybody else's. Nothing where the lab has no bridge on it."""
    base = namespaces.switches.get(HOST)
    if base is None:
        return frozenset(), {}
    from vethlab.kernel import ovs_machine  # noqa: PLC0415

    return ovs_machine.claimed(base, owner), ovs_machine.others(base, owner)


def leave_rows(namespaces: Scope, owner: str) -> None:
    """Let the keeper take this owner's bridges away when it ends."""
    base = namespaces.switches.get(HOST)
    if base is not None:
        from vethlab.keep.rows import UUIDS  # noqa: PLC0415
        from vethlab.kernel import ovs_machine  # noqa: PLC0415

        namespaces.leave_rows(HOST, base, ovs_machine.farewell(owner, UUIDS.decode()))


def bridges(base: str) -> list[Marked]:
    """Every bridge that bears a mark, whoever's it is. None where no Open vSwitch runs, or one that serves another network."""
    if not is_there(base):
        return []
    from vethlab.kernel import ovs_machine  # noqa: PLC0415

    try:
        return ovs_machine.marked(base)
    except (KernelError, HostError):
        return []


def leave(base: str, owner: str) -> None:
    """Remove this owner's bridges, as far as anybody answers."""
    with suppress(KernelError, HostError):
        remove(base, [one for one in bridges(base) if one.owner == owner])


def remove(base: str, found: Sequence[Marked]) -> list[Marked]:
    """Remove those of `found` that are such bridges; those that were there."""
    from vethlab.kernel.marks import SWITCH  # noqa: PLC0415

    mine = [one for one in found if one.kind == SWITCH]
    if not mine:
        return []
    from vethlab.kernel import ovs_machine  # noqa: PLC0415

    return ovs_machine.remove(base, mine)
