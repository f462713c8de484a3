"""Golden lab files: adding a case is adding a folder with an input.lab.yaml and an expanded.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from vethlab import spec

CASES = sorted((Path(__file__).parent / "spec").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_lab_file_has_this_canonical_form(case: Path) -> None:
    """The expanded form of a file is the one beside it, and means the same lab."""
    topology = spec.load(str(case / "input.lab.yaml"))

    assert (case / "expanded.yaml").read_text(encoding="utf-8") == spec.to_yaml(topology)
    assert topology == spec.load(str(case / "expanded.yaml"))
