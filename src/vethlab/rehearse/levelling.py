"""What hangs on the interfaces of a copy: brought from what the kernel made by itself to what the original has.

Enters: the objects of both; leaves: what the kernel refused. Rule of the file: what is missing is added before what is too much goes, since
the kernel checks a gateway only when a route is added, and the connected route behind it may be gone in the original.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from vethlab.kernel.netlink.connection import Refused
from vethlab.kernel.netlink.link import set_link
from vethlab.kernel.netlink.message import NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Request, attribute, u32
from vethlab.kernel.netlink.route import (
    MESSAGE,
    RTA_DST,
    RTA_GATEWAY,
    RTA_MULTIPATH,
    RTA_OIF,
    RTA_PRIORITY,
    RTA_TABLE,
    RTPROT_STATIC,
)
from vethlab.model.address import AF_INET, AF_INET6
from vethlab.model.route import RT_SCOPE_LINK, RT_SCOPE_UNIVERSE
from vethlab.rehearse.objects import in_force, made_with_loopback, of_everybody
from vethlab.rehearse.ports import IFF_UP
from vethlab.rehearse.said import number, parts, payload
from vethlab.rehearse.space import ADDRESS, ROUTE, RULE, TUNNELLED, Kind, Space

Failed = list[tuple[Request, Refused]]

_GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL})
_UNICAST, _STEP_METRIC = 1, 1
_RTA_SRC = 2


def early_addresses(addresses: Sequence[bytes], later: Collection[bytes]) -> list[Request]:
    """Addresses to be there before their interfaces come up; those that come with lo the kernel makes itself."""
    # IPv6 puts a new address before its equals (net/ipv6/addrconf.c ipv6_link_dev_addr), IPv4 behind them.
    ordered = [one for one in addresses if one[0] == AF_INET] + [one for one in reversed(addresses) if one[0] == AF_INET6]
    return [_new(ADDRESS, one) for one in ordered if one not in later and not made_with_loopback(one)]


def tried_addresses(addresses: Collection[bytes]) -> list[Request]:
    """Addresses to be added with duplicate address detection, which they failed."""
    return [Request(ADDRESS.new, NLM_F_CREATE | NLM_F_EXCL, one) for one in addresses]


def own_routes_missing(objects: Mapping[Kind, Sequence[bytes]], here: Sequence[bytes]) -> bool:
    """Whether IPv6 routes of metric 0 are still to come: the kernel makes them for addresses, a moment later, and nobody else can."""
    mine = set(here)
    return any(one not in mine for one in objects[ROUTE] if _is_own(one))


def _is_own(route: bytes) -> bool:
    return route[0] == AF_INET6 and number(parts(route, MESSAGE.size), RTA_PRIORITY) == 0


def _is_coming(route: bytes, pending: Collection[int]) -> bool:
    return route[0] == AF_INET6 and number(parts(route, MESSAGE.size), RTA_OIF) in pending


def level(space: Space, kind: Kind, there: Sequence[bytes], pending: Collection[int] = ()) -> Failed:
    """Make the objects of a kind those of the original. `pending`: interfaces there to which the kernel is still to give routes of IPv6."""
    here = space.objects(kind)
    if kind is ROUTE:
        return _routes(space, there, [one for one in here if one in there or not _is_coming(one, pending)])
    held, wanted = set(here), set(there)
    failed = _add(space, [_new(kind, one) for one in there if one not in held])
    return failed + _remove(space, kind, [one for one in here if one not in wanted])


def _new(kind: Kind, body: bytes) -> Request:
    if kind is ADDRESS:
        return Request(kind.new, NLM_F_CREATE | NLM_F_REPLACE, in_force(body))
    if kind is ROUTE:  # IPv6 would make one route of two equal ones that are appended
        return Request(kind.new, NLM_F_CREATE | (NLM_F_APPEND if body[0] == AF_INET else 0), body)
    if kind is TUNNELLED and of_everybody(body):
        return Request(kind.new, NLM_F_CREATE | NLM_F_APPEND, body)
    return Request(kind.new, NLM_F_CREATE | (NLM_F_EXCL if kind is RULE else NLM_F_REPLACE), body)


def _add(space: Space, requests: Sequence[Request]) -> Failed:
    """Those that were refused; one that the kernel made meanwhile (a link that begins to carry brings routes) is there."""
    return [one for one in space.attempt(requests) if one[1].code != errno.EEXIST]


def _remove(space: Space, kind: Kind, extra: Sequence[bytes]) -> Failed:
    return [one for one in space.attempt([Request(kind.delete, 0, body) for body in extra]) if one[1].code not in _GONE]


def _routes(space: Space, there: Sequence[bytes], here: Sequence[bytes]) -> Failed:
    wanted, held = _grouped(there), _grouped(here)
    missing: list[bytes] = []
    replaced: list[bytes] = []
    for key, goal in wanted.items():
        now = held.get(key, [])
        if goal[: len(now)] == now:
            missing += goal[len(now) :]
        elif key[0] == AF_INET:  # of equal routes the first is taken: which came first counts
            replaced += now
            missing += goal
        else:
            replaced += [one for one in now if one not in goal]
            missing += [one for one in goal if one not in now]
    gone = _remove(space, ROUTE, replaced)
    failed = _add(space, [_new(ROUTE, one) for one in sorted(missing, key=_leads_on)])
    if failed:
        failed = _with_steps(space, [request for request, _ in failed])
    return gone + failed + _remove(space, ROUTE, [one for key, now in held.items() if key not in wanted for one in now])


def _grouped(routes: Sequence[bytes]) -> dict[tuple[object, ...], list[bytes]]:
    """Routes of one table for one destination, type of service and metric, in the kernel's order."""
    found: dict[tuple[object, ...], list[bytes]] = {}
    for body in routes:
        family, length, source_length, tos, table, *_ = MESSAGE.unpack_from(body)
        seen = parts(body, MESSAGE.size)
        place = (number(seen, RTA_TABLE, table), seen.get(RTA_DST), seen.get(_RTA_SRC), number(seen, RTA_PRIORITY))
        found.setdefault((family, length, source_length, tos, *place), []).append(body)
    return found


