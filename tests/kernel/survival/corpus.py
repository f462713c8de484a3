"""How much of a corpus runs, and from which seed: a sample in `./dev test`, everything in `./dev long` (VETHLAB_LONG=1).

VETHLAB_FUZZ_SEED repeats a run; the seed stands in the message of everything that fails.
"""

import os
import random
from collections.abc import Iterator

LONG = os.environ.get("VETHLAB_LONG") == "1"
SEED = int(os.environ.get("VETHLAB_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)


def amount(sample: int, whole: int) -> int:
    """How many to run: `sample`, or `whole` in the long run."""
    return whole if LONG else sample


def moments(sample: int, whole: int, seconds: float, salt: str) -> Iterator[float]:
    """Random moments spread evenly over that many seconds: one in each of as many equal parts, in random order."""
    draw = random.Random(f"{SEED} {salt}")  # noqa: S311 - to be repeated, not to be secret
    count = amount(sample, whole)
    for part in draw.sample(range(count), count):
        yield (part + draw.random()) / count * seconds


def told(what: str) -> str:
    """A message with what it takes to see it again."""
    return f"{what} [VETHLAB_FUZZ_SEED={SEED}{' VETHLAB_LONG=1' if LONG else ''}]"
