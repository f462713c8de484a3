"""Names under /run/netns for the nodes of a lab of root (`up --names`): when they come, follow, and go.

Enters: a lab and its topology; leaves: nothing. Rule of the file: refused before anything is touched, or done; how a name is made safely
is for keep.names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vethlab.keep import names

if TYPE_CHECKING:
    from vethlab.keep.client import Mode
    from vethlab.lab.held import Held
    from vethlab.model.topology import Topology


def require(topology: Topology, mode: Mode) -> None:
    """HostError or LabError if the nodes cannot be named."""
    names.require(topology.name, mode, _nodes(topology))


def settle(held: Held, topology: Topology, *, asked: bool, created: bool) -> None:
    """Names follow the nodes of a lab that has them; a new lab takes away what a killed one of its name left."""
    if asked or (not created and names.has_names(topology.name)):
        names.export(topology.name, held.keeper, _nodes(topology))
    elif created and held.detached:
        names.remove(topology.name)


def _nodes(topology: Topology) -> list[str]:
    return [name for name in topology.namespaces if name != topology.machine]
