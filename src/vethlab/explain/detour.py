"""Whether a packet that a wider route led another way got lost there, as on no way that is meant.

Enters: a way with a leg that was walked, and what drifted; leaves: yes or no. Rule of the file: a way may be broken further on and yet be
one. It is none if it goes in a circle, ends at a reverse path filter or outside of the lab, or leads to somebody who never knew further:
what he has is what the lab file says.
"""

from __future__ import annotations

from collections.abc import Collection

from vethlab.explain.fixes import KINDS
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.way import Obstacle, Way

__all__ = ["gets_lost"]

OF_STRAYING = frozenset({"routing-loop", "rp-filter"})  # what a packet meets because it does not go the way that is meant for it
UNKNOWING = frozenset({"no-route", "no-return-route", "route-blackhole", "wrong-gateway", "not-for-us", "neighbour-unresolved"})


def gets_lost(scene: Scene, way: Way, leg: Collection[Obstacle]) -> Asking[bool]:
    """Of a leg with detours: whether they led nowhere. `leg`: all its obstacles."""
    if way.left is not None or any(one.finding.slug in OF_STRAYING for one in leg):
        return True
    ends = [one.finding for one in leg if one.finding.slug in UNKNOWING and not one.suspect and not one.is_detour]
    drift = (yield from scene.drift(*(one.where.node for one in ends))) if ends else ()
    changed = {(one.node, one.kind) for one in drift}
    return any(not any((one.where.node, kind) in changed for kind in KINDS[one.slug]) for one in ends)
