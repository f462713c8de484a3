"""The wheel holds all that is needed: it works where the source tree is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel was built and installed, without a network and without its dependencies (this environment has them)."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("vethlab-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", str(folder / "site"), str(wheel)], check=True)
    return folder / "site"


def test_the_wheel_builds_a_lab_elsewhere(installed: Path, tmp_path: Path) -> None:
    """The program of the wheel comes from the wheel, builds a lab, checks it and takes it down."""
    environment = os.environ | {"PYTHONPATH": str(installed)}

    def vethlab(*arguments: str) -> str:
        argv = [sys.executable, str(installed / "bin" / "vethlab"), *arguments]
        return subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    place = [sys.executable, "-c", "import vethlab; print(vethlab.__file__)"]
    where = subprocess.run(place, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert str(installed / "vethlab" / "__init__.py") == where.strip()
    (tmp_path / "wheel.lab.yaml").write_text("name: wheel-test\nlinks: [a -- b]\n")
    vethlab("up")
    try:
        assert {"lab": "wheel-test", "ok": True, "passed": 2, "of": 2} == {
            key: value for key, value in json.loads(vethlab("check", "-o", "json")).items() if key in {"lab", "ok", "passed", "of"}
        }
    finally:
        vethlab("down")


def test_the_wheel_is_typed_and_licensed(installed: Path) -> None:
    """Type checkers of users see our annotations, and the licence travels along."""
    assert (True, True) == ((installed / "vethlab" / "py.typed").exists(), any(installed.glob("vethlab-*.dist-info/licenses/LICENSE")))
