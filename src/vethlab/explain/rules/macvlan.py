"""Macvlans and the interface they stand on: what it takes to be heard by the others there.

Enters: a macvlan that sends and one that should hear it; leaves: findings. Rule of the file: what drivers/net/macvlan.c
macvlan_queue_xmit and macvlan_broadcast check; that the parent is down is told by rules/link.py, like any cable.
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.explain import fixes
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.segment import TOGETHER
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.link import End

__all__ = ["apart", "narrow", "parent"]



def parent(scene: Scene, end: End) -> End | None:
    """What a macvlan stands on; None for anything else."""
    wire = scene.wire(end)
    return None if wire is None else wire.lower


def apart(scene: Scene, sender: End | None, receiver: End) -> Iterator[Finding]:
    """Two on one parent hear each other if both are in bridge mode."""
    if sender is None or parent(scene, sender) is None or parent(scene, sender) != parent(scene, receiver):
        return
    for end in (sender, receiver):
        wire = scene.wire(end)
        if wire is not None and wire.mode != TOGETHER:
            remedy = fixes.command(
                end.netns, "ip", "link", "set", "dev", end.interface, "type", "macvlan", "mode", TOGETHER,
                undo=(("ip", "link", "set", "dev", end.interface, "type", "macvlan", "mode", wire.mode or "private"),),
            )
            yield Finding(
                "port-isolated", Where(end.netns, end.interface, "link"),
                f"{end} is a macvlan in {wire.mode} mode: it neither speaks to the others on {wire.lower} nor hears them",
                evidence=(Evidence("configuration", f"the mode of {end} is {wire.mode}; only macvlans in bridge mode reach each other"),),
                fixes=(fixes.fix(f"set the mode of {end} to {TOGETHER}", remedy),),
            )


def narrow(scene: Scene, end: End, length: int) -> Asking[Finding | None]:
    """A packet that does not fit a macvlan because it does not fit its parent, whose MTU is everybody's most (macvlan_device_event)."""
    under = parent(scene, end)
    if under is None:
        return None
    yield from scene.look(under.netns)
    below = scene.interface(under)
    if below is None or below.mtu >= length:
        return None
    value = max(1500, length)
    ends = (under, *scene.uppers(under))
    raised = [fixes.command(one.netns, "ip", "link", "set", "dev", one.interface, "mtu", str(value)) for one in ends]
    return Finding(
        "mtu-exceeded", Where(under.netns, under.interface, "link"),
        f"{length} bytes do not fit {end}, which stands on {under} with MTU {below.mtu}, and may not be cut",
        evidence=(Evidence("configuration", f"MTU of {under} is {below.mtu}; nothing that stands on it has a larger one"),),
        fixes=(fixes.fix(f"raise the MTU of {under} and of what stands on it to {value}", *raised),),
    )
