"""The command line without a kernel: one command line in a clean environment, with a double in the facade's place."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest
from tests.unit.cli.double import Cli, Ran, World

import vethlab
from vethlab.present.cli.main import run


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run `vethlab WORDS...` in an empty directory, in a UTF-8 locale, without any VETHLAB_ variable."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("VETHLAB") or name in {"NO_COLOR", "FORCE_COLOR", "LC_ALL", "LC_CTYPE"}]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # reports of bugs

    def ran(*words: str) -> Ran:
        capsys.readouterr()
        status = run(words)
        seen = capsys.readouterr()
        return Ran(status, seen.out, seen.err)

    return ran


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Put the double in the facade's place."""
    double = World()
    monkeypatch.setitem(sys.modules, "vethlab.lab", double)
    monkeypatch.setattr(vethlab, "lab", double, raising=False)
    return double
