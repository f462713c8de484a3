"""A lab that grows and shrinks again and again: its keeper does not."""

import time
from pathlib import Path

import pytest
from tests.kernel.survival.corpus import amount, told
from tests.kernel.survival.machine import Machine, until

pytestmark = [pytest.mark.kernel, pytest.mark.long]
SIZES = (3, 30, 1)


def held(here: Machine) -> tuple[int, int]:
    """Descriptors and resident KiB of the keeper, from its /proc."""
    keeper = Path(f"/proc/{here.init}/root/proc/{here.labs()['tide']}")
    resident = next(int(line.split()[1]) for line in (keeper / "status").read_text().splitlines() if line.startswith("VmRSS:"))
    return sum(1 for _ in (keeper / "fd").iterdir()), resident


def settled(here: Machine) -> tuple[int, int]:
    """The same once no client is connected any more: the lowest of twenty looks over a fifth of a second."""
    seen = []
    for _ in range(20):
        seen.append(held(here))
        time.sleep(0.01)
    return min(seen)


def test_a_keeper_does_not_grow(here: Machine) -> None:
    """From 3 to 30 to 1 nodes, over and over: descriptors are those of the first round, memory grows by less than 512 KiB."""
    rounds: list[tuple[int, int]] = []
    for _ in range(amount(4, 20)):
        for size in SIZES:
            nodes = f"nodes: {{n1..{size}: {{}}, n{size + 1}: {{run: sleep 1000}}}}\n"
            here.write("tide", f"{nodes}networks:\n  br0: {{subnet: 10.7.0.0/24, nodes: [n1..{size + 1}]}}\n")
            here.ok("up")
        # The keeper notices a moment later that the last `up` has hung up
        until(lambda: settled(here)[0] <= (rounds or [(99, 0)])[0][0], lambda: f"{rounds} {held(here)}")
        rounds.append(settled(here))
    assert {rounds[0][0]} == {descriptors for descriptors, _ in rounds}, told(str(rounds))
    assert rounds[-1][1] - rounds[1][1] < 512, told(str(rounds))
    assert 1 == sum(command.startswith("sleep\x001000") for command in here.processes().values())
    print(f"survival: keeper after each round of {SIZES}, (descriptors, KiB): {rounds}")
    here.ok("down", "tide", "--wait")
    here.must_be_empty("by down")
