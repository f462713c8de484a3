"""A machine of a test's own, as root: its network namespace is what `host: machine` joins, so the real one is never touched."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kernel.survival.machine import Machine, machine
from tests.system.machine.switched import OWN, start


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Machine]:
    """A machine on which root's labs run."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with machine(tmp_path, "root") as made:
        yield made


@pytest.fixture
def switching(here: Machine) -> Machine:
    """One with an Open vSwitch that runs and has a bridge, a port and rules."""
    start(here)
    here.run("sh", "-ec", OWN)
    return here
