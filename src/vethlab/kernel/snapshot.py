"""Reads namespaces: a few dumps each, joined into one State. Nothing is changed by looking.

Enters: a route netlink connection for each namespace; leaves: a State in the lab's names, and what only the kernel needs (indexes,
operational states). Rule of the file: interface indexes are unique over a lab, so IFLA_LINK of one veth end and the index of the other
name each other; a pair that does not agree both ways has its peer outside the lab.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from vethlab.errors import KernelError
from vethlab.kernel import bridge, macvlan, shaper, veth, vxlan
from vethlab.kernel.netlink import address as addresses
from vethlab.kernel.netlink import link as links
from vethlab.kernel.netlink import neighbour as neighbours
from vethlab.kernel.netlink import route as routes
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.link import Seen
from vethlab.model.fdb import Forward
from vethlab.model.link import SWITCH_MADE, USUAL_GSO, BridgePort, End, Link
from vethlab.model.names import owner_of
from vethlab.model.neighbour import Neighbour
from vethlab.model.route import Route
from vethlab.model.shaping import Queue
from vethlab.model.state import Address, Netns


class Dumped(NamedTuple):
    """One namespace in the kernel's numbers. `others`: interfaces that are not the lab's, in a namespace where not all are."""

    seen: dict[int, Seen]
    addresses: list[Address]
    routes: list[Route]
    neighbours: list[Neighbour]
    fdb: list[Forward]
    queues: dict[str, Queue]
    others: Mapping[int, Seen] = MappingProxyType({})
    shared: bool = False

    def indexes(self) -> dict[str, int]:
        """Interface index by name."""
        return {seen.name: index for index, seen in self.seen.items()}


def dump(name: str, connection: Connection, *, pinned: bool = True) -> Dumped:
    """Read one namespace. `pinned=False` leaves out static neighbour entries: a namespace that was just made has none."""
    try:
        seen = {one.ifindex: one for one in (links.decode(*part) for part in connection.dump(links.RTM_GETLINK, links.dump_body()))}
        names = {index: one.name for index, one in seen.items()}
        owned = [found for part in connection.dump(addresses.RTM_GETADDR, addresses.DUMP) if (found := addresses.decode(*part)) is not None]
        main = [
            route for part in connection.dump(routes.RTM_GETROUTE, routes.dump_body()) if (route := routes.decode(*part, names)) is not None
        ]
        static = [
            entry for part in connection.dump(neighbours.RTM_GETNEIGH, neighbours.DUMP)
            if (entry := neighbours.decode(*part, names)) is not None
        ] if pinned else []
        devices = {index: one.name for index, one in seen.items() if one.kind == "vxlan"}
        forwards = [
            forward for part in connection.dump(neighbours.RTM_GETNEIGH, neighbours.FORWARDING)
            if (forward := vxlan.decode_entry(*part, devices)) is not None
        ] if devices else []
        shaped = _queues(connection, names) if any(one.shaped for one in seen.values()) else {}
    except KernelError as error:
        raise KernelError("read", f"namespace {name}", error.errno, error.kernel_says) from error
    return Dumped(seen, [Address(names[index], value) for index, value in owned if index in names], main, static, forwards, shaped)


def ours(dumped: Dumped, owner: str, switched: Collection[str] = ()) -> Dumped:
    """What `owner` made in a namespace of others, told by its marks, and what is on it: nothing else may be compared or taken away.

    `switched`: his bridges of Open vSwitch, whose interfaces that makes: their rows tell whose they are, a mark comes later.
    """
    mine = {
        index: one for index, one in dumped.seen.items()
        if (one.mark and owner_of(one.mark) == owner) or (one.name in switched and one.kind in SWITCH_MADE)
    }
    names = {one.name for one in mine.values()}
    return Dumped(
        mine, [one for one in dumped.addresses if one.interface in names],
        [one for one in dumped.routes if one.next_hops and {hop.interface for hop in one.next_hops} <= names],
        [one for one in dumped.neighbours if one.interface in names],
        [one for one in dumped.fdb if one.interface in names],
        {name: one for name, one in dumped.queues.items() if name in names},
        {index: one for index, one in dumped.seen.items() if index not in mine}, shared=True,
    )


def _queues(connection: Connection, names: Mapping[int, str]) -> dict[str, Queue]:
    """Asked for where an interface says that it has one: a dump in every namespace would be a fifth of the reading."""
    found = (shaper.decode(*part) for part in connection.dump(shaper.RTM_GETQDISC, shaper.ALL))
    return {names[one[0]]: one[1] for one in found if one is not None and one[0] in names}


def join(dumped: Mapping[str, Dumped]) -> dict[str, Netns]:
    """Put names where the kernel has numbers, over all namespaces at once."""
    ends = veth.joined(
        veth.Half(End(name, one.name), index, one.peer_index, one.abroad, part.shared or _owned(one))
        for name, part in dumped.items() for index, one in part.seen.items() if one.kind == "veth"
    )
    stacked = any(one.kind == macvlan.KIND for part in dumped.values() for one in part.seen.values())
    ends |= _lowers(dumped) if stacked else {}
    ends |= {
        End(name, one.name): End(name, part.seen[below].name) for name, part in dumped.items() for one in part.seen.values()
        if one.kind == vxlan.KIND and one.data is not None and (below := vxlan.lower(*one.data)) in part.seen
    }
    return {
        name: Netns(
            links={one.name: _link(one, part, ends.get(End(name, one.name))) for one in part.seen.values()},
            addresses=frozenset(part.addresses), routes=frozenset(merge_multipath(part.routes)), neighbours=frozenset(part.neighbours),
            fdb=frozenset(part.fdb), foreign=frozenset(part.others),
            queues=part.queues,
        )
        for name, part in dumped.items()
    }


def _lowers(dumped: Mapping[str, Dumped]) -> dict[End, End]:
    """What each macvlan stands on."""
    return macvlan.lowers(
        macvlan.Standing(End(name, one.name), index, one.peer_index if one.kind == macvlan.KIND else 0, one.abroad, _owned(one))
        for name, part in dumped.items() for index, one in part.seen.items()
    )


def _owned(one: Seen) -> bool:
    return one.group == links.OWNED_GROUP


def merge_multipath(found: list[Route]) -> list[Route]:
    """IPv6 ECMP routes may come as one route a next hop (kernels before 5.3 and some dumps): join those of one destination and metric."""
    joined: dict[tuple[object, ...], Route] = {}
    for route in found:
        key = (route.destination, route.metric, route.type, route.source)
        first = joined.get(key)
        if first is None or route.destination.version == 4:
            joined[key if first is None else (*key, len(joined))] = route
        else:
            joined[key] = replace(first, next_hops=first.next_hops + route.next_hops)
    return list(joined.values())


def _link(one: Seen, around: Dumped, other: End | None) -> Link:
    """`other`: where it leads, a veth's peer, what a macvlan stands on, or what a VXLAN device sends out of."""
    master = around.seen.get(one.master_index) or around.others.get(one.master_index)
    port = None
    if one.port is not None:
        port = bridge.decode_port(*one.port)
    elif master is not None and master.kind == "bridge":
        port = BridgePort()
    return Link(
        name=one.name, kind=one.kind, up=one.up, mtu=one.mtu, mac=one.mac, index=one.ifindex,
        master=master.name if master is not None else None,
        peer=other if one.kind == "veth" else None, lower=other if one.kind != "veth" else None,
        gso=one.gso if one.gso > USUAL_GSO else None,
        mode=macvlan.decode(*one.data) if one.kind == macvlan.KIND and one.data is not None else None,
        bridge=bridge.decode(*one.data) if one.kind == "bridge" and one.data is not None else None,
        port=port, vxlan=vxlan.decode(*one.data) if one.kind == vxlan.KIND and one.data is not None else None, alias=one.alias,
        mark=one.mark, link_local=one.link_local, owned=around.shared or _owned(one),
    )
