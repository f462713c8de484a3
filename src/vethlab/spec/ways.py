"""The segments of a lab that packets between hosts may cross. Enters: links and networks with addresses. Leaves: who stands where, ways.

Rule of the file: a segment is a link or a network that is no overlay itself; a way is the shortest one through nodes that forward.
"""

from __future__ import annotations

from typing import NamedTuple

from vethlab.model.address import IPInterface
from vethlab.model.link import LOOPBACK
from vethlab.spec.raw import RawLink, RawNetwork


class Stand(NamedTuple):
    """An address of a node, where it stands with it, and the mtu there (0: on no segment, a loopback)."""

    address: IPInterface
    interface: str
    segment: int
    mtu: int


class Ways:
    """`held`: the addresses of each node in file order, link-local ones left out."""

    def __init__(
        self, links: list[RawLink], networks: list[RawNetwork], forwards: set[str], loopbacks: dict[str, tuple[IPInterface, ...]],
    ) -> None:
        self.held: dict[str, list[Stand]] = {}
        self._forwards = forwards
        self._segments: list[tuple[set[str], int]] = []
        for link in links:
            self._add([(place.node, place.interface, place.addresses) for place in (link.left, link.right)], link.mtu)
        for network in networks:
            if network.type != "vxlan":
                ends = [(place.node, place.interface, place.addresses) for place in network.places]
                self._add([*ends, *([(network.on, network.name, network.gateway)] if network.gateway else [])], network.mtu)
        for node, addresses in loopbacks.items():
            self.held.setdefault(node, []).extend(Stand(address, LOOPBACK, -1, 0) for address in addresses)

    def _add(self, ends: list[tuple[str, str, list[IPInterface]]], mtu: int) -> None:
        number = len(self._segments)
        self._segments.append(({node for node, _, _ in ends}, mtu))
        for node, interface, addresses in ends:
            usable = [address for address in addresses if not address.is_link_local]
            self.held.setdefault(node, []).extend(Stand(address, interface, number, mtu) for address in usable)

    def neighbours(self, here: str, there: str, version: int) -> Stand | None:
        """Where `there` stands on a subnet that `here` has too, on one segment: the first in file order."""
        mine = [(stand.segment, stand.address.network) for stand in self.held.get(here, ()) if stand.segment >= 0]
        return next((
            stand for stand in self.held.get(there, ())
            if stand.address.version == version and (stand.segment, stand.address.network) in mine
        ), None)

    def shared(self, nodes: list[str], version: int) -> dict[str, Stand]:
        """Where each of the nodes stands on the first segment that all of them have addresses on, of one subnet; empty if there is none."""
        for first in self.held.get(nodes[0], ()):
            place = (first.segment, first.address.network)
            found = {
                node: stand for node in nodes for stand in reversed(self.held.get(node, []))
                if (stand.segment, stand.address.network) == place and stand.address.version == version
            }
            if first.segment >= 0 and len(found) == len(nodes):
                return found
        return {}

    def mtu(self, here: str, there: str) -> int:
        """The smallest mtu on the shortest way between two nodes, 0 if there is no way."""
        reached, edge, seen = {here: 1 << 16}, [here], set[int]()
        while edge and there not in reached:
            found: dict[str, int] = {}
            for name in edge:
                if name != here and name not in self._forwards:
                    continue
                for number, (members, mtu) in enumerate(self._segments):
                    if name in members and number not in seen:
                        seen.add(number)
                        found |= {one: min(reached[name], mtu) for one in members if one not in reached and one not in found}
            reached |= found
            edge = list(found)
        return reached.get(there, 0)
