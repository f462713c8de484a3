"""The layer contracts hold, and they would notice if they did not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the tree in `folder`."""
    call = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    environment = {"PYTHONPATH": str(folder / "src"), "PATH": "", "NO_COLOR": "1"}
    return subprocess.run([sys.executable, "-c", call], cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the source tree to spoil."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "text", "complaint"),
    [
        ("plan/planted.py", "import vethlab.kernel.port\n", "vethlab.plan is not allowed to import vethlab.kernel"),
        ("model/planted.py", "import vethlab.errors\nimport vethlab.change\n", "vethlab.model is not allowed to import vethlab.change"),
        ("spec/planted.py", "import socket\n", "vethlab.spec is not allowed to import socket"),
        ("stray.py", "", "vethlab.stray"),
    ],
    ids=["sibling", "upwards", "effect in a pure layer", "nobody's layer"],
)
def test_a_planted_violation_is_caught(tree: Path, module: str, text: str, complaint: str) -> None:
    """An import against the journey, a socket in a pure layer and a module without a layer are each refused."""
    (tree / "src/vethlab" / module).write_text(text)
    done = lint(tree)
    assert (1, True) == (done.returncode, complaint in done.stdout), done.stdout
