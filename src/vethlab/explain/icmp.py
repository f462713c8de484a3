"""What an ICMP error says that came back to the sender (RFC 792, RFC 1812, RFC 4443).

Enters: the error, the way, what was seen; leaves: an obstacle. Rule of the file: an error names
who gives up, not whose fault it is: the TTL
that runs out at one node was made too small at another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from vethlab.explain.way import Obstacle, Way
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.journey import REQUEST, IcmpError, Observed

__all__ = ["TIME_EXCEEDED", "arrived", "speaker", "told", "worded"]

TIME_EXCEEDED = {4: (11, 0), 6: (3, 0)}
SLUGS = {
    4: {(3, 0): "no-route", (3, 6): "no-route", (3, 9): "nft-reject", (3, 10): "nft-reject", (3, 13): "nft-reject", (3, 3): "port-closed"},
    6: {(1, 0): "no-route", (1, 1): "nft-reject", (1, 4): "port-closed"},
}


WORDS = {
    4: {
        (3, 0): "network unreachable", (3, 1): "host unreachable", (3, 2): "protocol unreachable", (3, 3): "port unreachable",
        (3, 4): "packet too big", (3, 9): "network prohibited", (3, 10): "host prohibited", (3, 13): "administratively prohibited",
        (11, 0): "TTL ran out",
    },
    6: {
        (1, 0): "no route", (1, 1): "administratively prohibited", (1, 2): "beyond scope of source", (1, 3): "address unreachable",
        (1, 4): "port unreachable", (2, 0): "packet too big", (3, 0): "hop limit ran out",
    },
}


def worded(error: IcmpError) -> str:
    """What an error says, in words and in numbers."""
    words = WORDS[error.sender.version].get((error.type, error.code), "an ICMP error")
    size = f", MTU {error.mtu}" if error.mtu else ""
    return f"{error.sender} says: {words} (type {error.type}, code {error.code}{size})"


def arrived(errors: Iterable[IcmpError]) -> bool:
    """Whether who refused had got the packet: no error came (TCP says no by itself), or one that a port is closed (RFC 1122, 3.2.2.1)."""
    slugs = [SLUGS[error.sender.version].get((error.type, error.code)) for error in errors]
    return not slugs or "port-closed" in slugs


def speaker(error: IcmpError, way: Way) -> str | None:
    """Who says it."""
    return next((name for name in way.nodes if error.sender in way.addresses.get(name, ())), None)


def told(error: IcmpError, way: Way, observed: Observed, last: int) -> Obstacle | None:
    """The obstacle an error stands for; None where it says nothing by itself."""
    version, node = error.sender.version, speaker(error, way)
    if node is None:
        return None
    evidence = Evidence("icmp", worded(error))
    if (error.type, error.code) == TIME_EXCEEDED[version]:
        return Obstacle(last + 1, _expired(node, way, observed, evidence))
    slug = SLUGS[version].get((error.type, error.code))
    if slug is None:
        return None
    return Obstacle(last + 1, Finding(slug, Where(node, None, "input"), f"{node} answers with an ICMP error: {slug}", evidence=(evidence,)))


def _expired(node: str, way: Way, observed: Observed, evidence: Evidence) -> Finding:
    """The TTL ran out at a node: was the packet sent with too little, or did somebody take more than one?"""
    if way.rewritten:
        written = way.rewritten[0]
        return replace(written, evidence=(evidence, *written.evidence))
    seen = [one for one in sorted(observed.sightings, key=lambda one: one.ns) if one.what == REQUEST]
    routers = len(way.routers.get(REQUEST, ())) - 1
    sent = seen[0].hops if seen else 0
    if seen and sent <= max(routers, 1):
        says = Evidence("observation", f"{seen[0].node} sends it with {sent} hops to live")
        return Finding(
            "ttl-expired", Where(seen[0].node, seen[0].interface, "output"),
            f"{seen[0].node} gives its packets {sent} hops, too few for the way",
            evidence=(evidence, says),
        )
    return Finding(
        "ttl-expired", Where(node, None, "forward"), f"the packet's hops are used up at {node}, though it was sent with {sent}",
        evidence=(evidence,),
    )
