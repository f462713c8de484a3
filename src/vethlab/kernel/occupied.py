"""What a namespace of others has already: names, addresses and ways that a lab may not take a second time.

Enters: a route netlink connection and the owner whose things do not count; leaves: Occupied. Rule of the file: everything counts, whoever
made it (also what State leaves out: the kernel's own routes, those of daemons, addresses that come and go).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from vethlab.kernel.netlink import link as links
from vethlab.kernel.netlink import nftables
from vethlab.kernel.netlink import route as routes
from vethlab.kernel.netlink.address import DUMP, IFA_ADDRESS, IFA_LOCAL, MESSAGE, RTM_GETADDR, interface
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.message import attributes
from vethlab.model.address import IP, IPNetwork
from vethlab.model.link import SWITCH_MADE
from vethlab.model.names import owner_of
from vethlab.model.occupied import WIDE, Occupied

_UNICAST = 1  # RTN_UNICAST; 6 to 8 (blackhole, unreachable, prohibit) lead nowhere on purpose and count as well
_COUNTS = frozenset({_UNICAST, 6, 7, 8})


def occupied(
    connection: Connection, rules: Connection, owner: str, *, switched: Collection[str] = (), ports: Mapping[str, str] | None = None,
) -> Occupied:
    """Everything that is not `owner`'s. `rules`: a connection over a NETLINK_NETFILTER socket.

    `switched`: his bridges of Open vSwitch, whose interfaces may not bear his mark yet; `ports`: names that others have in its database.
    """
    names: dict[str, str] = dict(ports or {})
    held: dict[int, str] = {}
    mine: set[int] = set()
    for part in connection.dump(links.RTM_GETLINK, links.dump_body()):
        one = links.decode(*part)
        held[one.ifindex] = one.name
        if (one.mark is not None and owner_of(one.mark) == owner) or (one.name in switched and one.kind in SWITCH_MADE):
            mine.add(one.ifindex)
            continue
        whose = f" of lab `{owner_of(one.mark).partition('.')[0]}`" if one.mark else ""
        names.setdefault(one.name, f"a {one.kind or 'network'} interface{whose}")
        for other in links.alternative_names(*part):
            names.setdefault(other, f"another name of {one.name}")
    tables = frozenset((one.family, one.name) for one in nftables.tables(rules) if owner_of(one.comment) != owner)
    ways = _ways(connection, held, mine)
    return Occupied(
        names, _addresses(connection, held, mine), tuple(one for one in ways if one[0].prefixlen), tables,
        frozenset(destination.version for destination, _ in ways if destination.prefixlen < WIDE),
    )


def led_out(connection: Connection) -> frozenset[int]:
    """The IP versions of which the main table leads out."""
    seen = (routes.whole(*part) for part in connection.dump(routes.RTM_GETROUTE, routes.dump_body()))
    return frozenset(
        one.destination.version for one in seen if one is not None and one.kind == _UNICAST and one.destination.prefixlen < WIDE
    )


def _addresses(connection: Connection, held: dict[int, str], mine: set[int]) -> dict[IP, str]:
    found: dict[IP, str] = {}
    for data, start, end in connection.dump(RTM_GETADDR, DUMP):
        _family, prefix, _flags, _scope, index = MESSAGE.unpack_from(data, start)
        seen = attributes(data, start + 8, end)
        span = seen.get(IFA_LOCAL) or seen.get(IFA_ADDRESS)
        if index not in mine and span is not None:
            found[interface(data[span[0] : span[1]], prefix).ip] = held.get(index, "")
    return found


def _ways(connection: Connection, held: dict[int, str], mine: set[int]) -> list[tuple[IPNetwork, str]]:
    """Every route of the main table, with where it leads."""
    found: list[tuple[IPNetwork, str]] = []
    for data, start, end in connection.dump(routes.RTM_GETROUTE, routes.dump_body()):
        seen = routes.whole(data, start, end)
        if seen is None or seen.kind not in _COUNTS or seen.leads_to in mine:
            continue
        if not (seen.destination.is_link_local or seen.destination.is_multicast):
            found.append((seen.destination, f"dev {held[seen.leads_to]}" if seen.leads_to in held else ""))
    return found
