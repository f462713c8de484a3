"""What is outside of a lab: a namespace behind its host that answers to an address of the documentation ranges.

Enters: a topology that has a world; leaves: the cable to it. Rule of the file: nothing of the real machine. The world knows the
host's own address and no other of the lab, as the internet knows no private subnet: only what the host translates comes back.
"""

from __future__ import annotations

from dataclasses import replace

from vethlab.model.address import IPNetwork, IPv4Network, IPv6Network
from vethlab.model.link import End
from vethlab.model.names import HOST, WORLD
from vethlab.model.outside import FAR, NEAR, OUTSIDE, UPLINK
from vethlab.model.route import NextHop, Route
from vethlab.model.topology import Cable, Endpoint, Node, Topology
from vethlab.plan.spaces import Spaces

_DEFAULT: dict[int, IPNetwork] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}
CABLE = Cable(Endpoint(HOST, UPLINK, NEAR), Endpoint(WORLD, "eth0", FAR))


def node(topology: Topology) -> Node | None:
    """The world as a node among others, with the addresses that it answers to."""
    return Node(WORLD, loopbacks=OUTSIDE) if topology.has_world else None


def add(spaces: Spaces) -> None:
    """The cable between host and world."""
    for end, other in ((CABLE.left, CABLE.right), (CABLE.right, CABLE.left)):
        addresses = tuple(one for one in end.addresses if one.version == 4 or spaces.ipv6)
        spaces.interface(replace(end, addresses=addresses), End(other.node, other.interface), CABLE.mtu)


def routes(topology: Topology, *, ipv6: bool) -> tuple[Route, ...]:
    """The host's default routes: what is not in the lab is outside. The real machine has its own: there only the world itself."""
    if not topology.has_world:
        return ()
    led = {one.version: one.network for one in OUTSIDE} if topology.joins_machine else _DEFAULT
    return tuple(Route(led[one.version], (NextHop(one.ip),)) for one in FAR if one.version == 4 or ipv6)
