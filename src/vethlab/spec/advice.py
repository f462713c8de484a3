"""Advice about labs that are correct. Enters: a Topology. Leaves: sentences.

Rule of the file: an advice is something measured, with its number; it never stops anything.
"""

from __future__ import annotations

from vethlab.model.topology import Topology

MANY_PORTS = 300  # above it the multicast that IPv6 sends by itself (MLD, DAD, RS to every port) costs more than the building


def advice(topology: Topology) -> list[str]:
    """One sentence for each thing worth knowing before `up`."""
    said = [
        f"network `{network.name}` has {len(network.ports)} ports: every interface announces its IPv6 address to all others; "
        "`ipv6: none` spares that, if the lab does not need it"
        for network in topology.networks if topology.ipv6 != "none" and len(network.ports) > MANY_PORTS
    ]
    joined = {end.node for cable in topology.cables for end in (cable.left, cable.right)}
    joined |= {port.endpoint.node for network in topology.networks for port in network.ports}
    alone = [node.name for node in topology.nodes if node.name not in joined]
    if alone:
        first = f"node `{alone[0]}`" + (f" and {len(alone) - 1} more" if len(alone) > 1 else "")
        said.append(f"{first} {'are' if len(alone) > 1 else 'is'} on no link and no network")
    return said
