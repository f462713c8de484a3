"""What a lab would take that the machine has already: names, addresses, subnets (`host: machine`).

Enter: what the lab wants in the machine's namespace and what others have there; leave: Collisions, none if there is room. Rule of the
file: nothing of the machine's is ever moved out of the way, so every collision is found before anything is touched. A subnet inside a
route of the machine's is one too: the lab's more specific route would take that route's packets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vethlab.model.nat import Publish
from vethlab.model.occupied import Occupied
from vethlab.model.snapshot import Listener
from vethlab.model.state import Netns
from vethlab.model.topology import Topology


@dataclass(frozen=True, slots=True)
class Collision:
    """One thing that two would have. `interface`: the lab's."""

    interface: str
    message: str
    why: str
    help: str


def collisions(wanted: Netns, occupied: Occupied) -> tuple[Collision, ...]:
    """Everything that is in the way, interfaces first."""
    return (*_names(wanted, occupied), *_addresses(wanted, occupied), *_tables(wanted, occupied))


def published(topology: Topology, listeners: Sequence[Listener]) -> tuple[Collision, ...]:
    """Ports that the lab would take from programs of the machine: a published port is translated before anybody on it could listen."""
    found = []
    for node in topology.nodes:
        for one in node.publish:
            heard = next((listener for listener in listeners if _meets(one, listener)), None)
            if heard is not None:
                found.append(Collision(
                    node.name, f"{one.protocol} port {one.port} of the machine is in use", f"a program listens on {heard.address}, and the "
                    f"lab would publish it to {node.name}", "publish another port",
                ))
    return tuple(found)


def _meets(one: Publish, listener: Listener) -> bool:
    if (one.port, one.protocol) != (listener.port, listener.protocol) or listener.address.version not in one.versions():
        return False
    return one.anywhere() or listener.address.is_unspecified or one.address == listener.address


def _tables(wanted: Netns, occupied: Occupied) -> Iterator[Collision]:
    table = wanted.table
    if table is not None and (table.family, table.name) in occupied.tables:
        yield Collision(
            "nft", f"the machine has a table {table.family} {table.name} already", "it bears no mark of this lab",
            "rename the lab, or that table",
        )


def _names(wanted: Netns, occupied: Occupied) -> Iterator[Collision]:
    for link in wanted.links.values():
        if (what := occupied.names.get(link.name)) is not None:
            remedy = "give the network another name" if link.kind != "veth" else (
                "give that node another `port:` in the lab file" if link.master else "rename the lab, or that interface"
            )
            yield Collision(
                link.name, f"the machine has `{link.name}` already", f"it is {what}, not this lab's; vethlab leaves it alone", remedy,
            )


def _addresses(wanted: Netns, occupied: Occupied) -> Iterator[Collision]:
    for one in sorted(wanted.addresses, key=str):
        address = one.address
        if address.is_link_local:
            continue
        if (interface := occupied.addresses.get(address.ip)) is not None:
            yield Collision(
                one.interface, f"the machine has the address {address.ip} already", f"it is on {interface}",
                "give the network another subnet",
            )
            continue
        for destination, how in occupied.ways:
            if destination.version == address.version and destination.overlaps(address.network):
                yield Collision(
                    one.interface, f"the subnet {address.network} overlaps a route of the machine",
                    f"{destination}{' ' if how else ''}{how} is in its main table", "give the network another subnet",
                )
                break
