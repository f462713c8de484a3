"""The interfaces of a copy: made with the names, numbers and settings of the original, and brought up the same way.

Enters: a Lab and the copy's namespaces; leaves: interfaces that carry frames where theirs do. Rule of the file: a bridge is copied
without STP, which would block its ports for half a minute; each port stands in the state that STP had given it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from struct import Struct

from vethlab.kernel import bridge, macvlan, veth
from vethlab.kernel.netlink.link import (
    ADDR_GEN_NONE,
    IFLA_ADDRESS,
    IFLA_AF_SPEC,
    IFLA_GROUP,
    IFLA_IFALIAS,
    IFLA_INET6_ADDR_GEN_MODE,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_INFO_SLAVE_DATA,
    IFLA_INFO_SLAVE_KIND,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    INFO,
    OWNED_GROUP,
    RTM_NEWLINK,
    mac_bytes,
    new_link,
    set_link,
)
from vethlab.kernel.netlink.message import Request, attribute, nested, u8, u32
from vethlab.model.address import AF_INET6
from vethlab.model.link import Bridge, Link
from vethlab.rehearse.original import BRIDGE, LOOPBACK, MACVLAN, VETH, VXLAN, Lab, Original, Pair
from vethlab.rehearse.ports import IFF_LOWER_UP, IFF_UP, IFLA_BRPORT_STATE, IFLA_TXQLEN, SETTABLE_FLAGS, RawLink
from vethlab.rehearse.said import joined, payload

RTM_SETLINK, IFLA_PROTINFO, AF_BRIDGE = 19, 12, 7
_AS_BRIDGE = Struct("=BxHiII")  # struct ifinfomsg, its family counting

OUTSIDE = "~outside"  # where the far ends of cables lie that lead out of the copied nodes; no node has such a name
_LISTENING, _BLOCKING = 1, 4
_SURE = 6  # IF_OPER_UP
# IF_OPER_UNKNOWN: a bridge that came up with carrier stays unknown for up to a second; a macvlan sends at once then.
_UP = {BRIDGE: {0, _SURE}, MACVLAN: {0, _SURE}, VXLAN: {0, _SURE}, VETH: {_SURE}}
# What of a bridge and of a port is said again (linux/if_link.h); the rest is read-only, for STP, or for VLANs.
_BOOLEANS, _OPTIONS = 46, Struct("=II")  # IFLA_BR_MULTI_BOOLOPT: values, and which of them are meant
_BRIDGE_PARTS = frozenset({4, 6, 9, 22, 23, 24, 25, 36, 37, 38, 46, 49})
_VXLAN_PARTS = frozenset({*range(1, 24), 25, 26, 27, 29, 30, 31})
_PORT_PARTS = frozenset({2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 25, 27, 28, 30, 31, 32, 33, 39, 40, 42, 43})


def bridges(node: Original) -> list[Request]:
    """The bridges of a namespace, down."""
    return [
        bridge.encode(_link(one, bridge_options=Bridge()))
        for one in node.links.values() if one.seen.kind == BRIDGE
    ]


def pairs(lab: Lab, descriptors: Mapping[str, int]) -> dict[str, list[Request]]:
    """The veth pairs by the namespace that is told to make them, both ends down."""
    found: dict[str, list[Request]] = {}
    for number, pair in enumerate(lab.pairs, 1):
        near, right = pair.near.netns, _outer(number) if pair.right is None else _link(pair.right)
        place = OUTSIDE if pair.far is None else pair.far.netns
        found.setdefault(near, []).extend(veth.encode(_link(pair.left), right, peer_netns=None if place == near else descriptors[place]))
    return found


def stacked(lab: Lab, descriptors: Mapping[str, int]) -> dict[str, list[Request]]:
    """The macvlans by the namespace of what they stand on, which is there by now."""
    found: dict[str, list[Request]] = {}
    for end, lower in lab.lowers.items():
        here = {one.name: one for one in lab.nodes[end.netns].links.values()}
        there = {one.name: one for one in lab.nodes[lower.netns].links.values()}
        one = here[end.interface]
        place = None if end.netns == lower.netns else descriptors[end.netns]
        made = macvlan.encode(_link(one, mode=mode(one)), lower=there[lower.interface].index, netns=place)
        found.setdefault(lower.netns, []).append(made)
    return found


def tunnels(node: Original) -> list[Request]:
    """The VXLAN devices of a namespace, down; what they send out of is there by now."""
    found = []
    for one in node.links.values():
        if one.seen.kind == VXLAN:
            parts = u32(IFLA_MTU, one.seen.mtu) + (attribute(IFLA_ADDRESS, mac_bytes(one.seen.mac)) if one.seen.mac else b"")
            data = joined(one.data, _VXLAN_PARTS)
            found.append(new_link(one.index, one.name, VXLAN, up=False, parts=parts, data=data))
    return found


def mode(one: RawLink) -> str | None:
    """What a macvlan does with frames for others on its parent."""
    data = joined(one.data)
    return macvlan.decode(data, 0, len(data)) if one.seen.kind == MACVLAN else None


def _link(one: RawLink, *, bridge_options: Bridge | None = None, mode: str | None = None) -> Link:
    return Link(one.name, one.seen.kind, up=False, mtu=one.seen.mtu, mac=one.seen.mac, index=one.index, bridge=bridge_options, mode=mode)


def _outer(number: int) -> Link:
    return Link(f"far{number}", "veth", up=False)


def outside(copied: Iterable[Pair]) -> list[Request]:
    """The far ends that are up. They answer nothing: they have no addresses, not even a link-local one."""
    found = []
    for number, pair in enumerate(copied, 1):
        if pair.far is None:
            found.append(_mode(0, f"far{number}", ADDR_GEN_NONE))
            if pair.far_up:
                found.append(set_link(0, f"far{number}", up=True))
    return found


def dress(there: Mapping[int, RawLink], here: Mapping[int, RawLink]) -> Iterator[Request]:
    """Everything of the interfaces that is set before they come up. The kernel makes no IPv6 address until `address_modes`."""
    for index, one in there.items():
        mine = here.get(index)
        if mine is None:
            continue
        if mine.address_mode not in {None, ADDR_GEN_NONE} and one.seen.kind != LOOPBACK:
            yield _mode(index, "", ADDR_GEN_NONE)
        if one.seen.kind == BRIDGE and (differing := _bridge(one, mine)):
            data = nested(IFLA_INFO_DATA, differing)
            yield set_link(index, "", parts=nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, b"bridge"), data))
        if changed := _settings(one, mine):
            yield set_link(index, "", parts=changed)
        if (one.flags ^ mine.flags) & SETTABLE_FLAGS:
            yield Request(RTM_NEWLINK, 0, INFO.pack(0, 0, index, one.flags, SETTABLE_FLAGS))
    for index, one in there.items():
        if one.seen.master_index and index in here:
            yield set_link(index, "", parts=u32(IFLA_MASTER, one.seen.master_index))
            if one.port:
                yield set_link(index, "", parts=_port(joined(one.port, _PORT_PARTS)))


def _bridge(one: RawLink, mine: RawLink) -> bytes:
    """What differs: some of a bridge's settings are refused even as they are, by a kernel without the code for them."""
    differing = {kind: part for kind, part in one.data.items() if kind in _BRIDGE_PARTS and part != mine.data.get(kind)}
    if _BOOLEANS in differing and _BOOLEANS in mine.data:
        wanted, now = (_OPTIONS.unpack(payload(data[_BOOLEANS]))[0] for data in (one.data, mine.data))
        differing[_BOOLEANS] = attribute(_BOOLEANS, _OPTIONS.pack(wanted, wanted ^ now))
    return joined(differing)


