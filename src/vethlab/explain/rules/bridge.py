"""Bridges and their ports: detached, down, not forwarding, isolated, or sending a MAC the wrong way.

Enters: a bridge, the port a frame came in by and the one it should leave by; leaves: findings. Rule of the file: what net/bridge/br_input.c
and br_forward.c check, in that order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from vethlab.explain import fixes
from vethlab.explain.rules import link
from vethlab.explain.scene import Scene
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.journey import SOLICIT
from vethlab.model.link import BR_STATE_FORWARDING, End

__all__ = ["Frame", "entering", "leaving", "turning"]

FILTERS = {4: "net.bridge.bridge-nf-call-iptables", 6: "net.bridge.bridge-nf-call-ip6tables"}
STATES = {0: "disabled", 1: "listening", 2: "learning", 3: "forwarding", 4: "blocking"}


class Frame(NamedTuple):
    """What a bridge looks at. `mac`: the destination, empty for a broadcast or a multicast; `length` of the IP packet."""

    what: str
    mac: str
    length: int
    version: int
    source: str = ""  # the sender's hardware address
    match: str = ""  # what it carries, as OpenFlow puts it (explain/openflow_match.py)


def entering(scene: Scene, port: End, bridge: End, frame: Frame) -> Iterator[Finding]:
    """A frame has come to a port: will the bridge take it (br_handle_frame), and where does it send its MAC (br_fdb_find_rcu)?"""
    yield from _attached(scene, port, bridge)
    yield from link.departure(scene, bridge)
    yield from _state(scene, port, bridge)
    if frame.mac:
        snapshot = scene.snapshots[bridge.netns]
        for entry in snapshot.fdb:
            if entry.bridge == bridge.interface and entry.mac == frame.mac and entry.local and entry.port != bridge.interface:
                yield _misdirected(bridge, entry.port, frame.mac, "takes it for its own", local=True)


def leaving(scene: Scene, came: End | None, port: End, bridge: End, frame: Frame) -> Iterator[Finding]:
    """The bridge should send a frame out of a port (should_deliver, br_flood, br_dev_queue_push_xmit)."""
    yield from _attached(scene, port, bridge)
    if came is None:
        yield from link.departure(scene, bridge)
    yield from link.departure(scene, port)
    yield from _state(scene, port, bridge)
    yield from _isolated(scene, came, port)
    yield from _flooded(scene, port, bridge, frame)
    interface = scene.interface(port)
    if interface is not None and frame.length > interface.mtu + link.VLAN_HEADER:
        yield link.too_small(port, interface, frame.length)


def turning(scene: Scene, port: End, version: int) -> Finding | None:
    """A frame whose destination was translated while it was in a bridge has to leave by the port that it came in by.

    Only with br_netfilter: without it the frame ends at the bridge, and what is sent on is a new one (br_nf_pre_routing_finish).
    """
    interface, key = scene.interface(port), FILTERS[version]
    if interface is None or interface.port is None or interface.port.hairpin:
        return None
    if scene.snapshots[port.netns].sysctls.get(key, "0") == "0":
        return None
    switch = ("bridge", "link", "set", "dev", port.interface, "hairpin")
    remedy = fixes.command(port.netns, *switch, "on", undo=((*switch, "off"),))
    return Finding(
        "hairpin-off", Where(port.netns, port.interface, "bridge"),
        f"{port} does not send back what came in by it, and the translated packet has to go there",
        evidence=(Evidence("configuration", f"hairpin of port {port} is off; {key} = 1: the bridge itself translates the packet"),),
        fixes=(fixes.fix(f"let {port} send back what came in by it", remedy),),
    )


def _attached(scene: Scene, port: End, bridge: End) -> Iterator[Finding]:
    if port == bridge or scene.bridge_of(port) == bridge:
        return
    wire = scene.wire(port)
    other = f"is a port of {wire.master}" if wire is not None and wire.master else "has no master"
    remedy = fixes.command(port.netns, "ip", "link", "set", "dev", port.interface, "master", bridge.interface)
    yield Finding(
        "port-detached", Where(port.netns, port.interface, "bridge"), f"{port} is not a port of {bridge.interface}",
        evidence=(Evidence("configuration", f"{port} {other}"),), fixes=(fixes.fix(f"make {port} a port of {bridge.interface}", remedy),),
    )


def _state(scene: Scene, port: End, bridge: End) -> Iterator[Finding]:
    interface = scene.interface(port)
    if interface is None or interface.port is None or not interface.up or interface.port.state == BR_STATE_FORWARDING:
        return
    above, wire = scene.interface(bridge), scene.wire(port)
    peer = scene.wire(wire.peer) if wire is not None and wire.peer is not None else None
    if not interface.carrier or (peer is not None and not peer.up) or above is None or not above.up:
        return  # the bridge disables ports without carrier, and all when it is down: the cause is told there
    state = STATES.get(interface.port.state, str(interface.port.state))
    waits, off = [port], []
    says = f"the state of port {port} is {interface.port.state} ({state})"
    if above.stp:  # the spanning tree decides alone (EBUSY); off, it leaves every port of the bridge as it had put it
        off = [fixes.command(bridge.netns, "ip", "link", "set", "dev", bridge.interface, "type", "bridge", "stp_state", "0")]
        waits = [wire.end for wire in scene.wiring.of(bridge.netns) if scene.bridge_of(wire.end) == bridge and _waits(scene, wire.end)]
        says += f"; the spanning tree of {bridge.interface} lets a port that closes no loop forward after twice the forward delay, 30 s"
    remedy = [fixes.command(one.netns, "bridge", "link", "set", "dev", one.interface, "state", "3") for one in waits]
    title = f"let {bridge} do without the spanning tree" if above.stp else f"let {port} forward"
    yield Finding(
        "port-blocked", Where(port.netns, port.interface, "bridge"), f"port {port} is {state}, not forwarding",
        evidence=(Evidence("configuration", says),), fixes=(fixes.fix(title, *off, *remedy, policy=above.stp),),
    )


def _waits(scene: Scene, port: End) -> bool:
    interface = scene.interface(port)
    return interface is not None and interface.port is not None and interface.up and interface.carrier and (
        interface.port.state != BR_STATE_FORWARDING
    )


def _isolated(scene: Scene, came: End | None, port: End) -> Iterator[Finding]:
    first, second = scene.interface(came) if came is not None else None, scene.interface(port)
    if first is None or second is None or first.port is None or second.port is None or came is None:
        return
    if first.port.isolated and second.port.isolated:
        free = [
            fixes.fix(
                f"{end} is isolated no longer", fixes.command(end.netns, "bridge", "link", "set", "dev", end.interface, "isolated", "off"),
                policy=True,
            )
            for end in (port, came)
        ]
        yield Finding(
            "port-isolated", Where(port.netns, port.interface, "bridge"),
            f"{came} and {port} are both isolated: a bridge keeps such ports apart",
            evidence=(Evidence("configuration", f"isolated is on for {came.interface} and for {port.interface}"),), fixes=tuple(free),
        )


def _flooded(scene: Scene, port: End, bridge: End, frame: Frame) -> Iterator[Finding]:
    interface = scene.interface(port)
    if interface is None or interface.port is None:
        return
    if not frame.mac:
        wanted, flag = interface.port.broadcast_flood, "bcast_flood"
        if frame.version == 6:
            wanted, flag = interface.port.multicast_flood, "mcast_flood"
        if frame.what == SOLICIT and not wanted:
            yield _unflooded("arp-suppressed", port, flag, "so no neighbour behind it is ever asked")
        return
    entries = [entry for entry in scene.snapshots[bridge.netns].fdb if entry.bridge == bridge.interface and entry.mac == frame.mac]
    wrong = [entry for entry in entries if entry.static and not entry.local and entry.port != port.interface]
    for entry in wrong:
        yield _misdirected(bridge, entry.port, frame.mac, f"sends it out of {entry.port}, not {port.interface}", sticky=entry.sticky)
    if not entries and not interface.port.flood and not interface.port.learning:
        yield _unflooded("fdb-wrong", port, "flood", f"and no entry leads {frame.mac} there")


def _unflooded(slug: str, port: End, flag: str, consequence: str) -> Finding:
    remedy = fixes.command(port.netns, "bridge", "link", "set", "dev", port.interface, flag, "on")
    return Finding(
        slug, Where(port.netns, port.interface, "bridge"), f"port {port} has {flag} off, {consequence}",
        evidence=(Evidence("configuration", f"{flag} of port {port} is off"),), fixes=(fixes.fix(f"set {flag} of {port} on", remedy),),
    )


def _misdirected(bridge: End, port: str, mac: str, does: str, *, local: bool = False, sticky: bool = False) -> Finding:
    kind = ("local",) if local else ("static", "sticky") if sticky else ("static",)
    remove = fixes.command(
        bridge.netns, "bridge", "fdb", "del", mac, "dev", port, "master", *(("local",) if local else ()),
        undo=(("bridge", "fdb", "replace", mac, "dev", port, "master", *kind),),
    )
    return Finding(
        "fdb-wrong", Where(bridge.netns, port, "bridge"), f"{bridge} has an entry for {mac} that {does}",
        evidence=(Evidence("configuration", f"fdb of {bridge.interface}: {mac} dev {port} {' '.join(kind)}"),),
        fixes=(fixes.fix(f"remove the entry for {mac} from {bridge.interface}", remove),),
    )
