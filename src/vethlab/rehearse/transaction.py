"""A ruleset as one nftables transaction that gives everything the handle it has in the original.

Enters: items of a dump; leaves: requests. Rule of the file: pure. A table counts its handles up, one for each chain, set, object and rule
(net/netfilter/nf_tables_api.c nf_tables_alloc_handle), so all are made in the order of their handles, and a number that was used
and given back is used up by a chain that is deleted again. What an item refers to has a lower handle: it was there before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from struct import Struct
from typing import NamedTuple

from vethlab.kernel.netlink.message import NLM_F_APPEND, NLM_F_CREATE, Request, attribute, text
from vethlab.rehearse.said import Parts, joined, payload, string

SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
TABLE, CHAIN, RULE, SET, ELEMENTS, OBJECT, FLOWTABLE = 0, 3, 6, 9, 12, 18, 22  # NFT_MSG_NEW*; each is followed by its GET
HEAD = Struct("!BBH")  # struct nfgenmsg: family, version, resource
GAPS = 4096  # so many handles that nothing has any more are counted over

_BEGIN, _END, _DELETE_CHAIN = 0x10, 0x11, 5
_LONG, _NUMBER = Struct("!Q"), Struct("!I")
# What of each is said again: names, hooks, types, expressions. Not: handles, uses, counters of policies.
_KEPT = {
    TABLE: {1, 2, 6}, CHAIN: {1, 3, 4, 5, 7, 10, 12}, RULE: {1, 2, 4, 6, 7}, OBJECT: {1, 2, 3, 4, 8}, ELEMENTS: {1, 2, 3},
    SET: {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 18},
}
_HANDLES = {CHAIN: 2, RULE: 3, SET: 16, OBJECT: 6}
_TABLE_FLAGS, _OWNED = 2, 0x2 | 0x4  # NFT_TABLE_F_OWNER, NFT_TABLE_F_PERSIST: bound to a process there
_CHAIN_TABLE, _CHAIN_NAME = 1, 3
_RULE_CHAIN, _RULE_POSITION = 2, 6
_SET_NAME, _SET_FLAGS, _SET_ID = 2, 3, 10
_FILLED_AT_ONCE = 0x1 | 0x2  # NFT_SET_ANONYMOUS, NFT_SET_CONSTANT: takes no more once a rule looks into it


class Item(NamedTuple):
    """One object of a ruleset as the kernel told it. `kind`: the number of the message that makes it."""

    kind: int
    family: int
    parts: Parts

    @property
    def table(self) -> tuple[int, str]:
        """The table it is, or is in."""
        return self.family, string(self.parts, 1)


def handle(item: Item) -> int:
    """Its number in its table; 0 for a table, and for elements, which have none."""
    number = _HANDLES.get(item.kind)
    return int(_LONG.unpack(payload(item.parts[number]))[0]) if number in item.parts else 0


def transaction(ruleset: Sequence[Item]) -> list[Request] | None:
    """Everything, or None if there are too many handles to count over."""
    tables: dict[tuple[int, str], list[Item]] = {item.table: [] for item in ruleset if item.kind == TABLE}
    for item in ruleset:
        if item.kind in _HANDLES:
            tables[item.table].append(item)
    if sum(max(map(handle, inside), default=0) - len(inside) for inside in tables.values()) > GAPS:
        return None
    elements: dict[tuple[object, ...], list[Item]] = defaultdict(list)
    for item in ruleset:
        if item.kind == ELEMENTS:
            elements[*item.table, string(item.parts, _SET_NAME)].append(item)
    requests = [_make(item._replace(parts=_unowned(item.parts))) for item in ruleset if item.kind == TABLE]
    for table, inside in tables.items():
        requests += _table(table, sorted(inside, key=handle), elements, _before(inside))
    return [_mark(_BEGIN), *requests, _mark(_END)]


def _table(
    table: tuple[int, str], inside: Sequence[Item], elements: Mapping[tuple[object, ...], list[Item]], before: Mapping[int, int],
) -> Iterator[Request]:
    fillers = []
    late: list[Item] = []
    upcoming = 1
    for item in inside:
        for number in range(upcoming, handle(item)):
            fillers.append(_chain(table, f"filler-{number}"))
            yield Request(SUBSYSTEM << 8 | CHAIN, NLM_F_CREATE, fillers[-1])
        upcoming = handle(item) + 1
        if item.kind == RULE:
            yield _rule(item, before[handle(item)])
        elif item.kind == SET:
            yield _make(item._replace(parts={**item.parts, _SET_ID: attribute(_SET_ID, _NUMBER.pack(handle(item)))}))
            held = elements[*table, string(item.parts, _SET_NAME)]
            if _number(item.parts, _SET_FLAGS) & _FILLED_AT_ONCE:
                yield from map(_make, held)
            else:
                late += held  # an element may lead to a chain that came later than its map
        else:
            yield _make(item)
    yield from map(_make, late)
    for filler in fillers:
        yield Request(SUBSYSTEM << 8 | _DELETE_CHAIN, 0, filler)


def _before(inside: Sequence[Item]) -> dict[int, int]:
    """For each rule the handle of that one before it in its chain which is made earlier; 0 if it is made first of those."""
    chains: dict[str, list[int]] = defaultdict(list)
    for item in inside:
        if item.kind == RULE:
            chains[string(item.parts, _RULE_CHAIN)].append(handle(item))
    found = {}
    for handles in chains.values():
        for at, one in enumerate(handles):
            found[one] = next((other for other in reversed(handles[:at]) if other < one), 0)
    return found


def _rule(item: Item, after: int) -> Request:
    place = {kind: part for kind, part in item.parts.items() if kind != _RULE_POSITION}
    if after:
        place[_RULE_POSITION] = attribute(_RULE_POSITION, _LONG.pack(after))
    return _make(item._replace(parts=place), NLM_F_APPEND if after else 0)


def _make(item: Item, flags: int = 0) -> Request:
    return Request(SUBSYSTEM << 8 | item.kind, NLM_F_CREATE | flags, HEAD.pack(item.family, 0, 0) + joined(item.parts, _KEPT[item.kind]))


def _chain(table: tuple[int, str], name: str) -> bytes:
    return HEAD.pack(table[0], 0, 0) + text(_CHAIN_TABLE, table[1]) + text(_CHAIN_NAME, f"vethlab-{name}")


def _mark(kind: int) -> Request:
    return Request(kind, 0, HEAD.pack(0, 0, SUBSYSTEM))


def _unowned(found: Parts) -> Parts:
    return {**found, _TABLE_FLAGS: attribute(_TABLE_FLAGS, _NUMBER.pack(_number(found, _TABLE_FLAGS) & ~_OWNED))}


def _number(found: Parts, kind: int) -> int:
    return int(_NUMBER.unpack(payload(found[kind]))[0]) if kind in found else 0
