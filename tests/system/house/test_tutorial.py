"""The tutorial works: its files and commands, in order, end as it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_tutorial_works(tmp_path: Path) -> None:
    """Every command of the tutorial ends with 0, or with the exit code printed under it."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for kind, text in BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text()):
        if kind == "yaml":
            if text.startswith(("# office", "# loopy")):
                (tmp_path / "pair.lab.yaml").unlink(missing_ok=True)
            (tmp_path / text.split("\n", 1)[0].removeprefix("# ")).write_text(text)
            continue
        for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            status = int(found[1]) if (found := re.search(r"^\[exit (\d+)\]$", printed, re.MULTILINE)) else 0
            done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert (command, status) == (command, done.returncode), done.stdout + done.stderr