def _leads_on(body: bytes) -> bool:
    """Whether it has gateways, and so needs a route to them."""
    seen = parts(body, MESSAGE.size)
    return RTA_GATEWAY in seen or RTA_MULTIPATH in seen


def _with_steps(space: Space, requests: Sequence[Request]) -> Failed:
    """Add routes whose gateway is no longer on any link there: a route to the gateway is laid for the moment of adding.

    One of several next hops outlives its interface (net/ipv4/fib_semantics.c fib_sync_down_dev): for that moment, such an interface is up.
    """
    hops = [hop for request in requests for hop in _hops(request.body)]
    down = {index for index, one in space.links().items() if not one.flags & IFF_UP}
    lifted = list(dict.fromkeys(hop.link for hop in hops if hop.link in down))
    steps = list(dict.fromkeys(_step(hop) for hop in hops))
    space.attempt([set_link(index, "", up=True) for index in lifted])
    space.attempt([Request(ROUTE.new, NLM_F_CREATE | NLM_F_EXCL, step) for step in steps])
    failed = _add(space, requests)
    space.attempt([Request(ROUTE.delete, 0, step) for step in steps])
    space.attempt([set_link(index, "", up=False) for index in lifted])
    return failed


class _Hop(NamedTuple):
    """A next hop by a gateway: its address, the interface, and the routing table with its attribute."""

    gateway: bytes
    link: int
    table: int
    tail: bytes


def _hops(body: bytes) -> Iterator[_Hop]:
    table = MESSAGE.unpack_from(body)[4]
    seen = parts(body, MESSAGE.size)
    tail = seen.get(RTA_TABLE, b"")
    if RTA_GATEWAY in seen:
        yield _Hop(payload(seen[RTA_GATEWAY]), number(seen, RTA_OIF), table, tail)
    data = payload(seen[RTA_MULTIPATH]) if RTA_MULTIPATH in seen else b""
    while len(data) >= 8:
        length = max(8, int.from_bytes(data[:2], "little"))
        inner = parts(data[:length], 8)
        if RTA_GATEWAY in inner:
            yield _Hop(payload(inner[RTA_GATEWAY]), int.from_bytes(data[4:8], "little"), table, tail)
        data = data[(length + 3) & ~3 :]


def _step(hop: _Hop) -> bytes:
    """The route to a gateway."""
    packed = hop.gateway
    family, scope = (AF_INET, RT_SCOPE_LINK) if len(packed) == 4 else (AF_INET6, RT_SCOPE_UNIVERSE)
    head = MESSAGE.pack(family, 8 * len(packed), 0, 0, hop.table, RTPROT_STATIC, scope, _UNICAST, 0)
    return head + attribute(RTA_DST, packed) + u32(RTA_OIF, hop.link) + u32(RTA_PRIORITY, _STEP_METRIC) + hop.tail
