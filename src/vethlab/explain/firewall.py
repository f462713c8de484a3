"""An nftables drop that was seen, as an obstacle, with the least change of policy that lets this packet pass.

Enters: a FirewallDrop and the way; leaves: an obstacle, or None if the packet was seen behind it. Rule of the file: never "turn the
firewall off". A rule that names what it drops can go; a bare drop or a policy stays, and the packet gets an accept in front of it.
"""

from __future__ import annotations

from dataclasses import replace

from vethlab.explain import fixes
from vethlab.explain.tunnel import inside
from vethlab.explain.way import Obstacle, Way
from vethlab.model.address import IP
from vethlab.model.finding import Evidence, Finding, Fix, Where
from vethlab.model.flow import TCP, UDP
from vethlab.model.journey import ANSWER, ERROR, REPLY, SOLICIT, FirewallDrop, Outer
from vethlab.model.nat import TABLE_PREFIX

__all__ = ["letting", "obstacle"]

_NAT = frozenset({"nat-missing", "nat-wrong"})


def obstacle(drop: FirewallDrop, way: Way, last: int, *, refused: bool) -> Obstacle | None:
    """Where on the way it stands. `refused`: what came back was no reply but a refusal, which a rule may have sent."""
    if drop.what == ERROR:
        return None
    if drop.outer is not None:
        return _carrier(drop, drop.outer, way, last)
    places = [number for number, point in enumerate(way.points) if point.node == drop.node and point.what == drop.what]
    if places and last > max(places) and not (refused and drop.rejects):
        return None
    slug = "nft-reject" if drop.rejects else "nft-drop"
    verb = "rejects" if drop.rejects else "drops"
    line = _line(drop)
    leg = next((way.points[number].leg for number in places if number >= last), None) or ("reply" if drop.what == REPLY else "request")
    summary = f"{line} in {drop.node} {verb} the {_word(drop.what, way)}"
    evidence = Evidence("nft-trace", f"{drop.node}: {line} ({drop.hook}): {drop.text or 'policy drop'}")
    if drop.table.startswith(TABLE_PREFIX):  # our own rule stops what was not translated; that is the cause
        bare = next((one.finding for one in way.obstacles if one.finding.slug in _NAT and one.finding.where.node == drop.node), None)
        if bare is not None:
            return Obstacle(last + 1, replace(bare, evidence=(*bare.evidence, evidence)))
    return Obstacle(last + 1, Finding(
        slug, Where(drop.node, drop.interface, drop.hook), summary, direction=leg, evidence=(evidence,), fixes=letting(drop, way),
    ))


def letting(drop: FirewallDrop, way: Way) -> tuple[Fix, ...]:
    """The least changes with which that rule lets this packet be."""
    return _fixes(drop, f"{drop.family} {drop.table} {drop.chain}", _word(drop.what, way), _match(drop, way))


def _carrier(drop: FirewallDrop, outer: Outer, way: Way, last: int) -> Obstacle | None:
    """A packet that carries others was stopped, and ours ended where such a packet was the next thing to be seen, or the last."""
    behind = next((point for point in way.points[last + 1 :] if not point.asked), None)  # a rule for output comes before any neighbour
    around = [*way.points[max(last, 0) : last + 1], *([] if behind is None else [behind])]
    if outer not in way.outers or not any(point.towards == outer.target for point in around):
        return None
    line = _line(drop)
    match = (*_ends(outer.source, outer.target), "udp", "dport", str(outer.port))
    chain = f"{drop.family} {drop.table} {drop.chain}"
    found = Finding(
        "nft-reject" if drop.rejects else "nft-drop", Where(drop.node, drop.interface, drop.hook),
        f"{line} in {drop.node} {'rejects' if drop.rejects else 'drops'} VXLAN packets to {outer.target}",
        evidence=(Evidence("nft-trace", f"{drop.node}: {line} ({drop.hook}): {drop.text or 'policy drop'}"),),
        fixes=_fixes(drop, chain, "VXLAN packets", match),
    )
    return Obstacle(last + 1, replace(inside(found, outer.sender, outer.receiver), direction=around[-1].leg))


def _line(drop: FirewallDrop) -> str:
    chain = f"{drop.family} {drop.table} {drop.chain}"
    return f"{chain} handle {drop.handle}" if drop.handle is not None else f"the policy of {chain}"


def _ends(source: IP, target: IP) -> tuple[str, ...]:
    family = "ip" if source.version == 4 else "ip6"
    return family, "saddr", str(source), family, "daddr", str(target)


def _fixes(drop: FirewallDrop, chain: str, word: str, match: tuple[str, ...]) -> tuple[Fix, ...]:
    words = chain.split()
    if drop.handle is None:
        accept = fixes.command(drop.node, "nft", "add", "rule", *words, *match, "accept")
        return (fixes.fix(f"accept the {word} in {chain} of {drop.node}", accept, policy=True),)
    insert = fixes.command(drop.node, "nft", "insert", "rule", *words, "position", str(drop.handle), *match, "accept")
    before = fixes.fix(f"accept the {word} ahead of that rule in {drop.node}", insert, policy=True)
    if not drop.specific:
        return (before,)
    again = ("nft", "insert", "rule", *words, *(("index", str(drop.position)) if drop.position else ()), drop.text)
    delete = fixes.command(drop.node, "nft", "delete", "rule", *words, "handle", str(drop.handle), undo=(again,) if drop.text else ())
    return (fixes.fix(f"delete that rule from {drop.node}", delete, policy=True), before)


def _match(drop: FirewallDrop, way: Way) -> tuple[str, ...]:
    """An nft expression for packets like this one."""
    flow = way.flow
    if flow is None or flow.src.address is None or flow.dst.address is None:
        return ()
    if drop.what in {SOLICIT, ANSWER}:
        if flow.version == 6:
            return ("icmpv6", "type", "nd-neighbor-solicit" if drop.what == SOLICIT else "nd-neighbor-advert")
        return () if drop.family == "arp" else ("ether", "type", "arp")
    back = drop.what == REPLY
    source, target = (flow.dst.address, flow.src.address) if back else (flow.src.address, flow.dst.address)
    ends = _ends(drop.source or source, drop.target or target)
    if flow.kind in {TCP, UDP}:
        return (*ends, flow.kind, "sport" if back else "dport", str(drop.port or flow.port))
    return (*ends, "icmp" if flow.version == 4 else "icmpv6", "type", "echo-reply" if back else "echo-request")


def _word(what: str, way: Way) -> str:
    six = way.flow is not None and way.flow.version == 6
    asked, answered = ("neighbour solicitation", "neighbour advertisement") if six else ("ARP request", "ARP reply")
    return {SOLICIT: asked, ANSWER: answered}.get(what, what)
