"""The lab that is rehearsed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vethlab import Lab

ROUTED = Path(__file__).parents[3] / "examples" / "routed.lab.yaml"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The campus: three hosts and a router on a bridge, one host behind the router."""
    with Lab.load(ROUTED) as running:
        yield running
