"""Keepers for tests: in both modes as root, rootless only as an ordinary user; whatever a test leaves running is ended."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import cast

import pytest
from tests.kernel.keep.keepers import Spawn

from vethlab.keep.client import Keeper, Mode
from vethlab.keep.registry import found_labs

_serial = count(1)


@pytest.fixture(params=["rootless", "root"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """How the keeper holds the lab."""
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("root mode needs root")
    return cast("Mode", request.param)


@pytest.fixture
def lab_name() -> Iterator[str]:
    """A name that no other test and no other run uses; a lab left under it is killed."""
    name = f"keep-{os.getpid()}-{next(_serial)}"
    yield name
    for found in found_labs():
        if found.name == name:
            with suppress(ProcessLookupError):  # it was about to end by itself
                os.kill(found.pid, signal.SIGKILL)


@pytest.fixture
def spawn(lab_name: str, mode: Mode) -> Iterator[Spawn]:
    """Start the keeper of the test's lab, holding the given namespaces."""
    made = []

    def start(*names: str) -> Keeper:
        keeper = Keeper.spawn(lab_name, mode)
        made.append(keeper)
        keeper.create(names)
        return keeper

    yield start
    for keeper in made:
        keeper.close()  # what was not committed ends with it
