"""`tuned: true`: larger segments on every interface of a link or network.

Enters: a cable or network whose links are made; leaves: the same links with BIG TCP. Rule of the file: what packets look like stays as it
is, the MTU included; only what stays whole inside the kernel grows (docs/decisions/tuned-is-big-tcp.md).
"""

from __future__ import annotations

from dataclasses import replace

from vethlab.model.link import End
from vethlab.model.names import parent_name
from vethlab.model.topology import Cable, Network
from vethlab.plan.spaces import Spaces

SEGMENT = 196608  # three times the usual: larger ones gain no more (measured), and skbs of theirs are hard to come by


def cable(spaces: Spaces, one: Cable) -> None:
    """Both ends."""
    if one.tuned:
        for end in (one.left, one.right):
            _put(spaces, End(end.node, end.interface))


def network(spaces: Spaces, one: Network) -> None:
    """The nodes, the host's ports for them, its own interface, and what macvlans stand on."""
    if one.tuned:
        for port in one.ports:
            _put(spaces, End(port.endpoint.node, port.endpoint.interface))
        for host in one.hosts:
            for name in (one.name, parent_name(one.name), *(port.name for port in one.ports)):
                _put(spaces, End(host, name))


def _put(spaces: Spaces, end: End) -> None:
    links = spaces.links[end.netns]
    if end.interface in links:
        links[end.interface] = replace(links[end.interface], gso=SEGMENT)
