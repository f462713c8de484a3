"""A packet under way: what it carries that decisions depend on, and where it has been.

Rule of the file: one Travel for each direction; it changes as the packet goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from vethlab.explain.nat import Hit
from vethlab.explain.way import Binding
from vethlab.model.address import IP
from vethlab.model.finding import Finding
from vethlab.model.flow import PING
from vethlab.model.link import End, Vxlan

__all__ = ["Travel", "Tunnelled"]


class Tunnelled(NamedTuple):
    """The VXLAN device that makes an outer packet."""

    end: End
    device: Vxlan


@dataclass(slots=True)
class Travel:
    """One direction. `length` 0: small. `bound`: the interface the origin's socket is bound to. `hops`: what is left of its TTL.

    `port`: the one that is asked for. In the node where it is, `before` is what it was when it came in, `hits` are the rules that
    translated it, `turned` what an answer is turned back by; `chosen` is the source that the origin gave it.
    """

    what: str
    target: IP
    source: IP | None
    length: int = 0
    bound: str | None = None
    only_neighbour: bool = False
    flaw: Finding | None = None  # what makes a router refuse it: a source address that is of no use there
    cut: bool = False  # whether its origin may cut it
    whole: bool = False  # whether a router may not: it says don't-fragment
    tunnel: Tunnelled | None = None  # of an outer packet: the device that makes it
    hops: int | None = None
    origin: str = ""
    left_by: str | None = None
    previous: End | None = None
    unchecked: Finding | None = None  # who left its checksum to somebody that does not fill it in
    visited: list[tuple[str, str, str]] = field(default_factory=list)  # node, came in by, leaves by
    kind: str = PING
    port: int | None = None
    before: tuple[IP | None, IP | None, int | None] = (None, None, None)
    hits: list[Hit] = field(default_factory=list)
    turned: Binding | None = None
    chosen: IP | None = None
    served: int | None = None  # of a reply: the port that it comes from, unless a host turns it back
