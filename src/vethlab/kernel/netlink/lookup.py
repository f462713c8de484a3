"""RTM_GETROUTE as a question: where would the kernel send this (ip-route(8) get)? No packet, and nothing changes by asking.

Enters: a Route question, a connection inside its namespace; leaves: the kernel's answer. Rule of the file: the kernel decides. With `iif`
IPv4 walks the input path as a packet would (net/ipv4/route.c inet_rtm_getroute, ip_route_input_slow): source validation (EINVAL) and
forwarding (EHOSTUNREACH) are judged; IPv6 looks up the tables only (net/ipv6/route.c inet6_rtm_getroute) and judges neither.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from struct import Struct

from vethlab.kernel.netlink.connection import Connection, Refused
from vethlab.kernel.netlink.fib import TYPES, ip, via
from vethlab.kernel.netlink.message import Request, attribute, attributes, get_u32, u32
from vethlab.kernel.netlink.route import MESSAGE, RTA_DST, RTA_OIF, RTA_PREFSRC, RTA_TABLE, RTM_GETROUTE
from vethlab.model.address import AF_INET, AF_INET6
from vethlab.model.question import Route, Routed

RTA_SRC, RTA_IIF, RTA_METRICS, RTA_CACHEINFO, RTAX_MTU = 2, 3, 8, 12, 2
RTM_F_LOOKUP_TABLE = 0x1000  # tell the table that decided; IPv6 always does, and refuses the flag
_CACHED_ERROR = Struct("=12xi")  # struct rta_cacheinfo: rta_error, negative
_REFUSES = {errno.EINVAL: "blackhole", errno.EHOSTUNREACH: "unreachable", errno.EACCES: "prohibit"}  # net/ipv4/fib_semantics.c fib_props


def lookup(connection: Connection, query: Route, indexes: Mapping[str, int], names: Mapping[int, str]) -> Routed:
    """Ask. `indexes` and `names` are those of the namespace's interfaces."""
    for name in (query.iif, query.oif):
        if name is not None and name not in indexes:
            return Routed(errno.ENODEV, f'Cannot find device "{name}"', "")
    try:
        answer = connection.ask(request(query, indexes))
    except Refused as refused:
        return Routed(refused.code, _says(refused), _kind(connection, query, refused.code, indexes))
    return decode(*answer, query, names)


def request(query: Route, indexes: Mapping[str, int]) -> Request:
    """The question as a message."""
    destination, source = query.destination.packed, query.source.packed if query.source is not None else b""
    family, flags = (AF_INET, RTM_F_LOOKUP_TABLE) if len(destination) == 4 else (AF_INET6, 0)
    parts = [MESSAGE.pack(family, 8 * len(destination), 8 * len(source), 0, 0, 0, 0, 0, flags), attribute(RTA_DST, destination)]
    if source:
        parts.append(attribute(RTA_SRC, source))
    if query.iif is not None:
        parts.append(u32(RTA_IIF, indexes[query.iif]))
    if query.oif is not None:
        parts.append(u32(RTA_OIF, indexes[query.oif]))
    return Request(RTM_GETROUTE, 0, b"".join(parts))


def decode(data: bytes, start: int, end: int, query: Route, names: Mapping[int, str]) -> Routed:
    """The RTM_NEWROUTE payload that answers `query`."""
    _family, _length, _source, _tos, table, _protocol, _scope, kind, _flags = MESSAGE.unpack_from(data, start)
    found = attributes(data, start + MESSAGE.size, end)
    code = -_CACHED_ERROR.unpack_from(data, found[RTA_CACHEINFO][0])[0] if RTA_CACHEINFO in found else 0
    metrics = attributes(data, *found[RTA_METRICS]) if RTA_METRICS in found else {}
    source = query.source
    if source is None and RTA_PREFSRC in found:
        source = ip(data[found[RTA_PREFSRC][0] : found[RTA_PREFSRC][1]])
    return Routed(
        max(code, 0), os.strerror(code) if code > 0 else "", TYPES[kind] if kind < len(TYPES) else str(kind),
        names.get(get_u32(data, found[RTA_OIF])) if RTA_OIF in found else None, via(data, found), source,
        get_u32(data, found[RTA_TABLE]) if RTA_TABLE in found else table, get_u32(data, metrics[RTAX_MTU]) if RTAX_MTU in metrics else 0,
    )


def _says(refused: Refused) -> str:
    """The line that ip-route(8) prints."""
    if refused.says:
        return f"Error: {refused.says}" + ("" if refused.says.endswith(".") else ".")
    return f"RTNETLINK answers: {os.strerror(refused.code)}"


def _kind(connection: Connection, query: Route, code: int, indexes: Mapping[str, int]) -> str:
    """Which kind of line refuses, if one does. On the input path other refusals have the same errno: ask what the node itself would get."""
    if code not in _REFUSES:
        return ""
    if query.iif is not None and query.destination.version == 4 and code != errno.EACCES:
        try:
            connection.ask(request(Route(query.netns, query.destination, oif=query.oif), indexes))
        except Refused as refused:
            return _REFUSES[code] if refused.code == code else ""
        return ""
    return _REFUSES[code]
