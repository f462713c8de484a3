"""Files that stand for more than a machine holds are answered quickly."""

from __future__ import annotations

import time

import pytest

from vethlab import spec
from vethlab.errors import SpecErrors


@pytest.mark.parametrize("text", [
    "nodes: [" + ", ".join(f"{chr(97 + one)}{chr(97 + two)}1..10000" for one in range(26) for two in range(26)) + "]",
    "checks:\n" + "  - ping a1..10000 -> b1..10000\n" * 1000,
    "networks:\n" + "".join(f"  br{number}: {{nodes: [a1..10000]}}\n" for number in range(300)),
    "links:\n" + "  - mesh: a1..1000 -- b1..1000\n" * 1000,
    "links:\n" + "  - spread: a1..10000 -- b\n" * 1000,
])
def test_ranges_have_a_limit_over_the_whole_file(text: str) -> None:
    """Whatever the ranges stand for together, the answer is a mistake within seconds."""
    begun = time.process_time()
    with pytest.raises(SpecErrors) as caught:
        spec.loads(f"name: x\n{text}")

    assert "too-large" in {error.slug for error in caught.value.errors}
    assert time.process_time() - begun < 30
