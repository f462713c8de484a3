"""NFNL_SUBSYS_NFTABLES: which rulesets a namespace has, a table of ours that has packets traced, and what the kernel tells of them.

Enters: a connection over a NETLINK_NETFILTER socket inside the namespace; leaves: tables and chains as values, requests, trace events.
Rule of the file: layouts and numbers are those of include/uapi/linux/netfilter/nf_tables.h and nfnetlink.h, where numbers are in network
order; what is changed goes as one transaction, and a table of ours is always owned by its socket: it vanishes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.message import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_EXCL,
    Request,
    attribute,
    attributes,
    get_text,
    get_u32,
    messages,
    nested,
    text,
)

NETLINK_NETFILTER, NFNLGRP_NFTRACE = 12, 9

_BATCH_BEGIN, _BATCH_END, _SUBSYSTEM = 0x10, 0x11, 10
_NEWTABLE, _GETTABLE, _DELTABLE, _NEWCHAIN, _GETCHAIN, _NEWRULE, _TRACE = (_SUBSYSTEM << 8 | number for number in (0, 1, 2, 3, 4, 6, 17))
NFT_TABLE_F_DORMANT, NFT_TABLE_F_OWNER = 0x1, 0x2
_TABLE_NAME, _TABLE_FLAGS, _TABLE_USERDATA = 1, 2, 6
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY, _CHAIN_TYPE = 1, 3, 4, 5, 7
_HOOK_NUMBER, _HOOK_PRIORITY, _HOOK_DEVICE, _HOOK_DEVICES = 1, 2, 3, 4
_DEVICE_NAME, _DEVICE_PREFIX = 1, 2  # NFTA_DEVICE_PREFIX: `eth*`, since Linux 6.17
_RULE_TABLE, _RULE_CHAIN, _RULE_EXPRESSIONS = 1, 2, 4
_LIST_ELEMENT, _EXPRESSION_NAME, _EXPRESSION_DATA, _DATA_VALUE, _DATA_VERDICT = 1, 1, 2, 1, 2
_IMMEDIATE_REGISTER, _IMMEDIATE_DATA, _META_KEY, _META_SOURCE = 1, 2, 2, 3
_META_NFTRACE, _VERDICT_REGISTER, _REGISTER, _ACCEPT = 12, 0, 1, 1
(
    _TRACE_TABLE, _TRACE_CHAIN, _TRACE_HANDLE, _TRACE_TYPE, _TRACE_VERDICT, _TRACE_ID, _TRACE_LINK, _TRACE_NETWORK, _TRACE_TRANSPORT,
    _TRACE_IIF, _TRACE_OIF, _TRACE_MARK, _TRACE_POLICY,
) = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16)
_VERDICT_CODE, _VERDICT_CHAIN = 1, 2

_GENERIC = Struct("!BBH")  # struct nfgenmsg: family, version, resource
_NUMBER, _SIGNED, _LONG = Struct("!I"), Struct("!i"), Struct("!Q")
_LENGTH = Struct("=H")  # an attribute begins with its length, in host order

FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}  # NFPROTO_*
_FAMILY_NUMBERS = {name: number for number, name in FAMILIES.items()}
_INET = ("prerouting", "input", "forward", "output", "postrouting", "ingress")  # NF_INET_*, and the first five of NF_BR_*
HOOKS = {
    "inet": _INET, "ip": _INET[:5], "ip6": _INET[:5], "bridge": _INET[:5], "arp": ("input", "output"), "netdev": ("ingress", "egress"),
}
KINDS = {1: "policy", 2: "return", 3: "rule"}
VERDICTS = {
    0: "drop", 1: "accept", 2: "stolen", 3: "queue", 4: "repeat", 5: "stop",
    -1: "continue", -2: "break", -3: "jump", -4: "goto", -5: "return",
}
_FIRST = -(1 << 31)  # before all others: of equal priority, the chain that came last goes first (net/netfilter/core.c nf_hook_entries_grow)


class Table(NamedTuple):
    """A table; `flags`: NFT_TABLE_F_*; `comment`: what nft(8) calls so, kept as user data."""

    family: str
    name: str
    flags: int
    comment: str = ""


class Chain(NamedTuple):
    """A base chain: where it hooks in. `devices`: of ingress and egress, `eth*` for a prefix."""

    family: str
    table: str
    name: str
    type: str
    hook: str
    priority: int
    policy: str
    devices: tuple[str, ...]


class Place(NamedTuple):
    """Where a chain of ours hooks in; `device` in the netdev family only."""

    family: str
    hook: str
    device: str = ""


class TraceEvent(NamedTuple):
    """What one rule (or the end of a chain, or a policy) did with a packet.

    `kind`: `rule`, `return` (the end of a chain was reached, or a rule returned) or `policy`, whose word is the `verdict` too. `handle` is
    None where no rule speaks. `id` is made of the packet's address in memory, its hash and its interface: the same from hook to hook while
    none of them changes, and often the same again for a later packet. A mark on a packet of IPv6's own (MLD) means nothing: the kernel
    keeps something else in its place. The kernel tells interfaces (0: none) and headers with the first event of a base chain only.
    """

    node: str
    id: int
    family: str
    table: str
    chain: str
    kind: str
    handle: int | None
    verdict: str
    jump_target: str
    policy: str
    iif: int
    oif: int
    link_header: bytes
    network_header: bytes
    transport_header: bytes
    mark: int


def tables(connection: Connection) -> list[Table]:
    """Every table of the namespace: one cheap dump that tells whether there are rulesets at all."""
    found = []
    for data, start, end in connection.dump(_GETTABLE, _GENERIC.pack(0, 0, 0)):
        seen = attributes(data, start + 4, end)
        flags = _number(data, seen[_TABLE_FLAGS]) if _TABLE_FLAGS in seen else 0
        found.append(Table(_family(data[start]), get_text(data, seen[_TABLE_NAME]), flags, _comment(data, seen.get(_TABLE_USERDATA))))
    return found


def _comment(data: bytes, span: tuple[int, int] | None) -> str:
    """The comment in user data: entries of a type, a length and a value each (libnftnl udata.h; NFTNL_UDATA_TABLE_COMMENT is 0)."""
    at, end = span or (0, 0)
    while at + 2 <= end:
        kind, length = data[at], data[at + 1]
        if kind == 0:
            return get_text(data, (at + 2, min(at + 2 + length, end)))
        at += 2 + length
    return ""


def chains(connection: Connection) -> list[Chain]:
    """Every base chain of the namespace."""
    found = []
    for data, start, end in connection.dump(_GETCHAIN, _GENERIC.pack(0, 0, 0)):
        seen = attributes(data, start + 4, end)
        if _CHAIN_HOOK not in seen:
            continue
        family, hook = _family(data[start]), attributes(data, *seen[_CHAIN_HOOK])
        number = _number(data, hook[_HOOK_NUMBER])
        known = HOOKS.get(family, ())
        found.append(Chain(
            family, get_text(data, seen[_CHAIN_TABLE]), get_text(data, seen[_CHAIN_NAME]),
            get_text(data, seen[_CHAIN_TYPE]) if _CHAIN_TYPE in seen else "",
            known[number] if number < len(known) else str(number), _signed(data, hook[_HOOK_PRIORITY]),
            _word(_number(data, seen[_CHAIN_POLICY])) if _CHAIN_POLICY in seen else "accept", tuple(_devices(data, hook)),
        ))
    return found


def _devices(data: bytes, hook: dict[int, tuple[int, int]]) -> Iterator[str]:
    if _HOOK_DEVICES not in hook:
        if _HOOK_DEVICE in hook:
            yield get_text(data, hook[_HOOK_DEVICE])
        return
    offset, end = hook[_HOOK_DEVICES]
    while offset + 4 <= end:  # a list repeats its types, so attributes() would keep the last one only
        length: int = _LENGTH.unpack_from(data, offset)[0]
        if length < 4:
            return
        for kind, span in attributes(data, offset, offset + length).items():
            yield get_text(data, span) + ("*" if kind == _DEVICE_PREFIX else "")
        offset += (length + 3) & ~3


def places(others: Iterable[Table], hooked: Iterable[Chain]) -> list[Place]:
    """Where packets first meet the families in which `others` are and the devices on which chains are `hooked`.

    A mark made there stays on a packet until it leaves the namespace (net/core/skbuff.c skb_scrub_packet). That is prerouting and output;
    of the bridge family too (frames for a bridge's own link-local group, as of STP, go to input at once and are left out), and
    input and output of arp, which has no others. A device's own hooks come before those.
    """
    families = {table.family for table in others}
    found = []
    if families & {"ip", "ip6", "inet"}:
        found += [Place("inet", "prerouting"), Place("inet", "output")]
    if "bridge" in families:
        found += [Place("bridge", "prerouting"), Place("bridge", "output")]
    if "arp" in families:
        found += [Place("arp", "input"), Place("arp", "output")]
    devices = sorted({(one.hook, device) for one in hooked for device in one.devices})
    return found + [Place("netdev", hook, device) for hook, device in devices]


def tracing(name: str, where: Sequence[Place]) -> list[Request]:
    """The transaction that makes our table: at each place a chain before all others with the one rule `meta nftrace set 1 accept`."""
    requests = [_table(_NEWTABLE, family, name, NLM_F_CREATE | NLM_F_EXCL) for family in dict.fromkeys(one.family for one in where)]
    for number, place in enumerate(where):
        requests += _marking(name, f"on-{place.hook}-{number}", place)
    return _transaction(requests)


def removing(name: str, where: Sequence[Place]) -> list[Request]:
    """The transaction that takes our table away. Closing its socket does it too, but waits for a grace period each (nft_rcv_nl_event)."""
    return _transaction([_table(_DELTABLE, family, name, 0) for family in dict.fromkeys(one.family for one in where)])


def _transaction(requests: Sequence[Request]) -> list[Request]:
    ends = [Request(kind, 0, _GENERIC.pack(0, 0, _SUBSYSTEM)) for kind in (_BATCH_BEGIN, _BATCH_END)]
    return [ends[0], *requests, ends[1]]


def _table(kind: int, family: str, name: str, flags: int) -> Request:
    return Request(kind, flags, _head(family) + text(_TABLE_NAME, name) + (_be32(_TABLE_FLAGS, NFT_TABLE_F_OWNER) if flags else b""))


def _marking(table: str, name: str, place: Place) -> list[Request]:
    family, hook, device = place
    at = [_be32(_HOOK_NUMBER, HOOKS[family].index(hook)), attribute(_HOOK_PRIORITY, _SIGNED.pack(_FIRST))]
    if device:
        at.append(nested(_HOOK_DEVICES, text(_DEVICE_PREFIX, device[:-1]) if device.endswith("*") else text(_DEVICE_NAME, device)))
    chain = text(_CHAIN_TABLE, table) + text(_CHAIN_NAME, name) + nested(_CHAIN_HOOK, *at) + text(_CHAIN_TYPE, "filter")
    one_to_register = _be32(_IMMEDIATE_REGISTER, _REGISTER) + nested(_IMMEDIATE_DATA, attribute(_DATA_VALUE, b"\1"))
    register_to_mark = _be32(_META_KEY, _META_NFTRACE) + _be32(_META_SOURCE, _REGISTER)
    # With a verdict it makes one event of a packet, without it three: the rule, the end of the chain, the policy.
    accept = _be32(_IMMEDIATE_REGISTER, _VERDICT_REGISTER) + nested(_IMMEDIATE_DATA, nested(_DATA_VERDICT, _be32(_VERDICT_CODE, _ACCEPT)))
    parts = (("immediate", one_to_register), ("meta", register_to_mark), ("immediate", accept))
    expressions = nested(_RULE_EXPRESSIONS, *(_expression(kind, data) for kind, data in parts))
    rule = text(_RULE_TABLE, table) + text(_RULE_CHAIN, name) + expressions
    return [
        Request(_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, _head(family) + chain),
        Request(_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, _head(family) + rule),
    ]


def _expression(name: str, data: bytes) -> bytes:
    return nested(_LIST_ELEMENT, text(_EXPRESSION_NAME, name), nested(_EXPRESSION_DATA, data))


def trace_events(node: str, data: bytes) -> list[TraceEvent]:
    """The trace events in what came over a socket that hears of NFNLGRP_NFTRACE."""
    return [_event(node, data, start, end) for kind, _flags, _sequence, start, end in messages(data) if kind == _TRACE]


def _event(node: str, data: bytes, start: int, end: int) -> TraceEvent:
    seen = attributes(data, start + 4, end)

    def number(kind: int) -> int:
        return _number(data, seen[kind]) if kind in seen else 0

    def piece(kind: int) -> bytes:
        return data[slice(*seen[kind])] if kind in seen else b""

    inner = attributes(data, *seen[_TRACE_VERDICT]) if _TRACE_VERDICT in seen else {}
    policy = _word(number(_TRACE_POLICY)) if _TRACE_POLICY in seen else ""
    kind = KINDS.get(number(_TRACE_TYPE), str(number(_TRACE_TYPE)))
    if kind == "rule" and _TRACE_HANDLE not in seen:
        kind = "return"  # the end of a chain, which newer kernels tell as a rule without a handle
    return TraceEvent(
        node=node, id=get_u32(data, seen[_TRACE_ID]), family=_family(data[start]),
        table=get_text(data, seen[_TRACE_TABLE]), chain=get_text(data, seen[_TRACE_CHAIN]), kind=kind,
        handle=_LONG.unpack_from(data, seen[_TRACE_HANDLE][0])[0] if _TRACE_HANDLE in seen else None,
        verdict=_word(_signed(data, inner[_VERDICT_CODE])) if _VERDICT_CODE in inner else policy,
        jump_target=get_text(data, inner[_VERDICT_CHAIN]) if _VERDICT_CHAIN in inner else "", policy=policy,
        iif=number(_TRACE_IIF), oif=number(_TRACE_OIF), link_header=piece(_TRACE_LINK), network_header=piece(_TRACE_NETWORK),
        transport_header=piece(_TRACE_TRANSPORT), mark=number(_TRACE_MARK),
    )


def _word(code: int) -> str:
    code = code if code < 0 else code & 0xFF  # NF_VERDICT_MASK: above it stands a queue's number or an errno
    return VERDICTS.get(code, str(code))


def _family(number: int) -> str:
    return FAMILIES.get(number, str(number))


def _head(family: str) -> bytes:
    return _GENERIC.pack(_FAMILY_NUMBERS[family], 0, 0)


def _be32(kind: int, value: int) -> bytes:
    return attribute(kind, _NUMBER.pack(value))


def _number(data: bytes, span: tuple[int, int]) -> int:
    value: int = _NUMBER.unpack_from(data, span[0])[0]
    return value


def _signed(data: bytes, span: tuple[int, int]) -> int:
    value: int = _SIGNED.unpack_from(data, span[0])[0]
    return value
