"""`vethlab explain SYSCTL` beside a running lab: the values are the kernel's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

LINES = """\
links: [a 10.0.0.1/24 -- b 10.0.0.2/24]
nodes: {a: {}, b: {sysctl: {net.ipv4.conf.all.rp_filter: 1, net.ipv4.conf.eth0.rp_filter: 2}}}
"""


def vethlab(folder: Path, *words: str) -> Any:
    """Run the program and decode its document."""
    done = subprocess.run([sys.executable, "-m", "vethlab", *words, "-o", "json"], cwd=folder, capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """A lab of one's own, up."""
    name = f"values-{os.getpid()}-{time.monotonic_ns() % 1_000_000}"
    (tmp_path / f"{name}.lab.yaml").write_text(f"name: {name}\n{LINES}")
    vethlab(tmp_path, "up")
    yield name
    vethlab(tmp_path, "down", name)


def test_the_values_of_a_running_lab_are_shown(tmp_path: Path, lab: str) -> None:
    """Each node has the values it was given, with the larger of all and the interface as the effective one."""
    found = vethlab(tmp_path, "explain", "net.ipv4.conf.all.rp_filter")["values"]
    mine = {one["node"]: (one["interface"], one["all"], one["own"], one["effective"]) for one in found if one["lab"] == lab}
    assert {"a": ("eth0", 0, 0, 0), "b": ("eth0", 1, 2, 2)} == mine
