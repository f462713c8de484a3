"""Topology -> State(desired): every cable and network becomes links, addresses and routes of namespaces.

Enters: a resolved topology and the sysctls in which a fresh namespace of this machine differs from the kernel's defaults. Leaves: a
State without indexes. Rule of the file: nothing is asked of the kernel, so the same file gives the same state on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from vethlab.model.link import End
from vethlab.model.names import HOST, WORLD
from vethlab.model.state import Netns, State
from vethlab.model.topology import Topology
from vethlab.plan import nat, segments, shaping, tuning, world
from vethlab.plan.routing import shortest_paths
from vethlab.plan.settings import of_interface
from vethlab.plan.spaces import NOTHING_AROUND, Spaces, Surroundings

if TYPE_CHECKING:
    from vethlab.model.outside import Transfer
    from vethlab.plan.uplink import LedOut


def desired(
    topology: Topology, baseline: Mapping[str, str] | None = None, *, ipv6: bool = True, owner: str = "",
    around: Surroundings = NOTHING_AROUND, way: Transfer | None = None,
) -> State:
    """The state a topology asks for.

    `baseline`: sysctls every namespace gets, because the machine's own would leak in otherwise. `ipv6`: False on a kernel without it.
    `owner`: whose what is made in the machine's namespace is (`host: machine`), the lab's name where empty.
    `around`: what the lab finds there. `way`: the addresses on the uplink, those of a machine where nothing is taken if it is not told.
    """
    spaces = Spaces(topology, dict(baseline or {}), ipv6=ipv6, owner=owner, around=around)
    for cable in topology.cables:
        for end, other in ((cable.left, cable.right), (cable.right, cable.left)):
            spaces.interface(end, End(other.node, other.interface), cable.mtu)
        shaping.cable(spaces, cable)
        tuning.cable(spaces, cable)
    for network in topology.networks:
        segments.add(spaces, network)
        shaping.network(spaces, network)
        tuning.network(spaces, network)
    nodes = {node.name: node for node in topology.nodes}
    outside = world.node(topology)
    if outside is not None:
        world.add(spaces)
        nodes[WORLD] = outside
    routes = shortest_paths(topology) if topology.routing == "shortest-path" else {}
    on = _led_out(spaces, way) if topology.uplink != "none" and not topology.joins_machine else None
    routes[HOST] = (*routes.get(HOST, ()), *(world.routes(topology, ipv6=ipv6) if on is None else on.routes))
    translating = {network.on for network in topology.networks} | ({HOST} if topology.uplink != "none" else set())
    found = {name: spaces.netns(name, nodes.get(name), routes.get(name, ())) for name in (HOST, *nodes)}
    state = {name: _translating(topology, name, one, ipv6=ipv6, owner=owner) if name in translating else one for name, one in found.items()}
    if on is not None and topology.machine == WORLD:
        state[WORLD] = replace(spaces.netns(WORLD, None, ()), table=on.table)
    return State(state)


def _led_out(spaces: Spaces, told: Transfer | None) -> LedOut:
    """The way from the lab's host to the real world."""
    from vethlab.plan import uplink  # noqa: PLC0415 - few labs have one

    return uplink.add(spaces, told or uplink.transfer(spaces.topology, spaces.owner, versions=(4, 6) if spaces.ipv6 else (4,)))


def _translating(topology: Topology, name: str, one: Netns, *, ipv6: bool, owner: str) -> Netns:
    """A namespace with the table of rules and the sysctls that what it hides and publishes needs; what its node declares wins."""
    table = nat.table(topology, name)
    needed = nat.sysctls(topology, name)
    if name == HOST and topology.joins_machine:  # of its settings only those of the lab's own interfaces may be written
        table = table and nat.marked(table, owner or topology.name)
        needed = {key: value for key, value in needed.items() if of_interface(key)}
    if table is None and not needed:
        return one
    return replace(one, table=table, sysctls={**{key: value for key, value in needed.items() if ipv6 or "ipv6" not in key}, **one.sysctls})


def with_sysctls(state: State, extra: Mapping[str, Mapping[str, str]]) -> State:
    """The same state with further sysctls expected, where the state says nothing of them."""
    return State({
        name: replace(one, sysctls={**extra.get(name, {}), **one.sysctls}) if extra.get(name) else one for name, one in state.netns.items()
    })


__all__ = ["desired", "with_sysctls"]
