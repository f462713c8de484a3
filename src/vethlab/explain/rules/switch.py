"""Open vSwitch: is an interface a port of it, and does it send this frame out of that one?

Enters: a switch, the port a frame came in by and the one it should leave by; leaves: findings. Rule of the file: the switch is asked
(ofproto/trace runs a frame through its tables without sending it); what it answers is explained by its configuration.
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.explain import fixes
from vethlab.explain.questions import Forward, Forwarded
from vethlab.explain.rules import link, port_flags
from vethlab.explain.rules.bridge import Frame
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.segment import Track
from vethlab.model.finding import Command, Evidence, Finding, Where
from vethlab.model.journey import REPLY, REQUEST
from vethlab.model.link import End
from vethlab.model.switch import SwitchPort, SwitchSeen

__all__ = ["entering", "leaving", "unchecked"]

MODES = {
    "native-tagged": "what leaves by it bears a VLAN header, which a node without VLANs does not take",
    "trunk": "its tag counts for nothing in this mode",
}
UNPLUGGED = "ovs-port-missing"


def entering(scene: Scene, port: End, bridge: End) -> Iterator[Finding]:
    """A frame has come to an interface: does the switch read it?"""
    yield from _unread(scene, port, bridge)
    if scene.bridge_of(port) == bridge:
        yield from port_flags.deaf(scene.wiring.switches[bridge], port, bridge)


def leaving(scene: Scene, came: End | None, port: End, bridge: End, frame: Frame) -> Asking[list[Finding]]:
    """The switch should send a frame out of a port, which is its own interface where it is for the host; `came` None: from there."""
    seen = scene.wiring.switches[bridge]
    found = list(_unread(scene, port, bridge))
    if found or not seen.running:
        return found
    found += link.departure(scene, port)
    told = came is not None and came != bridge and (scene.bridge_of(came) != bridge or any(port_flags.deaf(seen, came, bridge)))
    came = came or bridge
    stuck = [*(port_flags.deaf(seen, bridge, bridge) if came == bridge else ()), *port_flags.mute(seen, port, bridge)]
    if told or stuck:
        return [*found, *stuck]  # what else it might do with the frame is nothing that could be asked
    interface = scene.interface(port)
    if interface is not None and frame.length > interface.mtu + link.VLAN_HEADER:
        found.append(link.too_small(port, interface, frame.length))
    held = [_held(one, bridge, seen) for one in (came, port) if one != bridge and seen.ports.get(one.interface, SwitchPort()).held]
    if held:
        return [*found, *held]
    match = ",".join(filter(None, (f"in_port={came.interface}", _hardware(frame), frame.match)))
    answer: Forwarded = yield Forward(bridge.netns, bridge.interface, match)
    if not answer.failed and port.interface not in answer.outputs:
        found += _why_not(seen, came, port, bridge, answer, frame)
    return found


def _unread(scene: Scene, port: End, bridge: End) -> Iterator[Finding]:
    """Whether the switch does not know the interface at all."""
    seen = scene.wiring.switches[bridge]
    if not seen.running:
        yield _dead(port, bridge)
    elif port != bridge and scene.bridge_of(port) != bridge:
        yield _missing(port, bridge, seen)


def unchecked(scene: Scene, sender: End, track: Track, frame: Frame) -> Finding | None:
    """A checksum that the sender leaves to hardware, and user space without segmentation offload passes on as it is."""
    bridge = next((step.bridge for step in track.steps if step.bridge is not None and scene.is_switch(step.bridge)), None)
    own = frame.what in {REQUEST, REPLY} and frame.match.startswith(("tcp", "udp"))  # VXLAN over IPv4 has no checksum (RFC 7348)
    if bridge is None or not own or sender not in scene.wiring.switches[bridge].offloading:
        return None
    says = f"{bridge} forwards in user space without userspace-tso-enable, and {sender} leaves transmit checksums to its device"
    ends = [sender, *[end for end in (track.steps[-1].end,) if end in scene.wiring.switches[bridge].offloading]]  # the answer needs it too
    off = [
        fixes.command(end.netns, "ethtool", "-K", end.interface, "tx", "off", undo=(("ethtool", "-K", end.interface, "tx", "on"),))
        for end in ends
    ]
    return Finding(
        "checksum-offload", Where(sender.netns, sender.interface, "egress"),
        f"{sender} sends packets whose checksum nobody fills in: the receiver drops them",
        evidence=(Evidence("configuration", says),),
        fixes=(fixes.fix(f"let {' and '.join(end.netns for end in ends)} fill checksums in themselves", *off),),
    )


def _hardware(frame: Frame) -> str:
    target = frame.mac or ("ff:ff:ff:ff:ff:ff" if frame.version == 4 else "33:33:00:00:00:01")
    return (f"dl_src={frame.source}," if frame.source else "") + f"dl_dst={target}"


def _dead(port: End, bridge: End) -> Finding:
    says = f"ovsdb-server or ovs-vswitchd of {bridge.netns} does not answer; `vethlab up` starts a lab's own anew"
    return Finding(
        UNPLUGGED, Where(port.netns, port.interface, "bridge"), f"nothing reads {port}: the Open vSwitch of {bridge.netns} does not run",
        evidence=(Evidence("configuration", says),),
    )


def _missing(port: End, bridge: End, seen: SwitchSeen) -> Finding:
    trouble = seen.troubles.get(port.interface)
    says = f"{port.interface} is in the database, and ovs-vswitchd says: {trouble}" if trouble else f"{bridge} has no port {port.interface}"
    again = ("ovs-vsctl", "--if-exists", "del-port", port.interface, "--") if trouble else ("ovs-vsctl", "--may-exist")
    declared = seen.declared.get(port.interface, SwitchPort())
    tag = () if declared.tag is None else (f"tag={declared.tag}",)
    add = fixes.command(port.netns, *again, "add-port", bridge.interface, port.interface, *tag)
    return Finding(
        UNPLUGGED, Where(port.netns, port.interface, "bridge"), f"{port} is not a port of the switch {bridge.interface}",
        evidence=(Evidence("configuration", says),), fixes=(fixes.fix(f"make {port} a port of {bridge.interface}", add),),
    )


def _why_not(
    seen: SwitchSeen, came: End, port: End, bridge: End, answer: Forwarded, frame: Frame,
) -> Iterator[Finding]:
    """By rules, VLANs, protected ports, a flag, or what it has learned of an address; what else stops a broadcast is not known here."""
    first, second = (seen.ports.get(one.interface, SwitchPort()) for one in (came, port))
    traced = Evidence("openflow-trace", "; ".join(answer.rules) or "no rule matches")
    if (answer.flooded if answer.plain else _floods(answer)) and (skipped := list(port_flags.passed_over(seen, port, bridge))):
        yield from skipped
        return
    if not answer.plain:
        yield _ruled(bridge, answer, traced)
    elif (odd := next((end for end, one in ((port, second), (came, first)) if _modal(one)), None)) is not None:
        yield _meant(odd, seen.ports[odd.interface], traced)
    elif first.tag != second.tag:
        yield _tagged(seen, came, port, first, second, traced)
    elif (closed := next((end for end, one in ((port, second), (came, first)) if _untrunked(one)), None)) is not None:
        yield _excluded(closed, seen, traced)
    elif first.isolated and second.isolated:
        yield _isolated(came, port)
    elif answer.outputs and frame.mac:
        yield _learned(bridge, port, answer, traced)


def _floods(answer: Forwarded) -> bool:
    """Whether a rule sends the frame to all ports that may be flooded."""
    return bool(answer.rules) and "FLOOD" in answer.rules[-1].rpartition(": ")[2].split(",")


def _ruled(bridge: End, answer: Forwarded, traced: Evidence) -> Finding:
    elsewhere = f"sends the frame to {', '.join(answer.outputs)}" if answer.outputs else "drops the frame"
    rule = answer.rules[-1] if answer.rules else "no rule"
    if answer.remove:
        remedy = fixes.fix(f"remove that OpenFlow rule of {bridge}", fixes.command(bridge.netns, *answer.remove), policy=True)
    else:
        add = ("ovs-ofctl", "add-flow", bridge.interface, "priority=0,actions=NORMAL")
        undo = ("ovs-ofctl", "--strict", "del-flows", bridge.interface, "priority=0")
        remedy = fixes.fix(f"let {bridge} forward what no rule matches", fixes.command(bridge.netns, *add, undo=(undo,)), policy=True)
    return Finding(
        "openflow-drop", Where(bridge.netns, bridge.interface, "bridge"), f"an OpenFlow rule of {bridge} {elsewhere} ({rule})",
        evidence=(traced,), fixes=(remedy,),
    )


def _tagged(seen: SwitchSeen, came: End, port: End, first: SwitchPort, second: SwitchPort, traced: Evidence) -> Finding:
    """Two access ports of different VLANs, or one of them on the trunk; the one that is not as the lab file says is at fault."""
    odd = next((
        (end, now) for end, now in ((port, second), (came, first))
        if end.interface in seen.declared and seen.declared[end.interface].tag != now.tag
    ), (port, second))
    right = first.tag if odd[0] == port else second.tag
    at, now = odd[0], odd[1].tag
    undo = ("ovs-vsctl", "clear", "Port", at.interface, "tag") if now is None else ("ovs-vsctl", "set", "Port", at.interface, f"tag={now}")
    words = ("ovs-vsctl", "clear", "Port", at.interface, "tag") if right is None else (
        "ovs-vsctl", "set", "Port", at.interface, f"tag={right}",
    )
    says = f"{came.interface} {_vlan(first)}, {port.interface} {_vlan(second)}"
    return Finding(
        "ovs-tag-mismatch", Where(at.netns, at.interface, "bridge"), f"{came} and {port} are in different VLANs: {says}",
        evidence=(Evidence("configuration", says), traced),
        fixes=(fixes.fix(f"put {at} into the VLAN of the other", fixes.command(at.netns, *words, undo=(undo,)), policy=True),),
    )


def _modal(port: SwitchPort) -> bool:
    """Whether the tag of a port does not mean what it says: it counts for nothing, or what leaves bears a VLAN header."""
    return port.tag is not None and port.mode in MODES


def _meant(port: End, now: SwitchPort, traced: Evidence) -> Finding:
    return Finding(
        "ovs-tag-mismatch", Where(port.netns, port.interface, "bridge"), f"{port} is no plain port of VLAN {now.tag}: {MODES[now.mode]}",
        evidence=(Evidence("configuration", f"vlan_mode of {port.interface} is {now.mode}, its tag {now.tag}"), traced),
        fixes=(fixes.fix(f"make {port} an access port of VLAN {now.tag}", _clear(port, "vlan_mode", now.mode), policy=True),),
    )


def _held(port: End, bridge: End, seen: SwitchSeen) -> Finding:
    """The spanning tree decides alone: a port forwards after twice the forward delay, or once it is off."""
    protocol, _, state = seen.ports[port.interface].held.partition(" ")
    head = ("ovs-vsctl", "set", "Bridge", bridge.interface)
    off = fixes.command(
        bridge.netns, *head, f"{protocol}_enable=false", undo=((*head, f"{protocol}_enable=true"),),
    )
    return Finding(
        "port-blocked", Where(port.netns, port.interface, "bridge"), f"port {port} is {state}, not forwarding",
        evidence=(Evidence("configuration", f"{protocol} of {bridge.interface} keeps {port.interface} {state}"),),
        fixes=(fixes.fix(f"let {bridge} do without {protocol}", off, policy=True),),
    )


def _untrunked(port: SwitchPort) -> bool:
    """Whether a port without a tag carries nothing that has none."""
    return port.tag is None and bool(port.trunks) and 0 not in port.trunks


def _excluded(port: End, seen: SwitchSeen, traced: Evidence) -> Finding:
    vlans = ",".join(str(one) for one in sorted(seen.ports[port.interface].trunks))
    return Finding(
        "ovs-tag-mismatch", Where(port.netns, port.interface, "bridge"), f"{port} carries VLAN {vlans} only, and nothing without a VLAN",
        evidence=(Evidence("configuration", f"trunks of {port.interface} are {vlans}"), traced),
        fixes=(fixes.fix(f"let {port} carry every VLAN", _clear(port, "trunks", vlans), policy=True),),
    )


def _clear(port: End, column: str, value: str) -> Command:
    undo = ("ovs-vsctl", "set", "Port", port.interface, f"{column}={value}")
    return fixes.command(port.netns, "ovs-vsctl", "clear", "Port", port.interface, column, undo=(undo,))


def _vlan(port: SwitchPort) -> str:
    return "is on the trunk" if port.tag is None else f"is in VLAN {port.tag}"


def _isolated(came: End, port: End) -> Finding:
    free = [
        fixes.fix(
            f"{end} is isolated no longer", fixes.command(
                end.netns, "ovs-vsctl", "set", "Port", end.interface, "protected=false",
                undo=(("ovs-vsctl", "set", "Port", end.interface, "protected=true"),),
            ), policy=True,
        )
        for end in (port, came)
    ]
    return Finding(
        "port-isolated", Where(port.netns, port.interface, "bridge"),
        f"{came} and {port} are both protected: a switch keeps such ports apart",
        evidence=(Evidence("configuration", f"protected is true for {came.interface} and for {port.interface}"),), fixes=tuple(free),
    )


def _learned(bridge: End, port: End, answer: Forwarded, traced: Evidence) -> Finding:
    """It forwards by what it has learned, or was told, and that leads elsewhere."""
    flush = fixes.command(bridge.netns, "ovs-appctl", "fdb/flush", bridge.interface)
    return Finding(
        "fdb-wrong", Where(bridge.netns, port.interface, "bridge"),
        f"{bridge} knows the address at {', '.join(answer.outputs)}, not at {port.interface}",
        evidence=(traced,), fixes=(fixes.fix(f"let {bridge} forget what it has learned", flush),),
    )
