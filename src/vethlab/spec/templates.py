"""The texts of `vethlab init`. Enters: a name. Leaves: the text of a lab file.

Rule of the file: a template is a file below `starters/`, short enough to be read at a glance, and it comes up as it is.
"""

from __future__ import annotations

import os

from vethlab.errors import UsageError
from vethlab.spec.mistakes import did_you_mean

NAMES = (
    "pair", "same-namespace", "direct", "bridge", "gateway", "docker", "ovs", "overlay", "routed", "dual-stack", "star", "fabric",
)
_FOLDER = os.path.join(os.path.dirname(__file__), "starters")  # noqa: PTH118, PTH120 - as in `file`


def text(name: str) -> str:
    """The text of a template."""
    if name not in NAMES:
        raise UsageError(f"there is no template `{name}`", slug="unknown-template",
                         help=did_you_mean(name, NAMES) or f"templates: {', '.join(NAMES)}")
    with open(os.path.join(_FOLDER, f"{name}.lab.yaml"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        return file.read()
