"""Topology -> State(desired): every cable and network becomes links, addresses and routes of namespaces.

Enters: a resolved topology and the sysctls in which a fresh namespace of this machine differs from the kernel's defaults. Leaves: a
State without indexes. Rule of the file: nothing is asked of the kernel, so the same file gives the same state on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vethlab.model.link import End
from vethlab.model.names import HOST
from vethlab.model.state import State
from vethlab.model.topology import Topology
from vethlab.plan import segments
from vethlab.plan.routing import shortest_paths
from vethlab.plan.spaces import Spaces


def desired(topology: Topology, baseline: Mapping[str, str] | None = None, *, ipv6: bool = True) -> State:
    """The state a topology asks for.

    `baseline`: sysctls every namespace gets, because the machine's own would leak in otherwise. `ipv6`: False on a kernel without it.
    """
    spaces = Spaces(topology, dict(baseline or {}), ipv6=ipv6)
    for cable in topology.cables:
        for end, other in ((cable.left, cable.right), (cable.right, cable.left)):
            spaces.interface(end, End(other.node, other.interface), cable.mtu)
    for network in topology.networks:
        segments.add(spaces, network)
    routes = shortest_paths(topology) if topology.routing == "shortest-path" else {}
    return State({
        name: spaces.netns(name, nodes.get(name), routes.get(name, ()))
        for nodes in ({node.name: node for node in topology.nodes},) for name in (HOST, *nodes)
    })


def with_sysctls(state: State, extra: Mapping[str, Mapping[str, str]]) -> State:
    """The same state with further sysctls expected, where the state says nothing of them."""
    return State({
        name: replace(one, sysctls={**extra.get(name, {}), **one.sysctls}) if extra.get(name) else one for name, one in state.netns.items()
    })


__all__ = ["desired", "with_sysctls"]
