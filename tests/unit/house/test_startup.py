"""Start-up stays cheap: what the hot path may not import."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "asyncio", "concurrent.futures", "email", "http", "importlib.metadata", "logging", "pyroute2", "rich", "subprocess", "unittest",
    "urllib.request",
}
ENGINE = ("vethlab.kernel", "vethlab.keep", "vethlab.spec", "vethlab.plan", "vethlab.apply", "vethlab.probe", "vethlab.lab")


def loaded(code: str) -> set[str]:
    """The modules a fresh interpreter has after running `code`."""
    done = subprocess.run([sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["version"], ["--help"]], ids=" ".join)
def test_small_commands_load_nothing_heavy(arguments: list[str]) -> None:
    """`vethlab version` and `vethlab --help` load no heavy module, and nothing of the engine."""
    modules = loaded(f"from vethlab.present.cli.main import run\nassert 0 == run({arguments!r})")
    assert {"click", "vethlab.present.cli.command"} <= modules
    assert set() == (HEAVY & modules) | {name for name in modules if name.startswith(ENGINE)}


def test_the_package_itself_is_light() -> None:
    """`import vethlab` alone loads no other module of it: the keeper pays for this import too."""
    assert {"vethlab"} == {name for name in loaded("import vethlab") if name.split(".")[0] == "vethlab"}


def test_the_facade_loads_nothing_heavy() -> None:
    """`from vethlab import Lab` brings neither a terminal library nor a process library."""
    assert set() == HEAVY & loaded("from vethlab import Lab")
