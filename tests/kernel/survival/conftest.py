"""Machines for tests of survival: in both modes as root, rootless only as an ordinary user."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kernel.survival.machine import Machine, machine


@pytest.fixture(params=["root", "rootless"])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A machine of its own, on which `up` holds its labs in that mode."""
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("root mode needs root")
    with machine(tmp_path, request.param) as made:
        yield made
