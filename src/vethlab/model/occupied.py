"""What others have in a namespace that a lab shares with them. Enters `plan`, leaves `kernel`.

Rule of the file: words beside each fact, for people; nobody decides by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vethlab.model.address import IP, IPNetwork

WIDE = 8  # bits of a prefix; a shorter one leads out: 0.0.0.0/0, the halves that a VPN puts in its place, 2000::/3


@dataclass(frozen=True, slots=True)
class Occupied:
    """Each interface name and what it is, each address and its interface, each destination of a route and how it is reached.

    `tables`: family and name of nft tables. `defaults`: the IP versions of which the main table has a route out.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[IP, str] = field(default_factory=dict)
    ways: tuple[tuple[IPNetwork, str], ...] = ()
    tables: frozenset[tuple[str, str]] = frozenset()
    defaults: frozenset[int] = frozenset()
