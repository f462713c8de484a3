"""Golden mistakes: adding a case is adding a folder with an input.lab.yaml and an error.txt."""

from __future__ import annotations

from pathlib import Path

import pytest

from vethlab import spec
from vethlab.errors import SpecErrors

CASES = sorted((Path(__file__).parent / "errors").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_wrong_lab_file_is_answered_with_this_text(case: Path) -> None:
    """Every mistake of the file is told at its place, all in one go, with exit code 2."""
    text = (case / "input.lab.yaml").read_text(encoding="utf-8")

    with pytest.raises(SpecErrors) as caught:
        spec.loads(text, "input.lab.yaml")

    assert (case / "error.txt").read_text(encoding="utf-8") == spec.render(caught.value) + "\n"
    assert 2 == caught.value.exit_code