def _settings(one: RawLink, mine: RawLink) -> bytes:
    changed = b""
    if one.txqlen != mine.txqlen:
        changed += u32(IFLA_TXQLEN, one.txqlen)
    if one.seen.mtu != mine.seen.mtu:
        changed += u32(IFLA_MTU, one.seen.mtu)
    if one.group != (OWNED_GROUP if one.seen.kind != LOOPBACK else 0):
        changed += u32(IFLA_GROUP, one.group)
    if one.alias is not None:
        changed += attribute(IFLA_IFALIAS, one.alias.rstrip(b"\0"))
    return changed


def _port(settings: bytes) -> bytes:
    return nested(IFLA_LINKINFO, attribute(IFLA_INFO_SLAVE_KIND, b"bridge"), nested(IFLA_INFO_SLAVE_DATA, settings))


def _mode(index: int, name: str, mode: int) -> Request:
    return set_link(index, name, parts=nested(IFLA_AF_SPEC, nested(AF_INET6, u8(IFLA_INET6_ADDR_GEN_MODE, mode))))


def rising(there: Mapping[int, RawLink], *, bridges_now: bool) -> list[Request]:
    """Bring up what is up. Bridges come once their ports carry: one that lost its carrier gets it back up to a second later."""
    return [set_link(one.index, "", up=True) for one in there.values() if one.flags & IFF_UP and (one.seen.kind == BRIDGE) == bridges_now]


def port_states(there: Mapping[int, RawLink], here: Mapping[int, RawLink]) -> list[Request]:
    """Ports that stand otherwise than by themselves. Without STP a blocking port forwards at once, one that listens does not.

    Said last and as bridge(8) does: any change by RTM_NEWLINK wakes a disabled port (net/bridge/br_if.c br_port_carrier_check).
    """
    found = []
    for index, one in there.items():
        state = _LISTENING if one.port_state == _BLOCKING else one.port_state
        if state is not None and index in here and here[index].port_state not in {state, None} and here[index].flags & IFF_UP:
            body = _AS_BRIDGE.pack(AF_BRIDGE, 0, index, 0, 0) + nested(IFLA_PROTINFO, u8(IFLA_BRPORT_STATE, state))
            found.append(Request(RTM_SETLINK, 0, body))
    return found


def address_modes(there: Mapping[int, RawLink]) -> list[Request]:
    """From now on the kernel makes IPv6 addresses as in the original; those that are there already are not made again."""
    return [
        _mode(one.index, "", one.address_mode)
        for one in there.values() if one.address_mode not in {None, ADDR_GEN_NONE} and one.seen.kind != LOOPBACK
    ]


def unlike(there: Mapping[int, RawLink], here: Mapping[int, RawLink], *, bridges_too: bool) -> str:
    """The first interface that does not (yet) carry frames as the original does; empty if all do."""
    for index, one in there.items():
        mine = here.get(index)
        if mine is None or (one.seen.kind == BRIDGE and not bridges_too):
            continue
        if (one.flags ^ mine.flags) & (IFF_UP | IFF_LOWER_UP):
            return one.name
        # Until linkwatch gets to it, a veth with a carrier drops all that is sent; its state is unknown, which IFF_RUNNING takes for up.
        if one.seen.kind != LOOPBACK and one.flags & IFF_LOWER_UP and mine.seen.operstate not in _UP[one.seen.kind]:
            return one.name
    return ""


def pending(there: Mapping[int, RawLink]) -> frozenset[int]:
    """Interfaces of the original that carry, and that the kernel has yet to tell so to IPv6."""
    carrying = (one for one in there.values() if one.flags & IFF_LOWER_UP and one.seen.kind != LOOPBACK)
    return frozenset(one.index for one in carrying if one.seen.operstate != _SURE)
