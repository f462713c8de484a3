"""In which order boxes stand in their columns: few crossings, and otherwise the order of the file.

Enters: columns and the links between neighbouring ones; leaves: columns in a better order. Rule of the file: barycentres, swept to and
fro (Sugiyama, Tagawa and Toda 1981), and the best order that was met is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["Link", "crossings", "ordered"]

Link = tuple[int, float, int, float]  # a slot, where in it (0 to 1); a slot of the next column, where in that
SWEEPS = 8
Pull = Mapping[int, Sequence[tuple[int, float]]]  # for a slot: its neighbours on one side, and where in them


def ordered(
    columns: Sequence[Sequence[int]], links: Sequence[Link], fixed: Mapping[int, Sequence[float]], *, keep: bool = True,
) -> list[list[int]]:
    """The slots of each column in a good order. `fixed`: ranks, from 0 to 1, that a slot is drawn to from outside.

    `keep`: an order that is no better is not taken.
    """
    best = [list(column) for column in columns]
    fewest = crossings(best, links)
    now = [list(column) for column in best]
    left: dict[int, list[tuple[int, float]]] = {}
    right: dict[int, list[tuple[int, float]]] = {}
    for a, in_a, b, in_b in links:
        right.setdefault(a, []).append((b, in_b))
        left.setdefault(b, []).append((a, in_a))
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        for number in range(len(now)) if forth else reversed(range(len(now))):
            beside = number - 1 if forth else number + 1
            places = {slot: place for place, slot in enumerate(now[beside])} if 0 <= beside < len(now) else {}
            now[number] = _sorted(now[number], left if forth else right, places, fixed)
        found = crossings(now, links)
        if found < fewest or (found == fewest and not keep):
            best, fewest = [list(column) for column in now], found
    return best


def crossings(columns: Sequence[Sequence[int]], links: Sequence[Link]) -> int:
    """How many pairs of links cross."""
    place = {slot: rank for column in columns for rank, slot in enumerate(column)}
    column_of = {slot: number for number, column in enumerate(columns) for slot in column}
    between: dict[int, list[tuple[float, float]]] = {}
    for a, in_a, b, in_b in links:
        between.setdefault(column_of[a], []).append((place[a] + in_a, place[b] + in_b))
    return sum(
        (a - c) * (b - d) < 0 for group in between.values() for number, (a, b) in enumerate(group) for c, d in group[:number]
    )


def _sorted(column: Sequence[int], near: Pull, places: Mapping[int, int], fixed: Mapping[int, Sequence[float]]) -> list[int]:
    """By the mean place of the neighbours; a slot without any keeps its own."""
    size, keys = len(column), {}
    for place, slot in enumerate(column):
        found = [(places[other] + inside) / len(places) for other, inside in near.get(slot, ()) if other in places]
        found += fixed.get(slot, ())
        keys[slot] = sum(found) / len(found) if found else (place + 0.5) / size
    return sorted(column, key=lambda slot: keys[slot])
