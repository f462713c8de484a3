"""A packet under way: what it carries that decisions depend on, and where it has been.

Rule of the file: one Travel for each direction; it changes as the packet goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vethlab.model.address import IP
from vethlab.model.finding import Finding
from vethlab.model.link import End

__all__ = ["Travel"]


@dataclass(slots=True)
class Travel:
    """One direction. `length` 0: small. `bound`: the interface the origin's socket is bound to. `hops`: what is left of its TTL."""

    what: str
    target: IP
    source: IP | None
    length: int = 0
    bound: str | None = None
    only_neighbour: bool = False
    flaw: Finding | None = None  # what makes a router refuse it: a source address that is of no use there
    hops: int | None = None
    origin: str = ""
    left_by: str | None = None
    previous: End | None = None
    visited: list[tuple[str, str, str]] = field(default_factory=list)  # node, came in by, leaves by
