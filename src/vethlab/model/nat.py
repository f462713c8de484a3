"""Address translation as values: a published port, and a table of nftables rules that a namespace holds beside everybody else's.

Rule of the file: a published port's text is that of the lab file; a table's text is nft(8)'s, and `listing` in the kernel's own words is
no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.model.address import IP, IPNetwork

TABLE_PREFIX = "vethlab-nat-"  # what the names of our tables begin with; the lab's name follows


@dataclass(frozen=True, slots=True)
class Publish:
    """A port of the host that leads to a port of a node. `address` None: every address of the host, of both families."""

    port: int
    to: int
    protocol: str = "tcp"  # tcp | udp
    address: IP | None = None

    def __str__(self) -> str:
        head = "" if self.address is None else f"{self.address}:" if self.address.version == 4 else f"[{self.address}]:"
        return f"{head}{self.port}:{self.to}{'' if self.protocol == 'tcp' else '/udp'}"

    def versions(self) -> tuple[int, ...]:
        """The IP versions it is for."""
        return (4, 6) if self.address is None else (self.address.version,)

    def anywhere(self) -> bool:
        """True where every address of the host answers (of the family that it names, if any)."""
        return self.address is None or self.address.is_unspecified

    def clashes(self, other: Publish) -> bool:
        """True if one packet could be meant for both."""
        if (self.port, self.protocol) != (other.port, other.protocol) or not set(self.versions()) & set(other.versions()):
            return False
        return self.anywhere() or other.anywhere() or self.address == other.address


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ours: `text` is the whole of it as nft(8) reads it, `table FAMILY NAME { ... }`."""

    family: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class NatMatch:
    """What a rule wants of a packet: one of `values`, or none of them.

    `key`: saddr, daddr, sport, dport, l4proto, nfproto, iif, oif, fib-saddr, fib-daddr, ct-status, ct-state; any other word is something
    that is not looked into. `values`: words and numbers as text, `10.0.0.0/8`, `1-5`, and `eth*`.
    """

    key: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class NatRule:
    """A rule of a chain that translates, or that such a chain jumps to. `text`: as nft lists it.

    `verdict`: dnat, snat, masquerade, redirect, accept, drop, return, jump, goto, or empty where it decides nothing; `address` and
    `port` are what it puts in place (None: the kernel's choice, or one of several), `chain` where it jumps to.
    """

    handle: int
    text: str
    matches: tuple[NatMatch, ...] = ()
    verdict: str = ""
    address: IP | None = None
    port: int | None = None
    chain: str = ""


@dataclass(frozen=True, slots=True)
class NatChain:
    """A chain of type nat, or one of its table that has no hook."""

    family: str
    table: str
    name: str
    hook: str = ""
    priority: int = 0
    rules: tuple[NatRule, ...] = ()

    def __str__(self) -> str:
        return f"{self.family} {self.table} {self.name}"


@dataclass(frozen=True, slots=True)
class Published:
    """A published port as the lab file means it: what a packet to `host` is for, and where it has to arrive."""

    host: str
    publish: Publish
    node: str
    address: IP

    def serves(self, host: str, address: IP, port: int | None, protocol: str) -> bool:
        """True for a packet that is meant for it."""
        mine = (self.host, self.publish.port, self.publish.protocol, self.address.version)
        return mine == (host, port, protocol, address.version) and (self.publish.anywhere() or self.publish.address == address)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A subnet that a host hides behind its own address, says the lab file; all but what leaves by `bridge`."""

    host: str
    subnet: IPNetwork
    bridge: str
