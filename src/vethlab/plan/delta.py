"""A live change as a goal: what a running lab should be, beside whatever else in it is not as declared.

Enters: the actual state, and two declarations or one interface; leaves: the state to converge to. Rule of the file: what the change is not
about stays as it is, drift included: `up` takes that back, not this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import fields, replace
from typing import Any

from vethlab.model.link import End, Link, has_ipv6
from vethlab.model.route import Route
from vethlab.model.state import Netns, State, surviving, without_ipv6
from vethlab.plan.differences import covers
from vethlab.plan.settings import of_interface

__all__ = ["left_to_trees", "lowered", "raised", "settled", "shifted"]

_WHOLE = ("nft", "processes", "table", "switch")
_HANGING = ("addresses", "neighbours", "fdb")
_SETS = (*_HANGING, "filled")
_MAPS = ("sysctls", "queues")


def settled(actual: State, *, only: int | None = None) -> State:
    """`actual` without what follows from the rest of it: the state of a port is its bridge's business, and changes with its carrier.

    `only`: of ports in this state alone.
    """
    return _freed(actual, lambda _, port: only is None or (port.port is not None and port.port.state == only))


def left_to_trees(actual: State) -> State:
    """`actual` without the port states that a spanning tree decides: nobody else can set them (EBUSY, net/bridge/br_netlink.c)."""
    def decided(one: Netns, port: Link) -> bool:
        above = one.links.get(port.master or "")
        return above is not None and above.bridge is not None and above.bridge.stp

    return _freed(actual, decided)


def _freed(actual: State, follows: Callable[[Netns, Link], bool]) -> State:
    def free(one: Netns, link: Link) -> Link:
        return replace(link, port=replace(link.port, state=None)) if link.port is not None and follows(one, link) else link

    return State({
        name: replace(one, links={key: free(one, link) for key, link in one.links.items()}) for name, one in actual.netns.items()
    })


def shifted(actual: State, old: State, new: State) -> State:
    """`actual` with what differs between two declarations, and nothing else."""
    spaces = {name: one for name, one in actual.netns.items() if name in new.netns or name not in old.netns}
    for name, after in new.netns.items():
        before, here = old.netns.get(name), actual.netns.get(name)
        if before is None:
            spaces[name] = after
        elif here is not None and before != after:
            spaces[name] = _shifted(here, before, after)
    return State(spaces)


def _shifted(here: Netns, before: Netns, after: Netns) -> Netns:
    lost = before.links.keys() - after.links.keys()
    gone = before.routes - after.routes
    stays = [one for one in here.routes if not any(covers(route, one) for route in gone)]
    routes = frozenset(surviving(stays, lost)) | (after.routes - before.routes)
    here = _bereft(here, lost)
    changed: dict[str, Any] = {key: getattr(after, key) for key in _WHOLE if getattr(before, key) != getattr(after, key)}
    changed |= {key: getattr(here, key) - (getattr(before, key) - getattr(after, key)) | (getattr(after, key) - getattr(before, key))
                for key in _SETS}
    for key in _MAPS:
        was, said = getattr(before, key), getattr(after, key)
        kept = {name: value for name, value in getattr(here, key).items() if name not in was or name in said}
        changed[key] = kept | {name: value for name, value in said.items() if was.get(name) != value}
    links = _links(here, before, after)
    sunk = [name for name, link in links.items() if not has_ipv6(link)]
    return without_ipv6(replace(here, links=links, routes=routes, **changed), sunk)


def _bereft(here: Netns, lost: Collection[str]) -> Netns:
    """A namespace without what hangs on interfaces that it loses, drift included: the kernel takes it away with them. Routes stay."""
    if not lost:
        return here
    kept: dict[str, Any] = {key: frozenset(one for one in getattr(here, key) if one.interface not in lost) for key in _HANGING}
    return replace(
        here, **kept, filled=here.filled - frozenset(lost), queues={name: queue for name, queue in here.queues.items() if name not in lost},
        sysctls={key: value for key, value in here.sysctls.items() if not (of_interface(key) and key.split(".")[3] in lost)},
    )


def _links(here: Netns, before: Netns, after: Netns) -> dict[str, Link]:
    links = {name: link for name, link in here.links.items() if name not in before.links or name in after.links}
    for name, link in after.links.items():
        was, now = before.links.get(name), here.links.get(name)
        if was is None:
            links[name] = link
        elif now is not None and was != link:
            said = {one.name: getattr(link, one.name) for one in fields(Link) if getattr(was, one.name) != getattr(link, one.name)}
            links[name] = replace(now, **said)
            if has_ipv6(links[name]) and not has_ipv6(now):
                links[name] = replace(links[name], link_local=link.link_local)  # nothing of it was there that could be kept
    return links


def lowered(actual: State, end: End) -> State:
    """`actual` with an interface down, and without what the kernel takes away with it (fib_disable_ip, addrconf_ifdown, neigh_ifdown).

    A route with a next hop elsewhere stays, the hop over the interface dead until it comes up again (RTNH_F_DEAD).
    """
    here, name = actual.netns[end.netns], end.interface
    down = replace(
        here, links={**here.links, name: replace(here.links[name], up=False)},
        routes=frozenset(one for one in here.routes if {hop.interface for hop in one.next_hops} != {name}),
        addresses=frozenset(one for one in here.addresses if one.interface != name or one.address.version == 4),
        neighbours=frozenset(one for one in here.neighbours if one.interface != name),
    )
    return State({**actual.netns, end.netns: down})


def raised(actual: State, declared: State, end: End) -> State:
    """`actual` with an interface up, its declared addresses, and the declared routes that lead over it."""
    here, said, name = actual.netns[end.netns], declared.netns[end.netns], end.interface
    own = frozenset(one for one in said.addresses if one.interface == name)
    missing = frozenset(
        one for one in said.routes
        if _leads(one, name, own) and not any(covers(one, other) for other in here.routes)
    )
    up = replace(
        here, links={**here.links, name: replace(here.links[name], up=True)}, addresses=here.addresses | own, routes=here.routes | missing,
    )
    return State({**actual.netns, end.netns: up})


def _leads(route: Route, name: str, own: frozenset[Any]) -> bool:
    return any(
        hop.interface == name or (hop.interface is None and hop.via is not None and any(hop.via in one.address.network for one in own))
        for hop in route.next_hops
    )
