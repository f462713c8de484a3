"""What does not stop this packet and yet will bite: two owners of an address or a MAC, a way back that is not the way there.

Enters: a scene and a way that was walked; leaves: findings. Rule of the file: only what concerns addresses and segments this flow uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vethlab.explain import fixes
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.segment import Track, members
from vethlab.explain.way import Way
from vethlab.model.address import IP
from vethlab.model.finding import REPLY, REQUEST, Command, Evidence, Finding, Fix, Where
from vethlab.model.journey import OUT
from vethlab.model.link import End
from vethlab.model.snapshot import Drift

__all__ = ["warnings"]


def warnings(scene: Scene, way: Way, addresses: list[IP]) -> Asking[list[Finding]]:
    """All of them, each once."""
    found: dict[tuple[str, Where], Finding] = {}
    concerned = [*addresses, *(point.about for point in way.points if point.about is not None)]
    for start in dict.fromkeys(End(point.node, point.interface) for point in way.points if point.direction == OUT):
        if scene.bridge_of(start) is not None:
            continue
        segment = yield from members(scene, start)
        everybody = {start: Track(()), **segment}
        drift = yield from scene.drift(*(first.netns for first, _, _ in _shared_macs(scene, everybody)))
        for one in (*_addresses(scene, everybody, concerned), *_macs(scene, everybody, drift)):
            found.setdefault((one.slug, one.where), one)
    there, back = way.routers.get(REQUEST, []), way.routers.get(REPLY, [])
    own = [one for one in way.points if one.leg == one.what and not one.underlay]
    passed = {leg: {(one.node, one.interface) for one in own if one.leg == leg} for leg in (REQUEST, REPLY)}
    if {REQUEST, REPLY} <= way.delivered and there[0] != back[0] and passed[REQUEST] != passed[REPLY]:
        only = sorted(passed[REQUEST] ^ passed[REPLY])
        where = Where(*only[0], "route")
        if set(there) == set(back):  # the same nodes, by other interfaces
            there = [f"{one.node}:{one.interface}" for one in way.points if one.leg == one.what == REQUEST]
            back = [f"{one.node}:{one.interface}" for one in way.points if one.leg == one.what == REPLY]
        summary = f"request and reply go different ways: {' → '.join(there)}, and back {' → '.join(back)}"
        found["asymmetric-path", where] = Finding("asymmetric-path", where, summary, evidence=(Evidence("route-oracle", summary),))
    return list(found.values())


def _addresses(scene: Scene, segment: Mapping[End, Track], concerned: list[IP]) -> Iterator[Finding]:
    for address in dict.fromkeys(concerned):
        owners = [end for end in scene.wiring.owners(address) if end in segment]
        if len({end.netns for end in owners}) < 2:
            continue
        meant = scene.wiring.meant_for(address)
        wrong = next((end for end in owners if end not in meant), owners[-1])
        others = " and ".join(str(end) for end in owners if end != wrong)
        wire = scene.wire(wrong)
        held = next((one for one in wire.addresses if one.ip == address), None) if wire is not None else None
        remove = fixes.command(wrong.netns, "ip", "address", "del", str(held or address), "dev", wrong.interface)
        yield Finding(
            "duplicate-address", Where(wrong.netns, wrong.interface, "neighbour"),
            f"{wrong} and {others} both have {address}: who answers first wins",
            evidence=(Evidence("configuration", f"{address} is on {', '.join(map(str, owners))}"),),
            fixes=(fixes.fix(f"take {address} from {wrong}", remove, *_forget(scene, "" if wire is None else wire.mac)),),
        )


def _forget(scene: Scene, mac: str) -> list[Command]:
    """Entries that have met the wrong one."""
    return [
        fixes.command(node, "ip", "neighbour", "flush", "to", str(entry.address), "dev", entry.interface)
        for node, snapshot in scene.snapshots.items() for entry in snapshot.neighbours
        if entry.mac == mac and entry.state not in {"permanent", "noarp"}
    ]


def _shared_macs(scene: Scene, segment: Mapping[End, Track]) -> list[tuple[End, End, str]]:
    """Pairs of interfaces with one MAC, the same whoever looks."""
    seen: dict[str, End] = {}
    found = []
    for end in sorted(segment, key=str):
        wire = scene.wire(end)
        if wire is not None and wire.mac and wire.kind != "loopback":
            first = seen.setdefault(wire.mac, end)
            if first != end:
                found.append((first, end, wire.mac))
    return found


def _macs(scene: Scene, segment: Mapping[End, Track], drift: tuple[Drift, ...]) -> Iterator[Finding]:
    drifted = {one.subject for one in drift if one.kind == "interface"}
    for first, end, mac in _shared_macs(scene, segment):
        wrong, right = (first, end) if str(first) in drifted or scene.is_bridge(first) else (end, first)
        yield Finding(
            "duplicate-mac", Where(wrong.netns, wrong.interface, "link"),
            f"{wrong} and {right} have the same MAC {mac}: a bridge knows one place for it",
            evidence=(Evidence("configuration", f"{mac} is on {first} and on {end}"),),
            fixes=(_other_mac(wrong, mac, _forget(scene, mac)),),
        )


def _other_mac(end: End, mac: str, forget: list[Command]) -> Fix:
    """A locally administered MAC that differs in its last bytes."""
    number = (int(mac.replace(":", ""), 16) ^ 0x5A5A) | 0x020000000000
    text = ":".join(f"{number:012x}"[at : at + 2] for at in range(0, 12, 2))
    return fixes.fix(
        f"give {end} a MAC of its own", fixes.command(
            end.netns, "ip", "link", "set", "dev", end.interface, "address", text,
            undo=(("ip", "link", "set", "dev", end.interface, "address", mac),),
        ), *forget,
    )
