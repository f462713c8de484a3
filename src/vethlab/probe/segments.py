"""Who is whose neighbour: which entries of the neighbour table a set of paths makes the kernel create.

Enters: a Survey, gateways, paths; leaves: members, and for each path its pair of neighbours. Pure. Rule of the file: interfaces whose
addresses lie in one subnet are taken for one segment. Where that is wrong nothing is lost: their real ARP goes unanswered, they are
not lent entries, and are probed as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from vethlab.model.path import Path
from vethlab.probe.survey import Survey


class Member(NamedTuple):
    """An address on a segment: namespace, interface index, packed address."""

    netns: str
    link: int
    address: bytes


class Pair(NamedTuple):
    """Two neighbours: `asker` needs an entry for `target` to send, `target` one for `asker` to answer."""

    asker: Member
    target: Member


class Segments:
    """The segments of a lab. An address that two namespaces own is on none of them: only real ARP can tell who gets its packets."""

    def __init__(self, survey: Survey) -> None:
        self._by_subnet: dict[tuple[int, int, int], dict[bytes, Member]] = {}
        self._of: dict[str, list[tuple[Member, dict[bytes, Member]]]] = {}
        for name, site in survey.sites.items():
            for address in site.addresses:
                link = site.links.get(address.link)
                bits = len(address.packed) * 8
                contested = len(survey.owners.get(address.packed, ())) != 1  # loopback and link-local have no owner
                if link is None or link.loopback or not link.up or address.prefix >= bits or contested:
                    continue
                shift = bits - address.prefix
                segment = self._by_subnet.setdefault((bits, address.prefix, int.from_bytes(address.packed, "big") >> shift), {})
                member = segment.setdefault(address.packed, Member(name, address.link, address.packed))
                self._of.setdefault(name, []).append((member, segment))

    @property
    def upper_bound(self) -> int:
        """At most so many entries, whatever is probed."""
        return sum(len(segment) * (len(segment) - 1) for segment in self._by_subnet.values())

    def pairs(self, paths: Mapping[int, Path], survey: Survey) -> dict[int, Pair]:
        """The pair of each path that does not need a router."""
        found: dict[int, Pair] = {}
        packed: dict[int, bytes] = {}
        for position, path in paths.items():
            address = packed.get(id(path.dst))
            if address is None:
                address = packed[id(path.dst)] = path.dst.packed
            for member, segment in self._of.get(path.src, ()):
                target = segment.get(address)
                if target is not None and (path.interface is None or survey.sites[path.src].links[member.link].name == path.interface):
                    if target.netns != path.src:
                        found[position] = Pair(member, target)
                    break
        return found

    def routed(self, gateways: Mapping[str, Iterable[bytes]]) -> list[Pair]:
        """Each namespace with each gateway it names, where that is a neighbour."""
        return [
            Pair(member, segment[gateway])
            for name, named in gateways.items() for gateway in named for member, segment in self._of.get(name, ())
            if gateway in segment and segment[gateway].netns != name
        ]

    def ring(self, pairs: Iterable[Pair], step: int = 1) -> list[Pair]:
        """For every target of the pairs one neighbour that asks for it: the member `step` places ahead of it on its segment."""
        wanted = {member for pair in pairs for member in pair}
        asks = []
        for segment in self._by_subnet.values():
            members = [member for member in segment.values() if member in wanted]
            if len(members) > step:
                asks += [Pair(members[place - step], member) for place, member in enumerate(members)]
        return [ask for ask in asks if ask.asker.netns != ask.target.netns]
