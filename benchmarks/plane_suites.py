"""Data planes, measured: each made by vethlab beside the same made by hand, and beside loopback.

What enters: a folder, unused. What leaves: rows. Rule of the file: all sides run in every round, in another order each time, and a ratio
is the median of the rounds' own, so that what else the machine does hits both; noise is what the same thing by hand twice differs by.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.by_hand import PLANES
from benchmarks.measure import Row, private, quiet, result, subject

ROUNDS = 9
SIDES = ("ours", "hand", "again")
Rounds = dict[str, list[dict[str, float]]]


def planes(_: Path) -> Iterator[Row]:
    """Every plane: TCP, UDP and round trips, and TCP beside loopback."""
    for plane in PLANES:
        found: Rounds = {side: [] for side in SIDES}
        for number in range(ROUNDS):
            for side in (*SIDES[number % 3 :], *SIDES[: number % 3]):
                found[side].append(_measured("ours" if side == "ours" else "hand", plane))
        yield from _rows(plane, found)


def _measured(side: str, plane: str) -> dict[str, float]:
    quiet()
    found = result(private(*subject("planes", side, plane, "free")))
    if PLANES[plane].switched:
        quiet()
        found["rtt apart"] = result(private(*subject("planes", side, plane, "apart")))["rtt"]
    return found


def _rows(plane: str, found: Rounds) -> Iterator[Row]:
    for key, what, target in (("tcp", "TCP", 0.9), ("udp", "UDP", 0)):
        rates = {side: _rate([one[key] for one in runs]) for side, runs in found.items()}
        yield Row(f"{what}, {plane}", rates["ours"], f"by hand {rates['hand']}", _ratio(found, "ours", key), "x", target, at_least=True)
        yield Row(f"noise: {what}, {plane}, by hand twice", rates["again"], rates["hand"], _ratio(found, "again", key), "x")
    yield from _trips(f"round trip, {plane}", found, "rtt")
    if PLANES[plane].switched:
        yield from _trips(f"round trip, {plane}, its daemon on another processor", found, "rtt apart")
    for key, what in (("tcp", "TCP"), ("rtt", "round trip")):
        beside = [statistics.median(one[key] / one[f"{key} lo"] for one in found[side]) for side in ("ours", "hand")]
        yield Row(f"{what}, {plane}, to loopback", f"{beside[0]:.2f}", f"by hand {beside[1]:.2f}", beside[0] / beside[1], "x")


def _trips(what: str, found: Rounds, key: str) -> Iterator[Row]:
    took = {side: f"{statistics.median(one[key] for one in runs):.1f} us" for side, runs in found.items()}
    yield Row(what, took["ours"], f"by hand {took['hand']}", _ratio(found, "ours", key), "x", 1.1)
    yield Row(f"noise: {what}, by hand twice", took["again"], took["hand"], _ratio(found, "again", key), "x")


def _ratio(found: Rounds, side: str, key: str) -> float:
    return statistics.median(one[key] / other[key] for one, other in zip(found[side], found["hand"], strict=True))


def _rate(rates: Sequence[float]) -> str:
    """The median and, since one stream differs from the next, the quarter and three quarters of the rounds."""
    low, middle, high = (value / 1e9 for value in statistics.quantiles(rates, n=4))
    return f"{middle:.3g} ({low:.3g} to {high:.3g}) Gbit/s"
