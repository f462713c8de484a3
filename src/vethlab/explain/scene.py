"""What an explanation knows so far: the wiring of the lab, and the namespaces it has looked into.

Enters: the wiring; leaves: snapshots, asked for when first needed. Rule of the file: whoever needs a namespace asks here, so that only
those on the packet's way are read.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from vethlab.explain.questions import Drifted, Look, Question
from vethlab.model.link import End
from vethlab.model.snapshot import Drift, Interface, Snapshot, Wire, Wiring
from vethlab.model.switch import KIND

T = TypeVar("T")
Asking = Generator[Question, Any, T]  # a part of the conversation: yields questions, is sent answers, returns T

__all__ = ["Asking", "Scene"]


BRIDGES = frozenset({"bridge", KIND})


class Scene:
    """The lab as far as it has been looked at."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.snapshots: dict[str, Snapshot] = {}
        self._drift: dict[str, tuple[Drift, ...]] = {}
        self.underlays: dict[Any, Any] = {}  # ways of outer packets that were walked (explain/tunnel.py)
        self._parents = {wire.lower for wire in wiring.wires.values()}

    def look(self, netns: str) -> Asking[Snapshot]:
        """The snapshot of a namespace."""
        if netns not in self.snapshots:
            self.snapshots[netns] = yield Look(netns)
        return self.snapshots[netns]

    def drift(self, *nodes: str) -> Asking[tuple[Drift, ...]]:
        """What is not as the lab file says in these namespaces; asked only where something is wrong."""
        wanted = tuple(dict.fromkeys(nodes))
        if any(one not in self._drift for one in wanted):
            together = tuple(one for one in dict.fromkeys([*wanted, *self.snapshots]) if one not in self._drift)  # each question costs
            found: tuple[Drift, ...] = yield Drifted(together)
            self._drift |= {name: tuple(one for one in found if one.node == name) for name in together}
        return tuple(one for name in wanted for one in self._drift[name])

    def interface(self, end: End) -> Interface | None:
        """An interface of a namespace that was looked into; None if there is none."""
        found = self.snapshots.get(end.netns)
        return None if found is None else found.interfaces.get(end.interface)

    def wire(self, end: End) -> Wire | None:
        """How an interface is wired."""
        return self.wiring.wires.get(end)

    def uppers(self, end: End) -> list[End]:
        """The macvlans that stand on an interface."""
        return [other for other, wire in self.wiring.wires.items() if wire.lower == end] if end in self._parents else []

    def far_ends(self, end: End) -> list[End]:
        """The VXLAN devices that one should reach: of its network, says the lab file; else those of other nodes with its vni."""
        tunnel, wires = self.wiring.tunnels.get(end), self.wiring.wires
        if tunnel is not None:
            return [far for far, _ in tunnel.remotes if far in wires and wires[far].kind == "vxlan"]
        vni = _vni(wires.get(end))
        others = [far for far in wires if far.netns != end.netns and far not in self.wiring.tunnels]
        return [far for far in others if vni and _vni(wires[far]) == vni]

    def is_bridge(self, end: End) -> bool:
        """True for a bridge itself."""
        wire = self.wiring.wires.get(end)
        return wire is not None and wire.kind in BRIDGES

    def is_switch(self, end: End) -> bool:
        """True for a bridge of Open vSwitch."""
        return end in self.wiring.switches

    def bridge_of(self, end: End) -> End | None:
        """The bridge an interface is a port of."""
        wire = self.wiring.wires.get(end)
        if wire is None or wire.master is None:
            return None
        bridge = End(end.netns, wire.master)
        return bridge if self.is_bridge(bridge) else None

    def bridge_meant_for(self, end: End) -> End | None:
        """The bridge an interface without a master should be a port of.

        The lab file's; else the only bridge of its namespace, where the interface has no address to live by.
        """
        wire = self.wiring.wires.get(end)
        if wire is None or wire.kind in {*BRIDGES, "loopback"} or end in self._parents or wire.peer in self._parents - {None}:
            return None
        if wire.should_join is not None:
            meant = End(end.netns, wire.should_join)
            return meant if self.is_bridge(meant) and wire.master != wire.should_join else None
        if wire.master is not None or any(not one.ip.is_link_local for one in wire.addresses) or self.wiring.declared.get(end):
            return None
        bridges = [one.end for one in self.wiring.of(end.netns) if one.kind in BRIDGES]
        return bridges[0] if len(bridges) == 1 else None


def _vni(wire: Wire | None) -> int:
    return wire.vxlan.vni if wire is not None and wire.vxlan is not None else 0
