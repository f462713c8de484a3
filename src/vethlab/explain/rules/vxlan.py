"""VXLAN devices: does the sender know where the frame goes, and does the receiver take it?

Enters: the device that sends, the one that should get the frame; leaves: findings. Rule of the file: what drivers/net/vxlan checks: on the
way out vxlan_xmit looks the MAC up, then the all-zero entry; on the way in the UDP port has to be open (vxlan_open_sock) and the vni to be
one of a device behind it (vxlan_rcv). Of two devices that disagree, the one that is not as the lab file says is at fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from vethlab.explain import fixes
from vethlab.explain.scene import Scene
from vethlab.model.address import IP
from vethlab.model.fdb import UNKNOWN_MAC, Forward
from vethlab.model.finding import Evidence, Finding, Fix, Where
from vethlab.model.link import End, Vxlan
from vethlab.model.snapshot import Drift

__all__ = ["Leads", "differ", "leads", "settings", "strangers", "unknown"]


class Leads(NamedTuple):
    """Where a device sends a frame that should get to a receiver. `right`: to an address of the receiver's node.

    `target` is the address, the meant one where nothing leads there and the lab file names one; None where nobody knows. `group`: it is
    sent to that, which reaches the target too.
    """

    target: IP | None
    port: int
    vni: int
    right: bool
    entry: Forward | None = None
    group: IP | None = None
    mac: str = ""  # for whom the frame is; empty: for everybody
    others: tuple[Forward, ...] = ()


def settings(scene: Scene, end: End) -> Vxlan | None:
    """The device as it is."""
    interface = scene.interface(end)
    return None if interface is None else interface.vxlan


def differ(scene: Scene, sender: End, receiver: End) -> bool:
    """Whether two devices do not talk to each other by what they are."""
    here, there = settings(scene, sender), settings(scene, receiver)
    return here is not None and there is not None and (here.vni, here.port, here.group) != (there.vni, there.port, there.group)


def leads(scene: Scene, device: Vxlan, sender: End, receiver: End, mac: str) -> Leads:
    """What the table of the sender, a `device`, makes of a frame; `mac` empty: a broadcast."""
    held = [one for one in scene.snapshots[sender.netns].forwards if one.interface == sender.interface]
    exact = [one for one in held if mac and one.mac == mac]
    found = exact or [one for one in held if one.mac == UNKNOWN_MAC]
    home = {address.address.ip for address in scene.snapshots[receiver.netns].addresses}
    meant = dict(tunnel.remotes).get(receiver) if (tunnel := scene.wiring.tunnels.get(sender)) is not None else None
    right = next((one for one in found if one.remote in home), None)
    if right is not None:
        return Leads(right.remote, right.port or device.port, right.vni or device.vni, right=True, entry=right, mac=mac)
    if not found and device.group is not None:  # the group is as good as an address of each: it is sent out of one interface
        far = settings(scene, receiver)
        joined = far is not None and far.group == device.group and not any(_elsewhere(scene, end) for end in (sender, receiver))
        return Leads(meant if joined else None, device.port, device.vni, right=joined, group=device.group, mac=mac)
    return Leads(meant, device.port, device.vni, right=False, mac=mac, others=tuple(found))


def _elsewhere(scene: Scene, end: End) -> str:
    """By which interface a device has to do with its group, if that is not the one of the lab file; else empty."""
    tunnel, interface = scene.wiring.tunnels.get(end), scene.interface(end)
    meant, lower = getattr(tunnel, "lower", None), getattr(interface, "lower", None)
    return "" if meant is None or meant == lower else f"by {lower or 'whatever the route says'} and not by {meant}"


def unknown(scene: Scene, sender: End, receiver: End, found: Leads, drift: tuple[Drift, ...]) -> Iterator[Finding]:
    """No entry leads to the receiver. Of two devices in different groups the one that is not as the lab file says is at fault."""
    if found.right:
        return
    summary, says = _unled(sender, receiver, found)
    at = sender if found.group is None else _at_fault(scene, sender, receiver, "group")
    astray = next((end for end in (sender, receiver) if found.group is not None and _elsewhere(scene, end)), None)
    if astray is not None:
        at = astray
        summary = says = f"{at} {'sends to' if at == sender else 'has joined'} the group {found.group} {_elsewhere(scene, at)}"
    rebuilt = () if found.group is None else tuple(_rebuilt(at, drift))
    yield Finding(
        "vxlan-no-fdb", Where(at.netns, at.interface, "egress" if at == sender else "ingress"), summary,
        evidence=(Evidence("configuration", says),), fixes=rebuilt or tuple(_entries(sender, found)),
    )


def _unled(sender: End, receiver: End, found: Leads) -> tuple[str, str]:
    """What the sender does with such frames, and what says so."""
    whose = f"frames for {found.mac}" if found.mac else "broadcasts"
    if found.others:
        wrong = found.others[0]
        places = ", ".join(str(one.remote) for one in found.others)
        return f"{sender} sends {whose} to {places}, and {receiver.netns} is not there", f"fdb of {sender}: {wrong.mac} dst {wrong.remote}"
    if found.group is not None:
        summary = f"{sender} sends {whose} to {found.group}, a group that {receiver} has not joined"
        return summary, f"the group of {sender} is {found.group}"
    summary = f"{sender} does not know where {whose} go: no entry leads to {receiver.netns}"
    return summary, f"fdb of {sender}: no entry for {found.mac or UNKNOWN_MAC}"


def _entries(sender: End, found: Leads) -> Iterator[Fix]:
    """The entry that leads there, in place of one that leads elsewhere."""
    if found.target is None:
        return
    tail = ("dev", sender.interface, "dst", str(found.target), "self", "permanent")
    remove = ("bridge", "fdb", "delete", UNKNOWN_MAC, "dev", sender.interface, "dst", str(found.target), "self")
    wrong = [one for one in found.others if one.mac != UNKNOWN_MAC]
    if wrong:
        back = ("bridge", "fdb", "replace", wrong[0].mac, "dev", sender.interface, "dst", str(wrong[0].remote), "self", "permanent")
        yield fixes.fix(
            f"let {sender} send frames for {found.mac} to {found.target}",
            fixes.command(sender.netns, "bridge", "fdb", "replace", wrong[0].mac, *tail, undo=(back,)),
        )
        return
    yield fixes.fix(
        f"let {sender} send what is for everybody to {found.target} too",
        fixes.command(sender.netns, "bridge", "fdb", "append", UNKNOWN_MAC, *tail, undo=(remove,)),
    )


def strangers(scene: Scene, sender: End, receiver: End, found: Leads, drift: tuple[Drift, ...]) -> Iterator[Finding]:
    """The packet comes to the receiver's node: does a socket take it, and does the receiver know its vni?"""
    there = settings(scene, receiver)
    if there is None:
        return
    for slug, word, said, heard in (
        ("vxlan-port-mismatch", "UDP port", found.port, there.port), ("vxlan-vni-mismatch", "vni", found.vni, there.vni),
    ):
        if said == heard:
            continue
        at = _at_fault(scene, sender, receiver, word)
        evidence = Evidence("configuration", f"{sender} sends with {word} {said}, {receiver} listens to {heard}")
        yield Finding(
            slug, Where(at.netns, at.interface, "link"), f"{sender} sends with {word} {said}, and {receiver} has {heard}",
            evidence=(evidence,), fixes=tuple(_rebuilt(at, drift)) or tuple(_plain_entry(sender, found)),
        )


