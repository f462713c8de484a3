"""Cables and interfaces: down, no carrier, too large, thrown away by XDP, tc or a queue.

Enters: an interface a frame leaves or enters; leaves: findings. Rule of the file: one interface at a time; what its peer's state does to it
is told as the peer's fault (a veth has carrier while its peer is up, drivers/net/veth.c veth_open).
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.explain import fixes
from vethlab.explain.scene import Scene
from vethlab.model.finding import Command, Evidence, Finding, Fix, Where
from vethlab.model.link import LOOPBACK, End
from vethlab.model.snapshot import Interface, Queue

__all__ = ["arrival", "departure", "dropped_on_entry", "dropped_on_exit", "is_down", "raised", "too_small", "unplugged"]

VLAN_HEADER = 4  # is_skb_forwardable() allows for a tag (net/core/dev.c)
CABLELESS = frozenset({"macvlan", "vxlan"})
_CHOSEN = 0x8000  # handles from here on the kernel chooses (net/sched/sch_api.c qdisc_alloc_handle)
HARMLESS_QUEUES = frozenset({"noqueue", "pfifo_fast", "fq_codel", "fq", "mq", "clsact", "ingress"})


def departure(scene: Scene, end: End) -> Iterator[Finding]:
    """An interface that a frame is about to leave by: is it up?"""
    interface = scene.interface(end)
    if interface is not None and not interface.up:
        yield is_down(scene, end)


def unplugged(scene: Scene, end: End) -> Iterator[Finding]:
    """The cable behind an interface that is up: is the other end there, and up?"""
    interface, wire = scene.interface(end), scene.wire(end)
    if interface is None or wire is None or not interface.up or interface.kind == "loopback":
        return
    if interface.kind == "bridge":
        yield from _portless(scene, end, interface)
        return
    lower = scene.wire(wire.lower) if wire.lower is not None else None
    if lower is not None and not lower.up:
        yield is_down(scene, lower.end)
        return
    if lower is not None:  # a macvlan has the carrier of its parent (netif_stacked_transfer_operstate)
        wire = lower
    peer = scene.wire(wire.peer) if wire.peer is not None else None
    if peer is not None and not peer.up:
        yield is_down(scene, peer.end)
    elif not interface.carrier:
        says = "it has no carrier" if peer is None else f"it has no carrier although {peer.end} is up"
        yield Finding(
            "no-carrier", Where(end.netns, end.interface, "link"), f"{end} has no carrier: nothing is at the other end of its cable",
            evidence=(Evidence("configuration", f"{end} is up, and {says}"),),
        )


def _portless(scene: Scene, end: End, interface: Interface) -> Iterator[Finding]:
    """A bridge has no carrier once no port of it runs (net/bridge/br_if.c br_carrier_check)."""
    ports = [wire for wire in scene.wiring.of(end.netns) if scene.bridge_of(wire.end) == end]
    meant = any(scene.bridge_meant_for(wire.end) == end for wire in scene.wiring.of(end.netns))  # then each of those is told of
    if not interface.carrier and not ports and not meant:
        yield Finding(
            "no-carrier", Where(end.netns, end.interface, "link"), f"{end} has no carrier: no port of it is left",
            evidence=(Evidence("configuration", f"{end} is up, has no carrier and no port"),),
        )


def is_down(scene: Scene, end: End) -> Finding:
    """The finding for an interface that is set down; what it is decides the word."""
    slug = "link-down"
    if end.interface == LOOPBACK:
        slug = "lo-down"
    elif scene.is_bridge(end):
        slug = "bridge-down"
    elif scene.bridge_of(end) is not None or scene.bridge_meant_for(end) is not None:
        slug = "port-down"
    return Finding(
        slug, Where(end.netns, end.interface, "link"), f"{end} is down",
        evidence=(Evidence("configuration", f"the flags of {end} do not hold UP"),), fixes=(fixes.down_and_up(end.netns, end.interface),),
    )


def arrival(scene: Scene, end: End, length: int) -> Iterator[Finding]:
    """An interface a frame comes to: does it fit? What is larger is dropped without a word.

    A macvlan takes what its parent takes, and a VXLAN device all that comes. Neither has a cable whose other end would tell that it is
    down: nothing is delivered to it then (macvlan_hash_lookup finds it no more, vxlan_stop closes the socket).
    """
    interface = scene.interface(end)
    if interface is not None and interface.kind in CABLELESS:
        if not interface.up:
            yield is_down(scene, end)
    elif interface is not None and length > interface.mtu + VLAN_HEADER:
        yield too_small(end, interface, length)


def too_small(end: End, interface: Interface, length: int) -> Finding:
    """A packet that an interface drops in silence because of its MTU."""
    return Finding(
        "mtu-blackhole", Where(end.netns, end.interface, "link"),
        f"{end} has MTU {interface.mtu} and drops {length} bytes without telling the sender",
        evidence=(Evidence("configuration", f"MTU of {end} is {interface.mtu}, the packet has {length} bytes"),),
        fixes=(raised(end, length),),
    )


def raised(end: End, length: int) -> Fix:
    """A larger MTU."""
    value = max(1500, length)
    raise_it = fixes.command(end.netns, "ip", "link", "set", "dev", end.interface, "mtu", str(value))
    return fixes.fix(f"raise the MTU of {end} to {value}", raise_it)


def dropped_on_entry(scene: Scene, end: End) -> Iterator[Finding]:
    """Programs that may drop a frame before anybody sees it come in: XDP."""
    interface = scene.interface(end)
    if interface is not None and interface.xdp:
        where = Where(end.netns, end.interface, "ingress")
        modes = interface.xdp_modes or ("xdp",)
        gone = f"the XDP program of {end}"
        off = [fixes.command(end.netns, "ip", "link", "set", "dev", end.interface, mode, "off", lost=gone) for mode in modes]
        yield Finding(
            "xdp-drop", where, f"an XDP program on {end} drops the packet",
            evidence=(Evidence("configuration", f"XDP program {interface.xdp} is attached to {end}"),),
            fixes=(fixes.fix(f"take the XDP program off {end}", *off, policy=True),),
        )


def dropped_on_exit(scene: Scene, end: End, place: str) -> Iterator[Finding]:
    """Tc filters and queues that may drop a frame: `ingress` behind the point where it is seen coming in, `egress` ahead of going out."""
    interface = scene.interface(end)
    if interface is None:
        return
    if place in interface.filters:
        gone = f"the tc filters of {end} ({place})"
        hook = fixes.command(end.netns, "tc", "filter", "del", "dev", end.interface, place, lost=gone)
        yield Finding(
            "tc-drop", Where(end.netns, end.interface, place), f"a tc filter on {end} ({place}) drops the packet",
            evidence=(Evidence("configuration", f"{end} has tc filters at {place}"),),
            fixes=(fixes.fix(f"remove the tc filters of {end} ({place})", hook, policy=True),),
        )
    if place == "egress":
        for queue in interface.queues:
            if queue.kind not in HARMLESS_QUEUES and queue.parent == "root":
                remove = _unqueued(end, queue, interface)
                yield Finding(
                    "queue-drop", Where(end.netns, end.interface, "egress"), f"the queue of {end} ({queue.kind}) drops the packet",
                    evidence=(Evidence("configuration", f"{end} sends through {queue.text or queue.kind}"),),
                    fixes=(fixes.fix(f"remove the queueing discipline of {end}", remove, policy=True),),
                )


def _unqueued(end: End, queue: Queue, interface: Interface) -> Command:
    """Take a queue off. What one line of tc(8) cannot say (classes, what hangs in them, filters) nobody can bring back."""
    dev = ("dev", end.interface, "root")
    whole = queue.text and "root" not in interface.filters and all(one.parent in {"root", "ingress"} for one in interface.queues)
    major = int(queue.handle.partition(":")[0] or "0", 16)
    handle = ("handle", queue.handle) if 0 < major < _CHOSEN else ()
    again = (("tc", "qdisc", "add", *dev, *handle, *queue.text.split()),) if whole else ()
    lost = "" if whole else f"the {queue.kind} queue of {end}, with what hangs on it"
    return fixes.command(end.netns, "tc", "qdisc", "del", *dev, undo=again, lost=lost)
