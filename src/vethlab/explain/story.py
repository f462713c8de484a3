"""The whole conversation about one flow: walk its way, have it observed, compare, conclude. The page to read first of this folder.

Enters: a Flow, the Wiring; leaves: an Explanation. Rule of the file: the order of thoughts only; each thought is a file of its own.
"""

from __future__ import annotations

from dataclasses import replace

from vethlab.explain import compare, rewritten
from vethlab.explain.fixes import candidates
from vethlab.explain.questions import Observe
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.seen import hops, notes
from vethlab.explain.walk import Walked, walk
from vethlab.explain.warnings import warnings
from vethlab.explain.way import Way
from vethlab.model.address import IP
from vethlab.model.finding import PROVEN, REPLY, Evidence, Explanation, Finding, Where
from vethlab.model.flow import UDP, Flow
from vethlab.model.journey import REPLY as ANSWERED
from vethlab.model.journey import SOLICIT, Observed
from vethlab.model.snapshot import Drift, Wiring

__all__ = ["explain"]

MOST_NODES = 1 << 20


def explain(flow: Flow, wiring: Wiring, *, hasty: bool = False) -> Asking[Explanation]:
    """Why this flow does not arrive, or how it does. Yields questions and is sent their answers.

    `hasty`: nothing is sent where the walk alone meets an obstacle.
    """
    if flow.dst.address is None:
        where = Where(flow.dst.node or "", flow.dst.interface, "neighbour")
        says = Evidence("configuration", f"no interface of {flow.dst} has an address, and the lab file gives it none")
        return Explanation(ok=False, verdict=Finding("no-address", where, f"{flow.dst} has no address", grade=PROVEN, evidence=(says,)))
    scene = Scene(wiring)
    walked = yield from walk(scene, flow)
    if hasty and any(not one.suspect for one in walked.way.obstacles):
        return _conclude(walked, Observed(ok=False), [], (yield from _drift(scene, walked, [])))
    translated = [address for one in walked.way.bindings for address in (one.now_source, one.now_target)]
    concerned = [address for address in (flow.dst.address, walked.source, *translated) if address is not None]
    found = yield from warnings(scene, walked.way, concerned)
    solicits = tuple(dict.fromkeys((one.node, one.about) for one in walked.way.points if one.what == SOLICIT and one.about is not None))
    targets = tuple((one.now_target, one.now_port) for one in walked.way.bindings)
    observed: Observed = yield Observe(
        flow, _watched(flow, walked, found), walked.interface, solicits, _waits(scene, solicits), targets,
        tuple(dict.fromkeys(walked.way.outers)),
    )
    if observed.ok and flow.kind == UDP and observed.rtt_us is None and _answer_lost(observed):
        observed = replace(observed, ok=False, reason="it arrived and was answered, but the answer did not come back")
    yield from rewritten.account(walked.way, observed)
    drift = () if observed.ok and not found else (yield from _drift(scene, walked, found))
    return _conclude(walked, observed, found, drift)


def _drift(scene: Scene, walked: Walked, found: list[Finding]) -> Asking[tuple[Drift, ...]]:
    """Of the namespaces where something may be wrong."""
    blamed = [*found, *(one.finding for one in walked.way.obstacles)]
    return (yield from scene.drift(*scene.snapshots, *walked.way.nodes, *(one.where.node for one in blamed)))


def _answer_lost(observed: Observed) -> bool:
    """A datagram that was delivered counts as passed; not if its receiver was seen to answer in vain."""
    return any(one.what == ANSWERED for one in observed.sightings) or any(one.what == ANSWERED for one in observed.firewall)


def _waits(scene: Scene, solicits: tuple[tuple[str, IP], ...]) -> bool:
    """Whether a question is under way that somebody asked before us."""
    return any(
        entry.state == "incomplete" and entry.address == address
        for node, address in solicits if node in scene.snapshots for entry in scene.snapshots[node].neighbours
    )


def _watched(flow: Flow, walked: Walked, found: list[Finding]) -> tuple[str, ...]:
    """The namespaces of the way, and those of whoever else might get the packet."""
    names = dict.fromkeys(walked.way.nodes)
    names |= dict.fromkeys(one.where.node for one in found)
    ends = [name for name in (flow.src.node, flow.dst.node) if name is not None]
    return tuple(dict.fromkeys([*ends, *names]))


def _conclude(walked: Walked, observed: Observed, found: list[Finding], drift: tuple[Drift, ...]) -> Explanation:
    way = walked.way
    request, reply = hops(way, observed)
    base = Explanation(
        ok=observed.ok, request=request, reply=reply, expected=tuple(f"{one.node}:{one.interface}" for one in way.points),
        rtt_us=observed.rtt_us, reason=observed.reason, notes=notes(walked, observed),
    )
    if observed.ok:
        return replace(base, warnings=tuple(_with_fixes(one, drift) for one in (*found, *_unproven(way, observed))))
    blamed, at = compare.verdict(way, observed, found)
    further = compare.also(way, blamed, at)
    told = {(one.slug, one.where) for one in (blamed, *further)}
    return replace(
        base, reached=_reached(way, blamed, at), verdict=_with_fixes(blamed, drift), also=tuple(_with_fixes(one, drift) for one in further),
        warnings=tuple(one for one in found if (one.slug, one.where) not in told),
    )


def _reached(way: Way, blamed: Finding, at: int) -> int:
    """How far it came, whatever was known of neighbours before: the nodes it touched."""
    behind = MOST_NODES if blamed.direction == REPLY else 0
    return behind + len({point.node for point in way.points[:at] if point.leg == blamed.direction})


def _unproven(way: Way, observed: Observed) -> list[Finding]:
    """A datagram that arrived and was not answered proves nothing of the way back: obstacles there will bite."""
    last = compare.last_seen(way, observed)
    if observed.rtt_us is not None or any(point.leg == REPLY for point in way.points[: last + 1]):
        return []  # the answer came, whatever the walk thought of its way
    return [one.finding for one in way.obstacles if not one.suspect and one.at > last and one.finding.direction == REPLY]


def _with_fixes(found: Finding, drift: tuple[Drift, ...]) -> Finding:
    if found.inner is not None:  # what mends the underlay mends the overlay
        inner = _with_fixes(found.inner, drift)
        return replace(found, inner=inner, fixes=inner.fixes)
    return replace(found, fixes=candidates(found, drift))
