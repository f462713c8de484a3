"""Address translation as a packet meets it: the rules that a kernel holds, and what the lab file means them to do.

Rule of the file: values that `kernel` reads and `explain` walks by; what a lab file asks for is in `nat`.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.model.address import IP, IPNetwork
from vethlab.model.nat import Publish


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
