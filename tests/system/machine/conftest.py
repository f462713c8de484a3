"""A machine of a test's own, as root: its network namespace is what `host: machine` joins, so the real one is never touched."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kernel.survival.machine import Machine, machine


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Machine]:
    """A machine on which root's labs run."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with machine(tmp_path, "root") as made:
        yield made
