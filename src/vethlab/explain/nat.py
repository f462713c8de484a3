"""Which rule of the nat chains decides about a packet: hooks, priorities, matches, jumps.

Enters: a snapshot, a hook, a packet as it is there; leaves: the rule, or None. Rule of the file: the kernel's order
(net/netfilter/nf_nat_core.c nf_nat_inet_fn): chains of a hook by priority until one has made a mapping. A match that is not understood
keeps its rule out: what it does shows in the packets that are seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from vethlab.model.address import IP
from vethlab.model.snapshot import LOCAL_TABLE, Snapshot
from vethlab.model.translation import NatChain, NatMatch, NatRule

__all__ = ["Hit", "Packet", "decides", "near", "unread"]

_MAPS = {
    "prerouting": frozenset({"dnat", "redirect"}), "output": frozenset({"dnat", "redirect"}),
    "postrouting": frozenset({"snat", "masquerade"}),
}
_ENDS = frozenset({"accept", "drop"})
_INTERFACES = frozenset({"iif", "oif"})
_ADDRESSES = frozenset({"saddr", "daddr"})
_DEEP = 16  # jumps in one another (NFT_JUMP_STACK_SIZE)


class Packet(NamedTuple):
    """The first packet of a connection, where a hook sees it."""

    protocol: str
    source: IP
    target: IP
    port: int | None
    iif: str = ""
    oif: str = ""
    translated: bool = False


class Hit(NamedTuple):
    """The rule that translates, the chain it stands in, and the hook."""

    chain: NatChain
    rule: NatRule
    hook: str

    def __str__(self) -> str:
        return f"{self.chain} handle {self.rule.handle}: {self.rule.text}"


def decides(snapshot: Snapshot, hook: str, packet: Packet) -> Hit | None:
    """The rule that makes the mapping at a hook."""
    return _first(
        snapshot, hook, packet, lambda rule: _speaks(rule, packet) and all(_fits(one, packet, snapshot) for one in rule.matches),
    )


def _speaks(rule: NatRule, packet: Packet) -> bool:
    """Whether a rule is for packets of this version: `dnat ip to` in a table of both means IPv4, though nft lists no match that says so."""
    return rule.address is None or rule.address.version == packet.target.version


def near(snapshot: Snapshot, hook: str, packet: Packet) -> Hit | None:
    """A rule that would translate the packet if it went by the interface that the rule names."""
    def almost(rule: NatRule) -> bool:
        if not _speaks(rule, packet):
            return False
        failed = [one for one in rule.matches if not _fits(one, packet, snapshot)]
        named = all(one.key in _INTERFACES and not one.negated for one in failed)
        return named and (bool(failed) or rule.verdict in {"jump", "goto"})

    return _first(snapshot, hook, packet, almost)


def unread(snapshot: Snapshot, hook: str, packet: Packet) -> Hit | None:
    """A rule of which all that is understood fits: what it does to the packet cannot be foretold."""
    def obscure(rule: NatRule) -> bool:
        failed = [one for one in rule.matches if not _fits(one, packet, snapshot)]
        return all(one.key.startswith("?") for one in failed) and (bool(failed) or rule.verdict in {"jump", "goto"})

    return _first(snapshot, hook, packet, obscure)


def _first(snapshot: Snapshot, hook: str, packet: Packet, fits: Callable[[NatRule], bool]) -> Hit | None:
    families = {"inet", "ip" if packet.target.version == 4 else "ip6"}
    tables = {(one.family, one.table, one.name): one for one in snapshot.nat if one.family in families}
    for chain in sorted((one for one in tables.values() if one.hook == hook), key=lambda one: one.priority):
        found = next(_deciding(chain, tables, fits, _MAPS.get(hook, frozenset()), 0), None)
        if found is not None and found.rule.verdict not in _ENDS:
            return found._replace(hook=hook)
    return None


def _deciding(
    chain: NatChain, tables: Mapping[tuple[str, str, str], NatChain], fits: Callable[[NatRule], bool], maps: frozenset[str], depth: int,
) -> Iterator[Hit]:
    """The rules that end the chain for the packet, the first of which does."""
    for rule in chain.rules:
        if not rule.verdict or not fits(rule):
            continue
        if rule.verdict in {"jump", "goto"}:
            below = tables.get((chain.family, chain.table, rule.chain))
            if below is not None and depth < _DEEP:
                yield from _deciding(below, tables, fits, maps, depth + 1)
            if rule.verdict == "goto":
                return
        elif rule.verdict == "return":
            return
        elif rule.verdict in _ENDS or rule.verdict in maps:
            yield Hit(chain, rule, "")


def _fits(match: NatMatch, packet: Packet, snapshot: Snapshot) -> bool:
    """Whether a packet is what the match wants; not where that cannot be told. An address, negated too, means its own IP version only."""
    test = _TESTS.get(match.key)
    if test is None or (match.key in _ADDRESSES and all((":" in value) != (packet.target.version == 6) for value in match.values)):
        return False
    return test(match.values, packet, snapshot) != match.negated


def _addressed(values: Sequence[str], address: IP) -> bool:
    return any(_covers(value, address) for value in values)


def _covers(value: str, address: IP) -> bool:
    low, dash, high = value.partition("-")
    if dash:
        first, last = ip_address(low), ip_address(high)
        return first.version == address.version and int(first) <= int(address) <= int(last)
    return address in ip_network(value)


def _numbered(values: Sequence[str], number: int | None) -> bool:
    def covers(value: str) -> bool:
        low, _, high = value.partition("-")
        return low.isdecimal() and number is not None and int(low) <= number <= int(high or low)

    return any(covers(value) for value in values)


def _named(values: Sequence[str], name: str) -> bool:
    return any(name.startswith(value[:-1]) if value.endswith("*") else name == value for value in values)


def _local(address: IP, snapshot: Snapshot) -> bool:
    """As the fib expression tells a type: what the local table says (net/ipv4/netfilter/nft_fib_ipv4.c)."""
    return any(
        one.table == LOCAL_TABLE and one.type == "local" and address.version == one.destination.version and address in one.destination
        for one in snapshot.routes
    )


_TESTS: Mapping[str, Callable[[Sequence[str], Packet, Snapshot], bool]] = {
    "saddr": lambda values, packet, _snapshot: _addressed(values, packet.source),
    "daddr": lambda values, packet, _snapshot: _addressed(values, packet.target),
    "dport": lambda values, packet, _snapshot: _numbered(values, packet.port),
    "l4proto": lambda values, packet, _snapshot: packet.protocol in values,
    "nfproto": lambda values, packet, _snapshot: f"ipv{packet.target.version}" in values,
    "iif": lambda values, packet, _snapshot: _named(values, packet.iif),
    "oif": lambda values, packet, _snapshot: _named(values, packet.oif),
    "fib-daddr": lambda values, packet, snapshot: ("local" in values) == _local(packet.target, snapshot),
    "fib-saddr": lambda values, packet, snapshot: ("local" in values) == _local(packet.source, snapshot),
    "ct-status": lambda values, packet, _snapshot: "dnat" in values and packet.translated,
    "ct-state": lambda values, _packet, _snapshot: "new" in values,
}
