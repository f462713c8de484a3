"""Plans as folders: current.lab.yaml (absent: no lab runs) and desired.lab.yaml give plan.txt. A new case is a new folder.

Written anew by `VETHLAB_GOLDEN=write`; read the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vethlab.kernel.fake import Fake
from vethlab.model.state import State
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff
from vethlab.spec import load

CASES = sorted(path.parent for path in (Path(__file__).parent / "plan").glob("*/desired.lab.yaml"))


def plan(folder: Path) -> str:
    """The plan of a case as text: what, why, and the commands a person would type."""
    kernel, current = Fake(), folder / "current.lab.yaml"
    if current.exists():
        kernel.apply(diff(State(), desired(load(str(current)))))
    wanted = desired(load(str(folder / "desired.lab.yaml")))
    actual = kernel.read(kernel.names(), [(name, key) for name, one in wanted.netns.items() for key in one.sysctls])
    lines = []
    for one in diff(actual, wanted):
        lines += [f"{one.action} {one.object}: {one.reason}", *[f"    {one.netns}# {command}" for command in one.commands()]]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_a_plan_is_what_it_was(folder: Path) -> None:
    """The changes, their reasons, their order and their commands are as recorded."""
    found, expected = plan(folder), folder / "plan.txt"
    if os.environ.get("VETHLAB_GOLDEN") == "write":
        expected.write_text(found, encoding="utf-8")
    assert expected.read_text(encoding="utf-8") == found
