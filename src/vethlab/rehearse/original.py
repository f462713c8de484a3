"""The lab as it is now: all that a copy is made of, read once and only read.

Enters: the lab's namespaces and the nodes to copy; leaves: an Original of each, their veth pairs, and why no copy can be had, if so.
Rule of the file: nothing is changed by looking, and sockets of our own are used, so that nobody else's conversation is disturbed.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vethlab.kernel.macvlan import Standing, lowers
from vethlab.kernel.netlink.link import OWNED_GROUP
from vethlab.kernel.port import Namespaces
from vethlab.model.link import SWITCH_MADE, SWITCH_MODULE, TAP, End
from vethlab.rehearse import queues, settings, shared
from vethlab.rehearse.objects import detected_twice, through_object, tried_out
from vethlab.rehearse.ports import IFF_LOWER_UP, IFF_UP, RawLink
from vethlab.rehearse.queues import Queues
from vethlab.rehearse.rulesets import NETLINK_NETFILTER, Tables
from vethlab.rehearse.said import payload
from vethlab.rehearse.space import ADDRESS, FORWARDING, NEIGHBOUR, PROXY, ROUTE, RULE, TUNNELLED, Kind, Space
from vethlab.rehearse.transaction import Item

BRIDGE, LOOPBACK, MACVLAN, VETH, VXLAN = "bridge", "loopback", "macvlan", "veth", "vxlan"
KINDS = (ADDRESS, NEIGHBOUR, PROXY, FORWARDING, TUNNELLED, ROUTE, RULE)
NEEDS = {FORWARDING: BRIDGE, TUNNELLED: VXLAN}  # kinds of object that only some kinds of interface have
_IFLA_BR_VLAN_FILTERING = 7
# What a kernel with these tunnels puts in every namespace (net.core.fb_tunnels_only_for_init_net).
_ALWAYS_THERE = frozenset({"tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"})


@dataclass(frozen=True, slots=True)
class Original:
    """One namespace. `objects`: by kind, as they are to be said again. `refused`: what of it no copy has, as a sentence.

    `tentative`: interfaces with IPv6 addresses that are being tried out. `twice`: addresses that somebody else turned out to have.
    """

    links: Mapping[int, RawLink]
    objects: Mapping[Kind, Sequence[bytes]]
    queues: Queues
    ruleset: Sequence[Item]
    tentative: frozenset[int]
    twice: frozenset[bytes]
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A veth pair, each end as its namespace tells it. `right` None: the far end is not copied, and is `far_up` or not."""

    near: End
    left: RawLink
    far: End | None = None
    right: RawLink | None = None
    far_up: bool = True


@dataclass(slots=True)
class Lab:
    """All that is to be copied. `sysctls`: by node; `lowers`: what each macvlan stands on. `refused`: why there will be no copy."""

    nodes: dict[str, Original] = field(default_factory=dict)
    sysctls: dict[str, dict[str, str]] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    lowers: dict[End, End] = field(default_factory=dict)
    refused: str = ""


def read(namespaces: Namespaces, nodes: Collection[str]) -> Lab:
    """Everything about these nodes."""
    names = list(dict.fromkeys(nodes))
    opened = namespaces.sockets([
        (name, socket.AF_NETLINK, socket.SOCK_RAW, kind) for name in names for kind in (socket.NETLINK_ROUTE, NETLINK_NETFILTER)
    ])
    lab = Lab()
    try:
        for name, route, netfilter in zip(names, opened[::2], opened[1::2], strict=True):
            lab.nodes[name] = _read(Space(name, route), Tables(netfilter), namespaces.joined.get(name))
    finally:
        for one in opened:
            one.close()
    keys = settings.KEYS
    values = iter(namespaces.read_sysctls([(name, key) for name in names for key in keys]))
    lab.sysctls = {name: {key: value for key in keys if (value := next(values)) is not None} for name in names}
    lab.refused = next((one.refused for one in lab.nodes.values() if one.refused), "")
    if not lab.refused:
        _pair(namespaces, lab)
    if not lab.refused:
        _stack(lab)
    return lab


def _read(space: Space, tables: Tables, owner: str | None) -> Original:
    links = {index: _in_place(one) for index, one in space.links().items()}
    there = {one.seen.kind for one in links.values()}
    bodies = {kind: space.dump(kind.get, kind.body) for kind in KINDS if kind not in NEEDS or NEEDS[kind] in there}
    if owner is not None:
        links, bodies = shared.guest(links, bodies, owner)
    found = {kind: [said for one in told if (said := kind.said(one)) is not None] for kind, told in bodies.items()}
    names = {one.index: one.name for one in links.values()}
    queued, ruleset = queues.read(space, names), tables.read()
    reasons = [*_of_links(links.values()), queued.refused]
    if any(through_object(one) for one in found[ROUTE]):
        reasons.append("a route through a next-hop object")
    first = next((one for one in reasons if one), "")
    tentative = frozenset(index for one in bodies[ADDRESS] if (index := tried_out(one)))
    twice = frozenset(said for one in bodies[ADDRESS] if detected_twice(one) and (said := ADDRESS.said(one)) is not None)
    return Original(links, found, queued, ruleset, tentative, twice, f"{space.name} has {first}, which a copy has not" if first else "")


