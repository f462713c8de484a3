"""The veth link kind (veth(4), drivers/net/veth.c): a pair made by one message, each end in the namespace it belongs to.

Rule of the file: one transmit and one receive queue on both ends. The default is one per possible CPU, which on a large machine
doubles the time of a build and triples its memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from vethlab.kernel.bridge import port_settings
from vethlab.kernel.netlink.link import (
    IFLA_ADDRESS,
    IFLA_GROUP,
    IFLA_IFALIAS,
    IFLA_IFNAME,
    IFLA_MASTER,
    IFLA_MTU,
    IFLA_NET_NS_FD,
    IFLA_NUM_RX_QUEUES,
    IFLA_NUM_TX_QUEUES,
    INFO,
    OWNED_GROUP,
    mac_bytes,
    new_link,
    set_link,
)
from vethlab.kernel.netlink.message import Request, attribute, nested, text, u32
from vethlab.model.link import End, Link

VETH_INFO_PEER = 1
_QUEUES = u32(IFLA_NUM_TX_QUEUES, 1) + u32(IFLA_NUM_RX_QUEUES, 1)


def encode(left: Link, right: Link, *, peer_netns: int | None, master: int = 0) -> list[Request]:
    """Requests that make the pair from the left end's namespace.

    `peer_netns` is a descriptor, None for the same namespace; `master` is a bridge's index, 0 for none.
    The left end may be created up, the right one not: its peer would not be registered yet (ENOTCONN).
    """
    parts = [_QUEUES, u32(IFLA_MTU, left.mtu)]
    if left.mac:
        parts.append(attribute(IFLA_ADDRESS, mac_bytes(left.mac)))
    if master:
        parts.append(u32(IFLA_MASTER, master))
    peer = [INFO.pack(0, 0, right.index or 0, 0, 0), text(IFLA_IFNAME, right.name), u32(IFLA_GROUP, OWNED_GROUP), _QUEUES]
    peer.append(u32(IFLA_MTU, right.mtu))
    if right.mac:
        peer.append(attribute(IFLA_ADDRESS, mac_bytes(right.mac)))
    if peer_netns is not None:
        peer.append(u32(IFLA_NET_NS_FD, peer_netns))
    requests = [new_link(left.index or 0, left.name, "veth", up=left.up, parts=b"".join(parts), data=nested(VETH_INFO_PEER, *peer))]
    later = b"" if left.alias is None else attribute(IFLA_IFALIAS, left.alias.encode())
    if left.port is not None and (left.port.isolated or left.port.hairpin):
        later += port_settings(left.port)
    if later:
        requests.append(set_link(left.index or 0, left.name, parts=later))
    return requests


class Half(NamedTuple):
    """One end of a pair as the kernel tells it. `abroad`: it names a namespace for its peer (IFLA_LINK_NETNSID); `owned`: we made it."""

    end: End
    number: int
    peer: int
    abroad: bool
    owned: bool


def joined(halves: Iterable[Half]) -> dict[End, End]:
    """The other end of each, where it is among them.

    Indexes are unique over what a plan makes, but a pair that somebody makes by hand gets the next free ones of its namespace: whether the
    kernel names a namespace for the peer tells a pair within one from a cable between two, and both ends of a cable have one maker.
    """
    known = list(halves)
    at_home = {(half.end.netns, half.number, half.peer): half.end for half in known if not half.abroad}
    abroad: dict[tuple[int, int, bool], list[End]] = {}
    for half in known:
        if half.abroad:
            abroad.setdefault((half.number, half.peer, half.owned), []).append(half.end)
    found: dict[End, End] = {}
    for half in known:
        if not half.abroad:
            other = at_home.get((half.end.netns, half.peer, half.number))
        else:
            other = next((end for end in abroad.get((half.peer, half.number, half.owned), ()) if end.netns != half.end.netns), None)
        if other is not None:
            found[half.end] = other
    return found
