"""A source address that should have been hidden behind a node's own, and went on as it was.

Enters: a way that was walked, the wiring, what drifted; leaves: nat-missing or nat-wrong of the node that should have hidden it. Rule of
the file: who hides is told by the lab file, or by the rules that a node has; it is missed where somebody beyond has no way back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import takewhile

from vethlab.explain import fixes
from vethlab.explain.nat import Packet, near, unread
from vethlab.explain.rules.route import holds
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.travel import Travel
from vethlab.explain.way import Way
from vethlab.model.address import IP
from vethlab.model.finding import REQUEST, Evidence, Finding, Fix, Where
from vethlab.model.journey import OUT
from vethlab.model.link import End
from vethlab.model.names import HOST, WORLD
from vethlab.model.snapshot import Snapshot
from vethlab.model.translation import NatChain

__all__ = ["bare", "none_does", "passed_by", "rules_gone", "shown_beyond", "source_kept", "unhidden"]

_SOURCES = frozenset({"snat", "masquerade"})
_IP = {4: "ip", 6: "ip6"}
_RULES = frozenset({"nft", "table"})  # kinds of drift


def bare(scene: Scene, travel: Travel, sender: End) -> Iterator[Finding]:
    """A packet that would leave the lab under an address that is not its host's."""
    wire, source = scene.wire(sender), travel.source
    if travel.what != REQUEST or source is None or wire is None or not wire.outlet or holds(scene.snapshots[sender.netns], source):
        return
    yield source_kept(
        scene, sender.netns, sender.interface, source, travel.target, f"nothing leaves the lab but in the name of {sender.netns}",
    )


def shown_beyond(scene: Scene, source: IP, target: IP, left: End) -> Iterator[Finding]:
    """A packet that has left the lab under an address that the node there should have hidden: nobody out there has a way back to it."""
    if any(one.host == left.netns and source in one.subnet for one in scene.wiring.hidden):
        yield source_kept(scene, left.netns, left.interface, source, target, "nobody beyond the lab has a way back to it")


def passed_by(scene: Scene, way: Way, source: IP | None) -> Finding | None:
    """An answer from the address that a packet was led to got to who asked, and not by who led it: it is from somebody else than was asked.

    Whether it may not have been turned back after all cannot be told: br_netfilter does so for what passes a bridge of the host.
    """
    bound = next((one for one in reversed(way.bindings) if one.now_target == source != one.target), None)
    if bound is None:
        return None
    return source_kept(
        scene, bound.node, bound.leaves, bound.now_source, bound.now_target, f"the answer passes by {bound.node}, from {source}",
        translated=True, port=bound.now_port,
    )


def unhidden(scene: Scene, way: Way, source: IP, target: IP, found: Finding, gone: Collection[str]) -> Finding | None:
    """Somebody has no way back to the source, because it was never hidden from him. `gone`: as `rules_gone` told."""
    if found.slug != "no-return-route":
        return None
    # The first one of each node: behind a bridge comes its port.
    exits = {one.node: one.interface for one in reversed(way.points) if one.leg == one.what == REQUEST and one.direction == OUT}
    before = takewhile(lambda name: name != found.where.node, way.routers[REQUEST])  # who lies behind has nothing to do with it
    host = next((name for name in before if name in exits and (name in gone or _hides(scene, name, source, exits[name]))), None)
    if host is None and found.where.node == WORLD and HOST in exits:
        host = HOST
    if host is None or any(one.node == host and one.now_source != one.source for one in way.bindings):
        return None
    return source_kept(scene, host, exits[host], source, target, f"{found.where.node} has no way back to it")


