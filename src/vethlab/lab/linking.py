"""Live changes of links: down and up, narrow and slow, one more and one less.

Enters: a running lab and what is asked; leaves: what was done, and the commands that take it back. Rule of the file: the running lab is
changed and nothing else of it, drift included; without `write` what the lab file says stays as it is, so that `plan` shows the change and
`up` takes it back.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from vethlab import spec
from vethlab.apply import Goal, converge
from vethlab.change import AddMacvlan, AddNetns, AddVeth
from vethlab.errors import NotFoundError, UsageError
from vethlab.lab.requirements import require
from vethlab.lab.undo import undoing
from vethlab.model.link import End
from vethlab.plan.delta import lowered, raised, settled, shifted
from vethlab.plan.diff import EXTRA, MISSING, NEW, diff

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vethlab.change import Change
    from vethlab.lab.session import Session
    from vethlab.model.finding import Command
    from vethlab.model.shaping import Shaping
    from vethlab.model.state import State
    from vethlab.model.topology import Topology
    from vethlab.spec.segment_edits import Spot

ASKED = "asked for"
__all__ = ["LinkWish", "Linked", "change"]


@dataclass(frozen=True, slots=True)
class LinkWish:
    """What is asked of a link: its ends (or a network's name, or none for a new one), and what should be.

    `up`: of the first end; `said`: keys as a lab file has them (mtu, rate, delay, loss); `add`: END -- END.
    """

    ends: tuple[str, ...] = ()
    up: bool | None = None
    said: Mapping[str, str] = field(default_factory=dict)
    add: str = ""
    remove: bool = False
    write: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Linked:
    """What was done, or (`dry_run`) would be.

    `undo` is empty where no command line makes it again: namespaces of a lab have no names, and a pair needs one. `wrote`: the file that
    was edited, empty if none was; `declared` is what it means then, `text` what it says.
    """

    changes: tuple[Change, ...]
    undo: tuple[Command, ...] = ()
    wrote: str = ""
    dry_run: bool = False
    declared: Topology | None = None
    text: str = ""


def change(session: Session, topology: Topology, asked: LinkWish) -> Linked:
    """Do it, all or nothing. NotFoundError for ends that no link has, UsageError for what makes no sense there."""
    wanted, end, where = _wanted(topology, asked)
    require(wanted, session.held.keeper.mode)
    file, text = _edited(session, topology, wanted, asked, where) if asked.write else ("", "")
    held = session.held
    if held.detached:
        held.keeper.lock()
    try:
        before = settled(session.compare(topology)[0])
        goal = _goal(session, before, (topology, wanted), end, up=asked.up)
        planned = diff(before, goal)
        if asked.dry_run or not planned:
            return Linked(_wished(planned), dry_run=asked.dry_run)
        done = converge(session.kernel, before, Goal(goal))
        after = settled(session.kernel.read(sorted(session.kernel.names()), Goal(before).sysctls()))
        again = any(isinstance(one, AddNetns | AddVeth | AddMacvlan) for one in diff(after, before))
        back = () if again else undoing(before, after, ())
        if asked.write:
            wanted = spec.loads(text, file)
            session.settle(wanted, text)
    finally:
        if held.detached:
            held.keeper.unlock()
    if asked.write:
        from vethlab.spec.file import write_text  # noqa: PLC0415 - only for --write

        write_text(file, text)
    return Linked(_wished(done), back, file, declared=wanted if asked.write else None, text=text)


def _wished(changes: Sequence[Change]) -> tuple[Change, ...]:
    """With the one reason that they have: no file was asked."""
    return tuple(replace(one, reason=ASKED) if one.reason in {NEW, MISSING, EXTRA} else one for one in changes)


def _goal(session: Session, before: State, said: tuple[Topology, Topology], end: End | None, *, up: bool | None) -> State:
    old, new = (session.desired(one) for one in said)
    if end is None or up is None:
        return shifted(before, old, new)
    if end.interface not in before.netns[end.netns].links:
        raise NotFoundError(f"no interface `{end.interface}` in `{end.netns}`", where=str(end), slug="no-such-interface",
                            help="it was taken away by hand: `vethlab plan` shows it, `vethlab up` makes it again")
    return raised(before, new, end) if up else lowered(before, end)


def _wanted(topology: Topology, asked: LinkWish) -> tuple[Topology, End | None, Spot | None]:
    """What the lab should be declared as, and the end that goes up or down."""
    if asked.add:
        draft = spec.Draft.of(topology)
        left, separator, right = asked.add.partition(" -- ")
        if not separator:
            raise UsageError(f"a link is END -- END, this is `{asked.add}`", help='for example --add "a 10.0.0.1/24 -- b 10.0.0.2/24"')
        keys: dict[str, Any] = {key: int(value) if key == "mtu" else value for key, value in asked.said.items()}
        draft.link(left, right, **keys)
        return draft.topology(), None, None
    where, end = _found(topology, asked.ends)
    if asked.remove:
        return _without(topology, where), None, where
    if not asked.said:
        return topology, end, where
    if where.kind == "networks" and len(asked.ends) > 1:
        name = topology.networks[where.number].name
        raise UsageError(f"{', '.join(asked.said)} of network `{name}` is for all its nodes", help=f"vethlab link {name} ...")
    one = (topology.networks if where.kind == "networks" else topology.cables)[where.number]
    changed: dict[str, Any] = {"shaping": _shaping(one.shaping, asked.said)}
    if "mtu" in asked.said:
        changed["mtu"] = int(asked.said["mtu"])
    return where.with_segment(topology, **changed), end, where


def _shaping(now: Shaping, said: Mapping[str, str]) -> Shaping:
    """What the keys come to, read as a lab file's."""
    keys = {key: value for key, value in said.items() if key != "mtu"}
    if not keys:
        return now
    read = spec.Draft("x").link("a", "b", **keys).topology().cables[0].shaping
    return replace(now, **{key: getattr(read, key) for key in keys})


def _without(topology: Topology, where: Spot) -> Topology:
    if where.kind == "networks":
        raise UsageError("a node's place on a network cannot be removed alone", help="edit the lab file and say `vethlab up`")
    cables = tuple(cable for number, cable in enumerate(topology.cables) if number != where.number)
    return replace(topology, cables=cables)


def _found(topology: Topology, ends: tuple[str, ...]) -> tuple[Spot, End | None]:
    """The link between two ends, or a node's place on a network, or a network."""
    from vethlab.spec.segment_edits import LINKS, NETWORKS, Spot  # noqa: PLC0415 - the file's editing machinery

    names = [network.name for network in topology.networks]
    if len(ends) == 1 and ends[0] in names:
        return Spot(NETWORKS, names.index(ends[0]), -1), None
    if len(ends) != 2:
        said = f"`{ends[0]}` is not a network of the lab" if len(ends) == 1 else "a link has two ends"
        raise UsageError(said, help="vethlab link A B, or the name of a network")
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


def _on_network(topology: Topology, node: str, name: str) -> tuple[Spot, End]:
    from vethlab.spec.segment_edits import NETWORKS, Spot  # noqa: PLC0415

    number = next(at for at, network in enumerate(topology.networks) if network.name == name)
    for place, port in enumerate(topology.networks[number].ports):
        if node in {port.endpoint.node, str(port.endpoint)}:
            return Spot(NETWORKS, number, place), End(port.endpoint.node, port.endpoint.interface)
    raise NotFoundError(f"`{node}` is not on network `{name}`", where=name, slug="no-such-link", help="`vethlab show` lists the interfaces")


def _sentence(wanted: Topology) -> str:
    """The new link with its interfaces named: unnamed ones would be numbered before those of networks, and rename them."""
    return " -- ".join(" ".join([str(end), *map(str, end.addresses)]) for end in (wanted.cables[-1].left, wanted.cables[-1].right))


def _edited(session: Session, old: Topology, wanted: Topology, asked: LinkWish, where: Spot | None) -> tuple[str, str]:
    """The lab file and what it will say, before anything is touched."""
    from vethlab.spec import link_edits  # noqa: PLC0415 - only for --write
    from vethlab.spec.edit import Unsaid  # noqa: PLC0415
    from vethlab.spec.file import read_text  # noqa: PLC0415

    file = session.held.record.file
    if not file or not os.path.exists(file):  # noqa: PTH110 - as in the facade
        raise UsageError("the lab has no file to write to", slug="file", help="leave --write away")
    if asked.up is not None:
        raise UsageError("a lab file has no word for an interface that is down", help="leave --write away")
    text = read_text(file)
    if spec.loads(text, file) != old:
        raise UsageError(f"{file} says something else than the running lab was brought up with", slug="file", help="vethlab up, then again")
    try:
        if asked.add:
            return file, link_edits.add_link(text, _sentence(wanted), asked.said, wanted)
        if asked.remove and where is not None:
            return file, link_edits.remove_link(text, where.number, wanted)
        return file, text if where is None else link_edits.set_keys(text, where, asked.said, wanted)
    except Unsaid as unsaid:
        raise UsageError(f"the lab file cannot say so: {unsaid}", where=file, slug="file", help="leave --write away, or edit it") from None
