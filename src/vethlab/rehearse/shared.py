"""What of the machine's own namespace is copied, where a lab joined it: the lab's part, with what hangs on it, and every rule.

Enters: all that was read of the namespace; leaves: the same without interfaces of others. Rule of the file: a port that somebody else put
on a bridge of the lab's belongs to what its packets meet, and is copied; ways out of the lab are not, so nothing is to be concluded
about packets that take one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct

from vethlab.kernel.netlink.route import RTA_MULTIPATH, RTA_OIF
from vethlab.model.names import owner_of
from vethlab.rehearse.ports import RawLink
from vethlab.rehearse.said import number, parts
from vethlab.rehearse.space import ROUTE, RULE, Kind

_INDEX = Struct("=4xi")  # struct ifaddrmsg and struct ndmsg: the interface stands behind four bytes
_ROUTE_HEAD = 12  # struct rtmsg
_LOOPBACK = 1


def guest(
    links: Mapping[int, RawLink], bodies: Mapping[Kind, Sequence[bytes]], owner: str,
) -> tuple[dict[int, RawLink], dict[Kind, list[bytes]]]:
    """The interfaces that bear the owner's mark, ports of its bridges, `lo`, and what is on any of them."""
    mine = {index for index, one in links.items() if one.seen.mark is not None and owner_of(one.seen.mark) == owner}
    kept = {index: one for index, one in links.items() if index in mine | {_LOOPBACK} or one.seen.master_index in mine}
    return kept, {kind: [one for one in told if _concerns(kind, one, kept)] for kind, told in bodies.items()}


def _concerns(kind: Kind, body: bytes, kept: Mapping[int, RawLink]) -> bool:
    if kind is RULE:
        return True
    if kind is not ROUTE:
        return _INDEX.unpack_from(body)[0] in kept
    found = parts(body, _ROUTE_HEAD)
    return number(found, RTA_OIF) in kept if RTA_OIF in found else RTA_MULTIPATH not in found
