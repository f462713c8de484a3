"""What a lab would take that the machine has already: names, addresses, subnets (`host: machine`).

Enter: what the lab wants in the machine's namespace and what others have there; leave: Collisions, none if there is room. Rule of the
file: nothing of the machine's is ever moved out of the way, so every collision is found before anything is touched. A subnet inside a
route of the machine's is one too: the lab's more specific route would take that route's packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vethlab.model.occupied import Occupied
from vethlab.model.state import Netns


@dataclass(frozen=True, slots=True)
class Collision:
    """One thing that two would have. `interface`: the lab's."""

    interface: str
    message: str
    why: str
    help: str


def collisions(wanted: Netns, occupied: Occupied) -> tuple[Collision, ...]:
    """Everything that is in the way, interfaces first."""
    return (*_names(wanted, occupied), *_addresses(wanted, occupied))


def _names(wanted: Netns, occupied: Occupied) -> Iterator[Collision]:
    for link in wanted.links.values():
        if (what := occupied.names.get(link.name)) is not None:
            remedy = "give that node another `port:` in the lab file" if link.kind == "veth" else "give the network another name"
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
