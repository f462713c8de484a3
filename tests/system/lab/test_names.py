"""`up --names` on a running and on a killed lab: the names follow the nodes, and leave with them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from vethlab import Lab
from vethlab.errors import HostError, LabError, NotFoundError
from vethlab.lab import clean

pytestmark = [pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="names under /run/netns need root")]
TEXT = "name: named\nnetworks:\n  br0: {{subnet: 10.1.0.0/24, nodes: [{nodes}]}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A lab file of two nodes; whatever its lab leaves is taken away."""
    path = tmp_path / "named.lab.yaml"
    path.write_text(TEXT.format(nodes="a, b"))
    yield path
    try:
        Lab.running("named").down()
    except NotFoundError:
        clean()


def named() -> set[str]:
    """The names of this lab that ip-netns(8) lists."""
    listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout.split()
    return {name for name in listed if name.startswith("named-")}


def test_names_follow_the_nodes_of_a_running_lab(file: Path) -> None:
    """A node that leaves the file loses its name (which would keep its namespace alive), a new one gets one, without asking again."""
    Lab.load(file).up(names=True)
    file.write_text(TEXT.format(nodes="b, c"))
    Lab.load(file).up()
    assert {"named-host", "named-b", "named-c"} == named()
    Lab.running("named").down()
    assert set() == named()


def test_a_new_lab_takes_the_names_of_a_killed_one_away(file: Path) -> None:
    """After SIGKILL of the keeper the names hold dead namespaces; `up` without `--names` leaves none of them."""
    Lab.load(file).up(names=True)
    os.kill(Lab.running("named").info().pid, signal.SIGKILL)
    assert {"named-host", "named-a", "named-b"} == named()
    Lab.load(file).up()
    assert set() == named()


def test_a_name_that_is_taken_is_refused_before_anything_is_touched(file: Path) -> None:
    """A foreign namespace of the same name is an error, it stays, and no lab comes up."""
    subprocess.run(["ip", "netns", "add", "named-b"], check=True)
    try:
        with pytest.raises(LabError, match="/run/netns/named-b exists already"):
            Lab.load(file).up(names=True)
        assert {"named-b"} == named()
        with pytest.raises(NotFoundError):
            Lab.running("named")
    finally:
        subprocess.run(["ip", "netns", "delete", "named-b"], check=True)


def test_a_rootless_lab_with_names_is_refused_before_anything_is_touched(file: Path) -> None:
    """Names need root; the lab that asked for them does not come up without them."""
    with pytest.raises(HostError, match="need root"):
        Lab.load(file, mode="rootless").up(names=True)
    with pytest.raises(NotFoundError):
        Lab.running("named")