def _at_fault(scene: Scene, sender: End, receiver: End, word: str) -> End:
    """Whichever is not as the lab file says; the sender if both are, for then an entry of its says otherwise."""
    for end in (sender, receiver):
        tunnel, device = scene.wiring.tunnels.get(end), settings(scene, end)
        if tunnel is not None and device is not None and _value(tunnel.meant, word) != _value(device, word):
            return end
    return sender


def _value(device: Vxlan, word: str) -> int | IP | None:
    return {"vni": device.vni, "UDP port": device.port, "group": device.group}[word]


def _rebuilt(at: End, drift: tuple[Drift, ...]) -> Iterator[Fix]:
    """The kernel gives no device another vni or port: it is made anew, with its entries, as the lab file says."""
    own = [one for one in drift if one.node == at.netns and at.interface in one.subject.replace(":", " ").split()]
    commands = [fixes.command(at.netns, *argv) for one in own for argv in one.commands]
    if commands:
        yield fixes.fix(f"make {at} anew, as the lab file says", *commands)


def _plain_entry(sender: End, found: Leads) -> Iterator[Fix]:
    """An entry with a port or vni of its own that the receiver does not have."""
    entry = found.entry
    if entry is None or (entry.port is None and entry.vni is None):
        return
    own = (*(("port", str(entry.port)) if entry.port else ()), *(("vni", str(entry.vni)) if entry.vni else ()))
    head, tail = ("dev", sender.interface, "dst", str(entry.remote)), ("self", "permanent")
    again = "append" if entry.mac == UNKNOWN_MAC else "replace"
    back = (("bridge", "fdb", "delete", entry.mac, *head, "self"), ("bridge", "fdb", again, entry.mac, *head, *own, *tail))
    yield fixes.fix(
        f"let the entry for {entry.mac} of {sender} be without port and vni of its own",
        fixes.command(sender.netns, "bridge", "fdb", "delete", entry.mac, *head, *own, "self", undo=back),
        fixes.command(sender.netns, "bridge", "fdb", again, entry.mac, *head, *tail),
    )
