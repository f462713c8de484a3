"""Random labs with random faults: what `why` says is what was injected, and a healthy lab is called so.

`./dev test` judges as many as fit into some seconds, `./dev faults` the whole corpora; the score is printed, and with it the seed.
The `planes` are labs with switches, overlays, macvlans, translated addresses and rates (tests/faults/planes).
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, wait
from math import comb
from typing import Any

import pytest
from tests.faults.crew import HANDS, crew
from tests.faults.planes import KINDS
from tests.faults.score import Case, Score, run_case
from tests.kernel.survival.corpus import LONG, SEED, told

pytestmark = [pytest.mark.kernel, pytest.mark.long]

ENOUGH = 0.97
BAD_LUCK = 0.01  # how rarely a sample may fail although the whole corpus would not


@pytest.mark.parametrize(
    ("corpus", "first", "size", "seconds"), [("faulted", 0, 500, 11.0), ("healthy", 500, 300, 3.0), ("double", 800, 100, 4.0)],
    ids=["faulted", "healthy", "double"],
)
def test_random_labs(corpus: str, first: int, size: int, seconds: float) -> None:
    """At least 97 of 100 answers name what was injected, and nothing that works is accused."""
    _prove(corpus, first, size, seconds, kinds=())


@pytest.mark.skipif(shutil.which("ovs-vswitchd") is None or not os.access("/dev/net/tun", os.W_OK), reason="no Open vSwitch for us")
@pytest.mark.parametrize(
    ("corpus", "first", "size", "seconds"), [("faulted", 1000, 400, 8.0), ("healthy", 1400, 200, 3.0), ("double", 1600, 100, 0.0)],
    ids=["faulted", "healthy", "double"],
)
def test_random_labs_on_other_planes(corpus: str, first: int, size: int, seconds: float) -> None:
    """The same of switches, overlays, macvlans and translated addresses."""
    _prove(corpus, first, size, seconds, kinds=tuple(KINDS))


def _prove(corpus: str, first: int, size: int, seconds: float, *, kinds: tuple[str, ...]) -> None:
    if not (LONG or seconds):
        pytest.skip("whole, or not at all")
    seeds = [SEED * 100_000 + first + number for number in range(size)]
    until = time.monotonic() + (float("inf") if LONG else seconds)
    asked = {"healthy": corpus == "healthy", "double": corpus == "double", "kinds": kinds}
    score = _judged(seeds, asked, until=until)
    (good, of), (fine, well) = score.right("fault"), score.right("healthy")
    missed = [f"{case.seed} {case.name}: {case.problem}" for case in score.cases if case.problem]
    names = ", ".join(f"{name} {times}" for name, times in Counter(case.name for case in score.cases if case.problem).items())
    times = sorted(case.seconds for case in score.cases)
    said = (
        f"{'planes, ' if kinds else ''}{corpus} {good} of {of} right, {fine} of {well} without alarm,"
        f" median {times[len(times) // 2]:.2f} s, worst {times[-1]:.2f} s{f', missed: {names}' if names else ''}"
    )
    print("\n".join([f"score: {said}", *missed]))
    assert (well, True) == (fine, of - good <= _misses(of)), told("\n".join([said, *missed]))
    assert len(score.cases) - of - well <= max(2, len(score.cases) // 20), told(f"skipped: {[case.said for case in score.cases]}")


def _misses(of: int) -> int:
    """How many may be wrong: 3 of 100 of the whole corpus; of a sample as many as one such has by bad luck (a binomial quantile)."""
    if LONG:
        return int((1 - ENOUGH) * of)
    wrong, left = 0, 1 - ENOUGH**of
    while left > BAD_LUCK:
        wrong += 1
        left -= comb(of, wrong) * (1 - ENOUGH) ** wrong * ENOUGH ** (of - wrong)
    return wrong


def _judged(seeds: list[int], asked: dict[str, Any], *, until: float) -> Score:
    """Lab after lab, several at once, until all have had their turn or the time is over."""
    score, running = Score(), dict[Future[Case], int]()
    with crew() as hands:
        for seed in seeds:
            if time.monotonic() > until:
                break
            running[hands.submit(run_case, seed, mode="auto", **asked)] = seed
            if len(running) == HANDS:
                for one in wait(running, return_when=FIRST_COMPLETED).done:
                    score.cases.append(_case(one, running.pop(one)))
        score.cases += [_case(one, seed) for one, seed in running.items()]
    return score


def _case(future: Future[Case], seed: int) -> Case:
    """What came of it; an exception is a problem as well."""
    error = future.exception()
    return future.result() if error is None else Case(seed, "exception", f"{type(error).__name__}: {error}")