def rules_gone(scene: Scene, way: Way) -> Asking[frozenset[str]]:
    """Who of those that a request passed should hide, says the lab file, and has other rules than it says.

    Asked where somebody has no way back; nobody, if that one's own routes are not those of the lab file: they would be the way back.
    """
    lost = {one.finding.where.node for one in way.obstacles if one.finding.slug == "no-return-route"}
    hiding = scene.wiring.hiders | {one.host for one in scene.wiring.hidden}
    hosts = [name for name in way.routers.get(REQUEST, ()) if name in hiding]
    if not lost or not hosts:
        return frozenset()
    drift = yield from scene.drift(*hosts, *lost)
    if any(one.kind == "route" and one.node in lost for one in drift):
        return frozenset()
    return frozenset(one.node for one in drift if one.kind in _RULES and one.node in hosts)


def _hides(scene: Scene, host: str, source: IP, leaves: str) -> bool:
    """Whether a node should hide the source from where it sends it.

    The lab file says so; or it has, or should have, rules that hide, and its default route leads there: that is outside.
    """
    if any(one.host == host and one.subnet.version == source.version and source in one.subnet and one.bridge != leaves
           for one in scene.wiring.hidden):
        return True
    snapshot = scene.snapshots[host]
    outside = {hop.interface for one in snapshot.routes if one.destination.prefixlen == 0 for hop in one.hops}
    hiding = host in scene.wiring.hiders or any(rule.verdict in _SOURCES for chain in snapshot.nat for rule in chain.rules)
    return leaves in outside and hiding


def source_kept(  # noqa: PLR0913 - a packet has as many sides
    scene: Scene, host: str, leaves: str, source: IP, target: IP, consequence: str, *, translated: bool = False,
    port: int | None = None,
) -> Finding:
    """A host lets a source out as it is. `translated`: its destination was changed there; `port` as it is then."""
    snapshot = scene.snapshots[host]
    seen = Packet("tcp" if port is not None else "icmp", source, target, port, "", leaves, translated)
    hit = near(snapshot, "postrouting", seen)
    by = f"by {leaves}"
    says = f"{hit}: not for what leaves {by}" if hit is not None else (
        none_does(snapshot, "postrouting", seen, f"translates {source} leaving {by}")
    )
    return Finding(
        "nat-wrong" if hit is not None else "nat-missing", Where(host, leaves, "postrouting"),
        f"{host} lets {source} out {by} as it is, and {consequence}", evidence=(Evidence("ruleset", f"{host}: {says}"),),
        fixes=_hiding(snapshot, host, leaves, source),
    )


def none_does(snapshot: Snapshot, hook: str, packet: Packet, does: str) -> str:
    """That no rule does it, as far as they are understood."""
    hit = unread(snapshot, hook, packet)
    beside = "" if hit is None else f"; what {hit} does is not foretold here"
    return f"no rule of its {hook} chains {does}{beside}"


def _hiding(snapshot: Snapshot, host: str, leaves: str, source: IP) -> tuple[Fix, ...]:
    """Masquerade what leaves there: in a chain that is there, else in a table of its own."""
    ip = _IP[source.version]
    near_by = [one.address.network for one in snapshot.addresses if source in one.address.network and not source.is_loopback]
    subnet = near_by[0] if near_by else source
    rule = (ip, "saddr", str(subnet), "oifname", leaves, "masquerade")
    chain = _chain(snapshot, ip)
    title = f"hide {subnet} behind the address of {host}:{leaves}"
    if chain is not None:
        words = (chain.family, chain.table, chain.name)
        return (fixes.fix(title, fixes.command(host, "nft", "add", "rule", *words, *rule), policy=True),)
    hook = "{ type nat hook postrouting priority 100 ; }"
    made = fixes.command(host, "nft", "add", "table", ip, "hiding", undo=(("nft", "delete", "table", ip, "hiding"),))
    return (fixes.fix(
        title, made, fixes.command(host, "nft", "add", "chain", ip, "hiding", "out", hook),
        fixes.command(host, "nft", "add", "rule", ip, "hiding", "out", *rule), policy=True,
    ),)


def _chain(snapshot: Snapshot, family: str) -> NatChain | None:
    return next((one for one in snapshot.nat if one.hook == "postrouting" and one.family in {"inet", family}), None)
