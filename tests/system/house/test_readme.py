"""The README's first minute and its Python work when pasted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def pasted(language: str, after: str) -> str:
    """The first code block of a language after a heading."""
    found = re.search(rf"^## {after}$.*?^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_first_minute_works_when_pasted(tmp_path: Path) -> None:
    """The shell commands of the first minute, one after the other in an empty directory, end as told."""
    commands = pasted("sh", "The first minute")
    told = re.sub(r"^(\S.*?) +# exit status (\d).*$", r"\1 && exit 99 || [ $? = \2 ]", commands, flags=re.MULTILINE)
    done = subprocess.run(["/bin/sh", "-ec", told], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (0, True, True) == (done.returncode, "$? = 1" in told, "b:eth0 is down" in done.stdout), done.stdout + done.stderr


def test_the_python_of_the_first_minute_works(tmp_path: Path) -> None:
    """The Python of the first minute runs and explains what it broke."""
    done = subprocess.run(
        [sys.executable, "-c", pasted("python", "The first minute")], cwd=tmp_path, capture_output=True, text=True, check=False,
    )
    assert (0, "b:eth0 is down\n") == (done.returncode, done.stdout), done.stdout + done.stderr
