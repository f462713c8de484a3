"""What makes a network real: one file for each type of network.

Enters: a network and the Spaces that collect what namespaces hold; leaves: links and addresses in them. Rule of the package: a type is a
file and a line of the table; nothing else of `plan` knows the types apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vethlab.model.topology import Network
from vethlab.plan.segments import bridge, macvlan, ovs, vxlan
from vethlab.plan.spaces import Spaces

_TYPES: Mapping[str, Callable[[Spaces, Network], None]] = {
    "bridge": bridge.add, "macvlan": macvlan.add, "ovs": ovs.add, "vxlan": vxlan.add,
}


def add(spaces: Spaces, network: Network) -> None:
    """Everything that a network needs, in the namespaces of its host and its nodes."""
    _TYPES[network.type](spaces, network)
