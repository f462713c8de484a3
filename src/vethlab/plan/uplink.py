"""The way from a lab's host to the real world: a cable into the machine's own network (`uplink: machine`), or pasta's tap (`pasta`).

Enters: a topology with an uplink and the small subnet on it; leaves: the cable or tap, the host's default routes, the machine's table of
rules. Rule of the file: the machine hears of one address of the lab, its host's on that subnet. What the host does not translate gets no
further, so no subnet of a lab can meet one of the machine, and none of its addresses leaks out.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from typing import NamedTuple

from vethlab.errors import LabError
from vethlab.model.address import IPNetwork, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from vethlab.model.link import End
from vethlab.model.names import HOST, WORLD, mark, uplink_name
from vethlab.model.nat import TABLE_PREFIX, Table
from vethlab.model.outside import UPLINK, Transfer
from vethlab.model.route import NextHop, Route
from vethlab.model.topology import Cable, Endpoint, Topology
from vethlab.plan.nat import subnets
from vethlab.plan.spaces import Spaces

POOL4 = IPv4Network("198.19.0.0/16")  # of RFC 2544: for tests between two boxes, which is what this is, and nobody's in the internet
POOL6 = IPv6Network("fd76:6574:686c::/48")  # RFC 4193; "vethl"
_PIECES = 1 << 14  # of four addresses in POOL4
_DEFAULT: dict[int, IPNetwork] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}
_IP = {4: "ip", 6: "ip6"}


def transfer(topology: Topology, owner: str, taken: Collection[IPNetwork] = (), *, versions: Collection[int] = (4, 6)) -> Transfer:
    """The subnet between the lab's host and what is outside: the same for an owner on every run, unless somebody has it.

    `taken`: what others have there. The lab's own subnets never count as free. LabError if none is.
    """
    used = [*taken, *_own(topology)]
    first = zlib.crc32(owner.encode()) % _PIECES
    for number in range(first, first + _PIECES):
        made = _piece(number % _PIECES)
        if not any(one.network.overlaps(other) for one in made.far for other in used if other.version == one.version):
            break
    else:
        raise LabError(
            f"no subnet is free for the way out of lab `{topology.name}`", where=topology.name, slug="machine-has-it",
            why=f"the machine has routes to all of {POOL4}, of which a way out takes four addresses", help="take `uplink: pasta`",
        )
    return Transfer(*(tuple(one for one in side if one.version in versions) for side in (made.near, made.far)))


def _piece(number: int) -> Transfer:
    four, six = int(POOL4.network_address) + 4 * number, int(POOL6.network_address) + (number << 64)
    near = (IPv4Interface((four + 2, 30)), IPv6Interface((six + 2, 64)))
    return Transfer(near, (IPv4Interface((four + 1, 30)), IPv6Interface((six + 1, 64))))


def meets(topology: Topology, on: Transfer) -> bool:
    """Whether the lab has come to use a subnet of its own way out."""
    ways = [one.network for one in (*on.near, *on.far)]
    return any(way.overlaps(own) for way in ways for own in _own(topology) if own.version == way.version)


def _own(topology: Topology) -> Iterator[IPNetwork]:
    for network in topology.networks:
        yield from subnets(network)
    for cable in topology.cables:
        yield from (address.network for end in (cable.left, cable.right) for address in end.addresses)


def cable(owner: str, on: Transfer) -> Cable:
    """The cable between the lab's host and the machine."""
    return Cable(Endpoint(HOST, UPLINK, on.near), Endpoint(WORLD, uplink_name(owner), on.far))


class LedOut(NamedTuple):
    """What a way out brings besides interfaces: the host's default routes, and the table of the machine."""

    routes: tuple[Route, ...]
    table: Table


def add(spaces: Spaces, on: Transfer) -> LedOut:
    """The lab's end of it and, where the machine itself is outside, the machine's."""
    made = cable(spaces.owner, on)
    if spaces.topology.uplink == "pasta":
        spaces.tap(made.left, made.mtu)
    else:
        for end, other in ((made.left, made.right), (made.right, made.left)):
            spaces.interface(end, End(other.node, other.interface), made.mtu)
    return LedOut(tuple(Route(_DEFAULT[one.version], (NextHop(one.ip),)) for one in on.far), _table(spaces.owner, on))


def _table(owner: str, on: Transfer) -> Table:
    """The machine's rules: what the lab's host sends goes out as from the machine, nothing else does, and nothing but answers comes in."""
    name, device = f"{TABLE_PREFIX}{owner}", uplink_name(owner)
    rules = [f'oifname "{device}" ct state new drop']
    rules += [f'iifname "{device}" {_IP[one.version]} saddr != {one.ip} drop' for one in on.near]
    hidden = [f'{_IP[one.version]} saddr {one.ip} oifname != "{device}" masquerade' for one in on.near]
    lines = [f"table inet {name} {{", f'\tcomment "{mark(owner, "nat")}"']
    lines += _chain("forward", "filter hook forward priority 0", rules)
    lines += _chain("postrouting", "nat hook postrouting priority srcnat", hidden)
    return Table("inet", name, "\n".join([*lines, "}", ""]))


def _chain(name: str, head: str, rules: list[str]) -> list[str]:
    return [f"\tchain {name} {{", f"\t\ttype {head}; policy accept;", *[f"\t\t{rule}" for rule in rules], "\t}"]


__all__ = ["LedOut", "add", "cable", "meets", "transfer"]
