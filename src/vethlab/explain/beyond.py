"""Where a packet leaves the lab: an interface of the machine that is not the lab's, or the tap of a program that translates (pasta).

Enters: a travel at such an interface, and later what was seen; leaves: the way as far as it is ours, and a verdict that says where that
ends. Rule of the file: what is beyond has no cause that could be told. Whether it left, and whether anything came back, can.
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.explain.icmp import told
from vethlab.explain.scene import Scene
from vethlab.explain.travel import Travel
from vethlab.explain.way import Obstacle, Way
from vethlab.model.address import IP
from vethlab.model.finding import UNKNOWN, Evidence, Finding, Where
from vethlab.model.journey import IN, OUT, REPLY, REQUEST, SOLICIT, Observed
from vethlab.model.link import End

__all__ = ["comes_back", "leaves", "verdicts"]


def leaves(scene: Scene, way: Way, travel: Travel, sender: End, next_hop: IP) -> bool:
    """Whether what is sent here leaves the lab; the way is told so."""
    wire = scene.wire(sender)
    if wire is None or not wire.beyond:
        return False
    where = Where(sender.netns, sender.interface, "neighbour")
    asked = Evidence("configuration", f"{sender} leads out of the lab: who else is there is not known")
    if _asks(scene, sender, next_hop):
        way.passes(sender, OUT, SOLICIT, next_hop)
    way.suspect(Finding("neighbour-unresolved", where, f"nobody answers {sender} for {next_hop}", evidence=(asked,)))
    way.passes(sender, OUT, travel.what)
    way.left, way.left_from = sender, travel.source
    way.left_at = len(way.points) - 1
    return True


def _asks(scene: Scene, sender: End, next_hop: IP) -> bool:
    """Whether the kernel has to ask for the neighbour first."""
    interface, snapshot = scene.interface(sender), scene.snapshots[sender.netns]
    known = any(one.valid and (one.interface, one.address) == (sender.interface, next_hop) for one in snapshot.neighbours)
    return interface is not None and interface.arp and not known


def comes_back(way: Way, left: End) -> None:
    """The answer would be seen there first."""
    way.passes(left, IN, REPLY)


def verdicts(way: Way, observed: Observed, last: int) -> Iterator[Obstacle]:
    """What is to be said of a packet that was seen leaving the lab: what came back, or that nothing did."""
    if way.left is None or last < way.left_at:
        return
    target = way.flow.dst.address if way.flow is not None else None
    if last > way.left_at and not observed.refused:
        return  # the answer is in the lab again
    if not observed.refused and not observed.errors and not _hid(way, observed):
        yield from (one for one in way.obstacles if one.at == way.left_at + 1 and not one.suspect)
    yield from (found for error in observed.errors if (found := told(error, way, observed, last)) is not None)
    came = "from there it was refused" if observed.refused else "nothing came back"
    says = Evidence("observation", f"{way.left} is no interface of the lab alone: where frames go from there is not known")
    yield Obstacle(last + 1, Finding(
        "unknown", Where(way.left.netns, way.left.interface, "egress"),
        f"the packet left the lab by {way.left} for {target}, and {came}: what is beyond is not the lab's", grade=UNKNOWN, evidence=(says,),
    ))


def _hid(way: Way, observed: Observed) -> bool:
    """Whether it was seen leaving under another address than was foretold: somebody translates it by rules that were not understood."""
    gone = [one for one in observed.sightings if (one.what, one.direction) == (REQUEST, OUT)]
    return any(one.sender not in {None, way.left_from} for one in gone if way.left == End(one.node, one.interface))