def _in_place(one: RawLink) -> RawLink:
    """Of the tap that leads to pasta the copy has a cable to nobody: what is asked there stays in the lab."""
    if one.seen.kind != TAP or one.group != OWNED_GROUP:
        return one
    return replace(one, seen=one.seen._replace(kind=VETH), away=True, data={})


def _of_links(links: Collection[RawLink]) -> Iterator[str]:
    for one in links:
        if one.xdp:
            yield f"an XDP program on {one.name}"
        elif one.name == "ovs-netdev" or one.seen.kind == SWITCH_MODULE or (one.seen.kind in SWITCH_MADE and one.seen.mark):
            yield "an Open vSwitch"
        elif one.seen.kind not in {BRIDGE, LOOPBACK, MACVLAN, VETH, VXLAN} and one.name not in _ALWAYS_THERE:
            yield f"an interface of kind {one.seen.kind or 'unknown'}, {one.name}"
        elif one.seen.kind == BRIDGE and _IFLA_BR_VLAN_FILTERING in one.data and payload(one.data[_IFLA_BR_VLAN_FILTERING])[0]:
            yield f"a bridge that filters VLANs, {one.name}"


def _stack(lab: Lab) -> None:
    """Find what each macvlan stands on; only what is copied can carry one."""
    found = [(End(name, one.name), one) for name, node in lab.nodes.items() for one in node.links.values()]
    stacked = [end for end, one in found if one.seen.kind == MACVLAN]
    if stacked:
        lab.lowers = lowers(
            Standing(end, one.index, one.seen.peer_index if one.seen.kind == MACVLAN else 0, one.away, one.group == OWNED_GROUP)
            for end, one in found
        )
    lost = next((end for end in stacked if end not in lab.lowers), None)
    if lost is not None:
        lab.refused = f"{lost.netns} has a macvlan on an interface outside of it, {lost.interface}, which a copy has not"


def _pair(namespaces: Namespaces, lab: Lab) -> None:
    """Find the two ends of every pair; where only one is copied, ask the other nodes of the lab whether theirs is up."""
    ends = {End(name, one.name): one for name, node in lab.nodes.items() for one in node.links.values() if one.seen.kind == VETH}
    numbers, done = _by_numbers(ends), set[End]()
    alone: list[tuple[End, RawLink]] = []
    for near, left in ends.items():
        if near in done:
            continue
        found = [end for end in _others(near, left, ends, numbers) if end not in done]
        if len(found) > 1:
            lab.refused = f"{near} leads to {found[0]} or to {found[1]}: they have the same numbers, and a copy cannot tell them apart"
            return
        if found:
            lab.pairs.append(Pair(near, left, found[0], ends[found[0]]))
        else:
            alone.append((near, left))
        done.update((near, *found))
    others = _outside(namespaces, lab) if any(not left.flags & IFF_UP for _, left in alone) else {}
    numbers = _by_numbers(others)
    for near, left in alone:
        # A veth that is up has a carrier exactly if its peer is up (drivers/net/veth.c veth_open): only one that is down is asked about.
        far = [] if left.flags & IFF_UP else _others(near, left, others, numbers)
        up = bool(others[far[0]].flags & IFF_UP) if far else not left.flags & IFF_UP or bool(left.flags & IFF_LOWER_UP)
        lab.pairs.append(Pair(near, left, far_up=up))


def _by_numbers(ends: Mapping[End, RawLink]) -> dict[tuple[int, int], list[End]]:
    found: dict[tuple[int, int], list[End]] = {}
    for end, one in ends.items():
        found.setdefault((one.index, one.seen.peer_index), []).append(end)
    return found


def _others(near: End, left: RawLink, ends: Mapping[End, RawLink], numbers: Mapping[tuple[int, int], list[End]]) -> list[End]:
    """The ends that are the peer of this one, as both say."""
    found = numbers.get((left.seen.peer_index, left.index), [])
    return [end for end in found if end != near and left.away == ends[end].away == (end.netns != near.netns)]


def _outside(namespaces: Namespaces, lab: Lab) -> dict[End, RawLink]:
    names = sorted(namespaces.names() - set(lab.nodes))
    opened = namespaces.sockets([(name, socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) for name in names])
    try:
        return {
            End(name, link.name): link
            for name, sock in zip(names, opened, strict=True) for link in Space(name, sock).links().values() if link.seen.kind == VETH
        }
    finally:
        for one in opened:
            one.close()

