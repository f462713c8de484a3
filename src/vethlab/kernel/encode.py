"""Change -> netlink requests, one small function for each kind of change.

Enters: a change and Reach, which knows interface indexes and namespace descriptors; leaves: requests to be sent in the change's
namespace. Rule of the file: no sending; a table says which function takes which change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from vethlab.kernel import bridge, macvlan, shaper, veth, vxlan
from vethlab.kernel.netlink import address as addresses
from vethlab.kernel.netlink import link as links
from vethlab.kernel.netlink import neighbour as neighbours
from vethlab.kernel.netlink import route as routes
from vethlab.kernel.netlink.message import Request, attribute, u32
from vethlab.kernel.reach import Reach
from vethlab.model.link import LOOPBACK, Link, generated_otherwise, gso, has_ipv6

if TYPE_CHECKING:
    from vethlab import change as ops
    from vethlab.change import Change


def encode(one: Change, reach: Reach) -> list[Request]:
    """The requests that carry out one change of links, addresses, routes or neighbours."""
    return _TABLE[type(one).__name__](one, reach)


def _add_veth(one: ops.AddVeth, reach: Reach) -> list[Request]:
    left, right = one.left, one.right
    reach.open([one.netns, one.peer_netns])
    reach.learn(one.netns, left)
    reach.learn(one.peer_netns, right)
    descriptor = reach.descriptor(one.peer_netns) if one.peer_netns != one.netns else None
    master = reach.index(one.netns, left.master) if left.master else 0
    if left.mark is None:
        return veth.encode(left, right, peer_netns=descriptor, master=master)
    made = veth.encode(replace(left, up=False), right, peer_netns=descriptor, master=master)
    told = [*_marked(left), *(_marked(right) if descriptor is None else [])]
    return [*made, *told, *([links.set_link(left.index or 0, left.name, up=True)] if left.up else [])]


def _add_bridge(one: ops.AddBridge, reach: Reach) -> list[Request]:
    reach.open([one.netns])
    reach.learn(one.netns, one.link)
    return [bridge.encode(one.link), *_marked(one.link)]


def _marked(link: Link) -> list[Request]:
    """In the machine's namespace: whose it is, in the very system call that makes it, so that no kill comes between (netlink_rcv_skb).

    How it makes IPv6 addresses is told too, before it comes up: what new interfaces do there is the machine's setting.
    """
    if link.mark is None:
        return []
    index = link.index or 0
    mode = [links.set_link(index, link.name, parts=links.address_generation(link_local=link.link_local))] if has_ipv6(link) else []
    return [links.set_mark(index, link.mark), *mode]


def _add_macvlan(one: ops.AddMacvlan, reach: Reach) -> list[Request]:
    reach.open([one.place, one.netns])
    reach.learn(one.place, one.link)
    descriptor = reach.descriptor(one.place) if one.place != one.netns else None
    return [macvlan.encode(one.link, lower=reach.index(one.netns, one.lower.interface), netns=descriptor)]


def _add_vxlan(one: ops.AddVxlan, reach: Reach) -> list[Request]:
    reach.open([one.netns])
    reach.learn(one.netns, one.link)
    link = one.link
    return [vxlan.encode(
        link, master=reach.index(one.netns, link.master) if link.master else 0,
        lower=reach.index(one.netns, link.lower.interface) if link.lower else 0,
    )]


def _remove_link(one: ops.RemoveLink, reach: Reach) -> list[Request]:
    reach.forget_link(one.netns, one.link.name)
    return [links.delete_link(one.link.index or 0, one.link.name)]


def _set_link(one: ops.SetLink, reach: Reach) -> list[Request]:
    before, after = one.before, one.after
    index = after.index or before.index or (1 if after.name == LOOPBACK else 0) or reach.index(one.netns, after.name)
    parts = [links.address_generation(link_local=after.link_local)] if generated_otherwise(before, after) else []
    if after.mac is not None and after.mac != before.mac:
        parts.append(attribute(links.IFLA_ADDRESS, links.mac_bytes(after.mac)))
    if after.mtu != before.mtu:
        parts.append(u32(links.IFLA_MTU, after.mtu))
    if after.alias is not None and after.alias != before.alias:
        parts.append(attribute(links.IFLA_IFALIAS, after.alias.encode()))
    if after.master != before.master:
        parts.append(u32(links.IFLA_MASTER, reach.index(one.netns, after.master) if after.master else 0))
    if after.bridge is not None and after.bridge != before.bridge:
        parts.append(bridge.settings(after.bridge))
    if gso(after) != gso(before):
        parts.append(links.segment_sizes(gso(after)))
    if after.mode is not None and after.mode != before.mode:
        parts.append(macvlan.settings(after.mode))
    if after.vxlan is not None and before.vxlan is not None and after.vxlan != before.vxlan:
        parts.append(vxlan.settings(before.vxlan, after.vxlan))
    requests = [] if after.mark in {None, before.mark} else [links.set_mark(index, after.mark or "")]
    requests += [links.set_link(index, after.name, parts=b"".join(parts))] if parts else []
    if after.up != before.up:
        # A message of its own and after the settings: addr_gen_mode has to be there before the interface comes up.
        requests.append(links.set_link(index, after.name, up=after.up))
    if after.port is not None and after.port != before.port and after.master is not None:
        # A port state counts only on a running port: bringing a port up resets it (net/bridge/br_stp_if.c).
        requests.append(links.set_link(index, after.name, parts=bridge.port_settings(after.port)))
    return requests


def _address(make: Callable[..., Request]) -> Callable[[ops.AddAddress | ops.RemoveAddress, Reach], list[Request]]:
    return lambda one, reach: [make(reach.index(one.netns, one.address.interface), one.address.address)]


def _route(make: Callable[..., Request]) -> Callable[[ops.AddRoute | ops.RemoveRoute, Reach], list[Request]]:
    return lambda one, reach: [
        make(one.route, {hop.interface: reach.index(one.netns, hop.interface) for hop in one.route.next_hops if hop.interface}),
    ]


def _neighbour(make: Callable[..., Request]) -> Callable[[ops.AddNeighbour | ops.RemoveNeighbour, Reach], list[Request]]:
    return lambda one, reach: [make(one.neighbour, {one.neighbour.interface: reach.index(one.netns, one.neighbour.interface)})]


def _forward(make: Callable[..., Request]) -> Callable[[ops.AddForward | ops.RemoveForward, Reach], list[Request]]:
    return lambda one, reach: [make(one.entry, {one.entry.interface: reach.index(one.netns, one.entry.interface)})]


def _set_queue(one: ops.SetQueue, reach: Reach) -> list[Request]:
    return [shaper.replace(reach.index(one.netns, one.interface), one.after)]


def _remove_queue(one: ops.RemoveQueue, reach: Reach) -> list[Request]:
    return [shaper.remove(reach.index(one.netns, one.interface))]


_TABLE: dict[str, Callable[..., list[Request]]] = {
    "AddVeth": _add_veth, "AddBridge": _add_bridge, "AddMacvlan": _add_macvlan, "RemoveLink": _remove_link, "SetLink": _set_link,
    "AddAddress": _address(addresses.add), "RemoveAddress": _address(addresses.delete), "AddRoute": _route(routes.add),
    "RemoveRoute": _route(routes.delete), "AddNeighbour": _neighbour(neighbours.add),
    "RemoveNeighbour": _neighbour(neighbours.delete), "AddVxlan": _add_vxlan, "AddForward": _forward(vxlan.add_entry),
    "RemoveForward": _forward(vxlan.delete_entry), "SetQueue": _set_queue, "RemoveQueue": _remove_queue,
}
