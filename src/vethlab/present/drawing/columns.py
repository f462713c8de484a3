"""How high each box stands: cables as straight as the order of the boxes allows.

Enters: columns of slots with heights, and links between their pins; leaves: the top of each slot. Rule of the file: the order stays, and
so do the gaps; within that, each box goes where its cables pull it (isotonic regression, pooled adjacent violators).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["settled"]

Link = tuple[int, float, int, float]  # a slot, the height of the pin in it; another slot, the height in that
SWEEPS = 14


def settled(
    columns: Sequence[Sequence[int]], heights: Mapping[int, float], links: Sequence[Link], gap: float, lane: float,
) -> dict[int, float]:
    """The top of each slot, the topmost at 0. `gap` between boxes, `lane` beside slots of no height, through which cables only pass."""
    tops: dict[int, float] = {}
    for column in columns:
        tops |= _spread(column, [0.0] * len(column), [1.0] * len(column), heights, gap, lane)
    around: dict[int, list[tuple[float, int, float]]] = {}
    for a, in_a, b, in_b in links:
        around.setdefault(a, []).append((in_a, b, in_b))
        around.setdefault(b, []).append((in_b, a, in_a))
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted, weights = [], []
            for slot in column:
                pulls = [tops[other] + there - here for here, other, there in around.get(slot, ())]
                wanted.append(sum(pulls) / len(pulls) if pulls else tops[slot])
                weights.append(len(pulls) * (1.0 if heights[slot] else 2.0) or 0.1)
            tops |= _spread(column, wanted, weights, heights, gap, lane)
    top = min(tops.values(), default=0)
    return {slot: round(y - top, 1) for slot, y in tops.items()}


def _spread(
    column: Sequence[int], wanted: Sequence[float], weights: Sequence[float], heights: Mapping[int, float], gap: float, lane: float,
) -> dict[int, float]:
    """The tops nearest to `wanted` that keep order and gaps."""
    offsets, at = [], 0.0
    for number, slot in enumerate(column):
        if number:
            at += heights[column[number - 1]] + (gap if heights[column[number - 1]] and heights[slot] else lane)
        offsets.append(at)
    pools: list[tuple[float, float, int]] = []  # value, weight, how many
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        pools.append((want - offset, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            value, heavy, count = pools.pop()
            before, other, number = pools.pop()
            pools.append(((value * heavy + before * other) / (heavy + other), heavy + other, count + number))
    values = [value for value, _, count in pools for _ in range(count)]
    return {slot: value + offset for slot, value, offset in zip(column, values, offsets, strict=True)}
