"""How each namespace is reached: its netlink connection, its descriptor, and the indexes of its interfaces by name.

Enters: Namespaces; leaves: what an encoder needs. Rule of the file: an index is known because the plan chose it or a dump told it,
never guessed; what is forgotten is asked for again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from vethlab.errors import NotFoundError
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.port import Namespaces
from vethlab.kernel.snapshot import Dumped, dump, ours
from vethlab.model.link import LOOPBACK, Link


@dataclass(slots=True)
class _Space:
    """One namespace within reach."""

    connection: Connection
    descriptor: int
    indexes: dict[str, int] = field(default_factory=lambda: {LOOPBACK: 1})


class Reach:
    """Opens namespaces on first use and remembers them."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._spaces: dict[str, _Space] = {}

    def open(self, names: Sequence[str]) -> None:
        """Make sure that all of these are within reach, in one request."""
        missing = [name for name in names if name not in self._spaces]
        if missing:
            for name, opened in zip(missing, self._namespaces.open(missing), strict=True):
                self._spaces[name] = _Space(Connection(opened.rtnetlink), opened.descriptor)

    def connection(self, name: str) -> Connection:
        """The route netlink connection of a namespace."""
        self.open([name])
        return self._spaces[name].connection

    def descriptor(self, name: str) -> int:
        """A descriptor of the namespace, for IFLA_NET_NS_FD."""
        self.open([name])
        return self._spaces[name].descriptor

    def dump(self, name: str, *, pinned: bool, switched: Collection[str] = ()) -> Dumped:
        """Read a namespace and remember its indexes. `switched`: bridges of Open vSwitch that are ours among others'."""
        dumped = dump(name, self.connection(name), pinned=pinned)
        self._spaces[name].indexes = dumped.indexes()
        owner = self._namespaces.joined.get(name)
        return dumped if owner is None else ours(dumped, owner, switched)

    def learn(self, name: str, link: Link) -> None:
        """Remember the index a plan chose for a new interface."""
        if link.index:
            self._spaces[name].indexes[link.name] = link.index

    def index(self, name: str, interface: str) -> int:
        """The index of an interface; NotFoundError if the namespace has none of this name."""
        space = self._spaces.get(name)
        if space is None or interface not in space.indexes:
            self.dump(name, pinned=False)
            space = self._spaces[name]
        if interface not in space.indexes:
            raise NotFoundError(f"no interface `{interface}` in `{name}`", where=f"{name}:{interface}", slug="no-such-interface")
        return space.indexes[interface]

    def forget_link(self, name: str, interface: str) -> None:
        """The interface is being removed."""
        if name in self._spaces:
            self._spaces[name].indexes.pop(interface, None)

    def forget(self, name: str) -> None:
        """The namespace is being dropped."""
        self._spaces.pop(name, None)
