"""What a live change asks for, as a lab: which link, place or node is meant, and what the lab is once it is so.

Enters: the lab as it is meant now, and a wish; leaves: the lab as it is wanted. Rule of the file: values only, nothing is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from vethlab import spec
from vethlab.errors import NotFoundError, SpecErrors, UsageError
from vethlab.model.link import End
from vethlab.model.shaping import Shaping
from vethlab.model.topology import Topology
from vethlab.spec import membership
from vethlab.spec.membership import Gone
from vethlab.spec.mistakes import did_you_mean
from vethlab.spec.segment_edits import LINKS, NETWORKS, Spot

__all__ = ["LinkWish", "Wanted", "wanted"]


@dataclass(frozen=True, slots=True)
class LinkWish:
    """What is asked of a link: its ends (a network's or a node's name alone, or none for a new one), and what should be.

    `up`: of the first end; `said`: keys as a lab file has them (mtu, rate, delay, loss); `add`: END -- END, or END -- NETWORK.
    """

    ends: tuple[str, ...] = ()
    up: bool | None = None
    said: Mapping[str, str] = field(default_factory=dict)
    add: str = ""
    remove: bool = False
    write: bool = False
    dry_run: bool = False


class Wanted(NamedTuple):
    """The lab as it is wanted.

    `end`: what goes up or down; `where`: what keys are said of; `gone`: what is taken out; `joined`: the network that the new place is
    on; `along`: what had to go with what was asked to go, a sentence each.
    """

    topology: Topology
    end: End | None = None
    where: Spot | None = None
    gone: Gone | None = None
    joined: str = ""
    along: tuple[str, ...] = ()


def wanted(now: Topology, asked: LinkWish) -> Wanted:
    """NotFoundError for ends that no link has, UsageError for what makes no sense there."""
    try:
        return _wanted(now, asked)
    except SpecErrors as errors:  # said of a lab that stands in no file
        first = errors.errors[0]
        raise UsageError(first.message, why=first.why, help=first.help, slug=first.slug) from None


def _wanted(now: Topology, asked: LinkWish) -> Wanted:
    if asked.add:
        return _added(now, asked)
    if asked.remove:
        gone = _gone(now, asked.ends)
        rest, along = membership.without(now, gone)
        return Wanted(rest, gone=gone, along=along)
    where, end = _found(now, asked.ends)
    if not asked.said:
        return Wanted(now, end, where)
    if where.kind == NETWORKS and len(asked.ends) > 1:
        name = now.networks[where.number].name
        raise UsageError(f"{', '.join(asked.said)} of network `{name}` is for all its nodes", help=f"vethlab link {name} ...")
    one = (now.networks if where.kind == NETWORKS else now.cables)[where.number]
    changed: dict[str, Any] = {"shaping": _shaping(one.shaping, asked.said)}
    if "mtu" in asked.said:
        changed["mtu"] = int(asked.said["mtu"])
    topology = where.with_segment(now, **changed)
    spec.loads(spec.to_yaml(topology))  # it is kept as a file has it: what no file may say would be read by nobody afterwards
    return Wanted(topology, end, where)


def _added(now: Topology, asked: LinkWish) -> Wanted:
    left, separator, right = (part.strip() for part in asked.add.partition(" -- "))
    networks = [network.name for network in now.networks]
    if not (separator and left and right):
        raise UsageError(f"a link is END -- END, this is `{asked.add}`", help='for example --add "a 10.0.0.1/24 -- b 10.0.0.2/24"')
    if left in networks and right in networks:
        raise UsageError("both ends are networks", where=asked.add, help="a link joins two nodes, or a node and a network")
    if left in networks:
        left, right = right, left
    if right not in networks:
        keys: dict[str, Any] = {key: int(value) if key == "mtu" else value for key, value in asked.said.items()}
        return Wanted(membership.with_link(now, left, right, keys))
    if asked.said:
        raise UsageError(f"{', '.join(asked.said)} of network `{right}` is for all its nodes", help=f"vethlab link {right} ...")
    return Wanted(membership.with_place(now, left, right), joined=right)


def _gone(now: Topology, ends: tuple[str, ...]) -> Gone:
    if len(ends) == 1 and ends[0] in [network.name for network in now.networks]:
        raise UsageError(f"`{ends[0]}` is a network", help=f"vethlab link NODE {ends[0]} --remove takes one node off it")
    if len(ends) == 1:
        return membership.node_of(now, ends[0])
    where, end = _found(now, ends)
    if where.kind == LINKS or end is None:
        return membership.cable_of(where.number)
    return membership.place_of(now, now.networks[where.number].name, end.netns)


def _shaping(now: Shaping, said: Mapping[str, str]) -> Shaping:
    """What the keys come to, read as a lab file's."""
    keys = {key: value for key, value in said.items() if key != "mtu"}
    if not keys:
        return now
    read = spec.Draft("x").link("a", "b", **keys).topology().cables[0].shaping
    return replace(now, **{key: getattr(read, key) for key in keys})


def _found(topology: Topology, ends: tuple[str, ...]) -> tuple[Spot, End | None]:
    """The link between two ends, or a node's place on a network, or a network."""
    names = [network.name for network in topology.networks]
    if len(ends) == 1 and ends[0] in names:
        return Spot(NETWORKS, names.index(ends[0]), -1), None
    if len(ends) != 2:
        said = f"`{ends[0]}` is not a network of the lab" if len(ends) == 1 else "a link has two ends"
        raise UsageError(said, help="vethlab link A B, or the name of a network")
    _known(topology, ends)
    if ends[1] in names or ends[0] in names:
        return _on_network(topology, *(ends if ends[1] in names else ends[::-1]))
    found = [
        (Spot(LINKS, number, place), End(near.node, near.interface))
        for number, cable in enumerate(topology.cables)
        for place, (near, far) in enumerate(((cable.left, cable.right), (cable.right, cable.left)))
        if ends[0] in {near.node, str(near)} and ends[1] in {far.node, str(far)}
    ]
    if len(found) > 1 and len({one.number for one, _ in found}) > 1:
        raise UsageError(f"{len(found)} links join {ends[0]} and {ends[1]}", help=f"name the interface: {found[0][1]}", slug="which-link")
    if not found:
        raise NotFoundError(f"no link joins {ends[0]} and {ends[1]}", where=" ".join(ends), slug="no-such-link",
                            help="`vethlab show` lists them; a place on a network is `vethlab link NODE NETWORK`")
    return found[0]


def _known(topology: Topology, ends: tuple[str, ...]) -> None:
    nodes = [node.name for node in topology.nodes]
    known = {*nodes, *[network.name for network in topology.networks]}
    for end in ends:
        name = end.partition(":")[0]
        if name not in known:
            raise NotFoundError(f"the lab has no node `{name}`", where=name, slug="no-such-node",
                                help=did_you_mean(name, nodes, "`vethlab show` lists them"))


def _on_network(topology: Topology, node: str, name: str) -> tuple[Spot, End]:
    number = next(at for at, network in enumerate(topology.networks) if network.name == name)
    for place, port in enumerate(topology.networks[number].ports):
        if node in {port.endpoint.node, str(port.endpoint)}:
            return Spot(NETWORKS, number, place), End(port.endpoint.node, port.endpoint.interface)
    raise NotFoundError(f"`{node}` is not on network `{name}`", where=name, slug="no-such-link", help="`vethlab show` lists the interfaces")
