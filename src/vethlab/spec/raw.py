"""What links and networks say before names and addresses are filled in. Enters: nothing. Leaves: three small mutable records.

Rule of the file: records only; `links` and `networks` make them, `naming` and `addressing` complete them, `resolve` turns them into
the model.
"""

from __future__ import annotations

from typing import NamedTuple

from vethlab.model.address import IP, IPInterface, IPNetwork
from vethlab.model.names import HOST, host_of
from vethlab.model.shaping import NONE, Shaping
from vethlab.model.topology import Vtep
from vethlab.spec.amounts import shaping
from vethlab.spec.fields import Fields
from vethlab.spec.mistakes import Part
from vethlab.spec.tree import Item

Host = int | IP | IPInterface  # a host number in the network's subnet, an address, or an address with prefix


class Place:
    """A node's interface on a link or network. `name_part` and `parts` say where in the sentence the node and each address stand."""

    __slots__ = ("addresses", "hosts", "interface", "item", "mac", "name_part", "named", "node", "parts", "port")

    def __init__(self, node: str, item: Item, name_part: Part | None = None) -> None:
        self.node, self.item, self.name_part = node, item, name_part
        self.interface = ""
        self.named = False  # the file gave the interface's name
        self.port = ""
        self.mac: str | None = None
        self.hosts: list[Host] = []  # on a network, as written
        self.addresses: list[IPInterface] = []
        self.parts: list[tuple[Item, Part | None]] = []  # where each address stands, as far as the file gave it


class Settings(NamedTuple):
    """What the keys of a link say, beside what it joins."""

    mtu: int = 1500
    shaping: Shaping = NONE
    tuned: bool = False


class RawLink:
    """One cable."""

    __slots__ = ("item", "left", "mtu", "right", "shaping", "tuned")

    def __init__(self, left: Place, right: Place, settings: Settings, item: Item) -> None:
        self.left, self.right, self.item = left, right, item
        self.mtu, self.shaping, self.tuned = settings


class RawNetwork:
    """One network with its places, in file order."""

    __slots__ = (
        "fields", "gateway", "isolated", "item", "mtu", "name", "on", "places", "shaping", "stp", "subnets", "tags", "type", "vni", "vteps",
    )

    def __init__(self, name: str, item: Item, fields: Fields) -> None:
        self.name, self.item, self.fields = name, item, fields
        self.places: list[Place] = []
        self.subnets: list[IPNetwork] = list(fields.get("subnet", ()))
        self.gateway: list[IPInterface] = []
        self.isolated: frozenset[str] = frozenset(fields.get("isolated", ()))
        self.shaping = shaping(fields)
        self.stp: bool = fields.get("stp", False)
        self.tags: dict[str, int] = {}
        self.type: str = fields.get("type", "bridge")
        self.on: str = fields.get("on", HOST)
        mtu = fields.get("mtu", 1500)
        self.mtu: int = 1500 if mtu == "auto" else mtu
        self.vni: int = fields.get("vni", 0)
        self.vteps: tuple[Vtep, ...] = ()

    def space(self, place: Place) -> str:
        """The namespace of the bridge that a node's port is on."""
        return host_of(place.node) if self.type == "vxlan" else self.on

    def hosts(self) -> list[str]:
        """The namespaces that hold a bridge of it: of a VXLAN network, every host that has a node on it, or the gateway."""
        if self.type != "vxlan":
            return [self.on]
        gateway = [self.on] if self.on != HOST else []
        return list(dict.fromkeys([*(host for place in self.places if (host := host_of(place.node))), *gateway]))
