"""Labs for probing: made real from a few lines, broken by hand, probed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from vethlab.lab import Lab

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.probe.breaking import Up


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Makes the lab of a lab file's text real until the test ends."""
    with ExitStack() as stack:

        def make(text: str) -> Lab:
            file = tmp_path / "probe.lab.yaml"
            file.write_text(text)
            return stack.enter_context(Lab.load(file))

        yield make
