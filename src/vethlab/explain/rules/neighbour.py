"""Neighbours: nobody has the address, somebody does and keeps silent, an entry lies.

Enters: who asks on which interface, for which address, and who could answer; leaves: findings. Rule of the file: what net/ipv4/arp.c
arp_process and net/ipv6/ndisc.c ndisc_recv_ns check, each at its own level.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vethlab.explain import fixes
from vethlab.explain.fib import match
from vethlab.explain.rules import family, link
from vethlab.explain.rules.route import removal, route_text
from vethlab.explain.scene import Scene
from vethlab.explain.segment import Track
from vethlab.explain.settings import both, effective
from vethlab.model.address import IP
from vethlab.model.finding import Evidence, Finding, Fix, Where
from vethlab.model.link import End
from vethlab.model.snapshot import NeighbourEntry, Snapshot

__all__ = ["deaf", "lying", "missing_address", "missing_from", "nobody", "silent"]



def deaf(scene: Scene, end: End) -> Iterator[Finding]:
    """An interface that does no ARP at all (IFF_NOARP): it neither asks nor answers."""
    interface = scene.interface(end)
    if interface is not None and not interface.arp:
        remedy = fixes.command(
            end.netns, "ip", "link", "set", "dev", end.interface, "arp", "on",
            undo=(("ip", "link", "set", "dev", end.interface, "arp", "off"),),
        )
        yield Finding(
            "arp-suppressed", Where(end.netns, end.interface, "neighbour"), f"{end} does no ARP",
            evidence=(Evidence("configuration", f"the flags of {end} hold NOARP"),), fixes=(fixes.fix(f"switch ARP of {end} on", remedy),),
        )


def silent(end: End, snapshot: Snapshot, asked: IP, asker: IP | None) -> Iterator[Finding]:
    """The owner of an address does not answer, by arp_ignore."""
    level = effective(snapshot, end.interface, "arp_ignore")
    on_interface = [held.address for held in snapshot.addresses if held.interface == end.interface and held.address.ip == asked]
    refuses = level == 8 or (level in {1, 2} and not on_interface) or (
        level == 2 and asker is not None and not any(asker in held.network for held in on_interface)
    ) or (level == 3 and not on_interface)
    if refuses:
        remedies = [fixes.sysctl(end.netns, snapshot, f"net.ipv4.conf.{end.interface}.arp_ignore", 0)]
        if snapshot.all4.get("arp_ignore", 0):
            both_off = [fixes.setting(end.netns, snapshot, "net.ipv4.conf.all.arp_ignore", 0)]
            if snapshot.interfaces[end.interface].ipv4.get("arp_ignore", 0):
                both_off.append(fixes.setting(end.netns, snapshot, f"net.ipv4.conf.{end.interface}.arp_ignore", 0))
            remedies = [fixes.fix(f"let {end.netns} answer ARP", *both_off)]
        yield Finding(
            "arp-suppressed", Where(end.netns, end.interface, "neighbour"),
            f"{end.netns} has {asked} and does not answer for it on {end.interface}",
            evidence=(
                Evidence("configuration", f"arp_ignore is {level} ({both(snapshot, end.interface, 'arp_ignore')}; the larger counts)"),
            ),
            fixes=tuple(remedies),
        )


def filtered(end: End, snapshot: Snapshot, asker: IP, answers_by: str | None) -> Iterator[Finding]:
    """arp_filter: it answers only on the interface by which it would send to the asker."""
    if effective(snapshot, end.interface, "arp_filter") and answers_by != end.interface:
        off = [fixes.setting(end.netns, snapshot, f"net.ipv4.conf.{end.interface}.arp_filter", 0)]
        if snapshot.all4.get("arp_filter", 0):
            off.append(fixes.setting(end.netns, snapshot, "net.ipv4.conf.all.arp_filter", 0))
        yield Finding(
            "arp-suppressed", Where(end.netns, end.interface, "neighbour"),
            f"{end.netns} answers ARP only where it would send to the asker, and sends to {asker} by {answers_by or 'no interface'}",
            evidence=(Evidence("configuration", f"arp_filter is on ({both(snapshot, end.interface, 'arp_filter')})"),),
            fixes=(fixes.fix(f"switch arp_filter of {end} off", *off),),
        )


def unready(end: End, snapshot: Snapshot, address: IP) -> Iterator[Finding]:
    """An IPv6 address that failed duplicate address detection, or is still under it, is neither used nor answered (RFC 4862, 5.4)."""
    for held in snapshot.addresses:
        if held.address.ip != address or not {"tentative", "dadfailed"} & set(held.flags):
            continue
        failed = "dadfailed" in held.flags
        word = "failed duplicate address detection" if failed else "is still tentative"
        again = (
            fixes.command(end.netns, "ip", "-6", "address", "del", str(held.address), "dev", held.interface),
            fixes.command(end.netns, "ip", "-6", "address", "add", str(held.address), "dev", held.interface, "nodad"),
        )
        yield Finding(
            "dad-failed", Where(end.netns, held.interface, "neighbour"),
            f"{address} on {end.netns}:{held.interface} {word}: it is not used",
            evidence=(Evidence("configuration", f"flags of {held.address}: {' '.join(held.flags)}"),),
            fixes=(fixes.fix(f"add {held.address} again without detection", *again),),
        )


def missing_address(scene: Scene, address: IP) -> Finding | None:
    """An address that the lab file gives to an interface that does not have it now."""
    for end in scene.wiring.meant_for(address):
        snapshot = scene.snapshots.get(end.netns)
        if snapshot is None:
            continue
        declared = next(one for one in scene.wiring.declared[end] if one.ip == address)
        six, nodad = (("-6",), ("nodad",)) if address.version == 6 else ((), ())
        add = fixes.command(end.netns, "ip", *six, "address", "add", str(declared), "dev", end.interface, *nodad)
        interface = snapshot.interfaces.get(end.interface)
        without = family.gone(end, snapshot, declared) if address.version == 6 else None
        if without is not None:
            return without
        if interface is not None and not interface.up:
            return link.is_down(scene, end)  # an interface that is down loses its IPv6 addresses
        return Finding(
            "no-address", Where(end.netns, end.interface, "neighbour"), f"{end} does not have {address}", evidence=(
                Evidence("configuration", f"no interface of {end.netns} has {address}; the lab file gives it to {end.interface}"),
            ), fixes=(fixes.fix(f"give {end} the address {declared}", add),),
        )
    return None


def missing_from(scene: Scene, node: str, address: IP) -> Finding | None:
    """The same, if this node is where it should be: what the node then does with the packet says less."""
    found = missing_address(scene, address)
    return found if found is not None and found.where.node == node else None


def nobody(scene: Scene, asker: End, address: IP, target: IP, segment: Mapping[End, Track]) -> Finding:
    """Nobody on the segment has the address that is asked for."""
    where, snapshot = Where(asker.netns, asker.interface, "neighbour"), scene.snapshots[asker.netns]
    missing = missing_address(scene, address)
    if missing is not None and (missing.where.node == asker.netns or End(missing.where.node, missing.where.interface or "") in segment):
        return missing
    route = match(snapshot, target, oif=None).route
    line = Evidence("configuration", f"{asker.netns}: {route_text(route)}") if route is not None else None
    owners = [end for end in scene.wiring.owners(address) if end not in segment]
    evidence = (Evidence("configuration", f"no interface on the segment of {asker} has {address}"), *([line] if line else []))
    if address != target or (route is not None and route.protocol != "kernel" and owners):
        remedies = (removal(asker.netns, route),) if route is not None and route.protocol != "kernel" else ()
        return Finding(
            "wrong-gateway", where,
            f"{asker.netns} sends by {address if address != target else asker.interface}, where nobody has that address",
            evidence=evidence, fixes=remedies,
        )
    if owners and route is not None:
        return Finding(
            "wrong-prefix", where,
            f"{asker} takes {address} for a neighbour because its prefix is {route.destination}, but it lives elsewhere",
            evidence=(*evidence, Evidence("configuration", f"{address} is on {owners[0]}")),
            fixes=_as_others_have_it(scene, asker, address, segment),
        )
    return Finding("neighbour-unresolved", where, f"nobody on the segment of {asker} has {address}", evidence=evidence)


def _as_others_have_it(scene: Scene, asker: End, address: IP, segment: Mapping[End, Track]) -> tuple[Fix, ...]:
    """The prefixes that others on the segment have, which leave that address out: the widest first, the least of a change."""
    held = [one.address for one in scene.snapshots[asker.netns].addresses if one.interface == asker.interface]
    near = [one.network for end in segment if (wire := scene.wire(end)) is not None for one in wire.addresses if address not in one.network]
    found = sorted({(one.prefixlen, mine) for mine in held if address in mine.network for one in near if mine.ip in one})
    return tuple(fixes.reprefixed(asker, mine, type(mine)(f"{mine.ip}/{length}")) for length, mine in found)


def lying(asker: End, entry: NeighbourEntry, right: str, owner: End) -> Finding:
    """An entry that sends packets to another MAC than the owner's."""
    line = f"{entry.address} dev {entry.interface} lladdr {entry.mac} {entry.state.upper()}"
    kind = "static" if entry.state in {"permanent", "noarp"} else "learned"
    remove = fixes.command(
        asker.netns, "ip", "neighbour", "del", str(entry.address), "dev", entry.interface,
        undo=((
            ("ip", "neighbour", "replace", str(entry.address), "lladdr", entry.mac or "", "dev", entry.interface, "nud", entry.state),
        ) if kind == "static" else ()),
    )
    return Finding(
        "neighbour-wrong", Where(asker.netns, asker.interface, "neighbour"),
        f"{asker.netns} has a {kind} entry that sends {entry.address} to {entry.mac}, but {owner} is {right}",
        evidence=(Evidence("neighbour-table", f"{asker.netns}: {line}"),),
        fixes=(fixes.fix(f"remove that entry from {asker.netns}", remove),),
    )
