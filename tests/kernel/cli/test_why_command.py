"""`why`, `trace`, `fix` and `tour` as people run them: one lab from the failure to its mending and back, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
PROGRAM = [sys.executable, "-m", "vethlab"]
ENDS = ("box:va", "box:vb")
ACCEPTS = "net.ipv4.conf.vb.accept_local"


class Place:
    """A directory with the file of a lab: both ends of a cable in one node."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.lab = directory, f"why-{os.getpid()}-{time.monotonic_ns() % 1_000_000}"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("VETHLAB")}
        self.environment = {**kept, "LANG": "C.UTF-8", "PATH": PATH, "HOME": str(directory), "TMPDIR": str(directory)}
        self.file = directory / f"{self.lab}.lab.yaml"
        self.file.write_text(f"name: {self.lab}\nlinks: [box:va 10.0.0.1/24 -- box:vb 10.0.0.2/24]\nchecks: [ping box:va -> box:vb]\n")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the program to its end, with nobody at the keyboard."""
        argv = [*PROGRAM, *words]
        keys: dict[str, Any] = {"cwd": self.directory, "env": self.environment, "text": True, "capture_output": True, "timeout": 60}
        return subprocess.run(argv, stdin=subprocess.DEVNULL, check=False, **keys)

    def json(self, *words: str) -> tuple[int, Any]:
        """Exit status and document."""
        ran = self.run(*words, "-o", "json")
        return ran.returncode, json.loads(ran.stdout)

    def labs(self) -> list[str]:
        """The names of the running labs."""
        return [one["name"] for one in self.json("ls")[1]["labs"]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The file, nothing up."""
    return Place(tmp_path)


@pytest.fixture
def loopy(place: Place) -> Iterator[Place]:
    """The lab, up; down at the end."""
    ran = place.run("up")
    assert 0 == ran.returncode, ran.stderr
    yield place
    place.run("down", place.lab)


def test_from_why_to_fix_and_back(loopy: Place) -> None:
    """The verdict names place and reason, `fix` mends it without being told what, `trace` sees lo, and `--undo` takes it back."""
    status, found = loopy.json("why", *ENDS)
    verdict, fix = found["verdict"], found["fix"][0]
    assert (1, "local-source", "request", "proven") == (status, verdict["finding"], verdict["direction"], verdict["grade"])
    assert ("box", "vb", "input") == tuple(verdict["where"].values())
    assert [{"node": "box", "argv": ["sysctl", "-w", f"{ACCEPTS}=1"]}] == fix["commands"]
    assert {"pass": 1, "of": 1} == fix["rehearsed"]
    status, found = loopy.json("fix", "--yes")
    assert (0, False, True) == (status, found["before"]["ok"], found["after"]["ok"])
    status, found = loopy.json("trace", *ENDS)
    assert (0, {"lo"}) == (status, {hop["interface"] for hop in found["path"]["reply"]})
    assert 0 == loopy.run("fix", "--undo").returncode
    assert f"{ACCEPTS} = 0" == loopy.run("exec", "box", "--", "sysctl", ACCEPTS).stdout.strip()


def test_a_dry_run_and_a_refusal_change_nothing(loopy: Place) -> None:
    """Neither --dry-run nor a `fix` that cannot ask writes anything."""
    assert 1 == loopy.run("why", *ENDS).returncode
    dry, refused = loopy.run("fix", "--dry-run"), loopy.run("fix")
    assert (0, True) == (dry.returncode, f"~ box  {ACCEPTS}" in dry.stdout)
    assert (2, True) == (refused.returncode, "needs-yes" in refused.stderr)
    assert f"{ACCEPTS} = 0" == loopy.run("exec", "box", "--", "sysctl", ACCEPTS).stdout.strip()


def test_a_recording_gives_the_same_verdict(loopy: Place) -> None:
    """What --record keeps, --replay explains again after the lab is gone."""
    live = loopy.json("why", *ENDS, "--record", "seen.json")[1]
    assert 0 == loopy.run("down", loopy.lab).returncode
    status, again = loopy.json("why", "--replay", "seen.json")
    assert (1, live["verdict"], live["path"]) == (status, again["verdict"], again["path"])


def test_check_why_names_the_cause(loopy: Place) -> None:
    """The cause of a failing check has its finding and place."""
    status, found = loopy.json("check", "--why")
    assert (1, ["local-source"]) == (status, [one["finding"] for one in found["causes"]])


def test_unknown_ends_are_exit_code_4(loopy: Place) -> None:
    """No such node, no such interface."""
    assert [4, 4] == [loopy.run("why", *ends).returncode for ends in (("nobody", "box"), ("box:v9", "box:vb"))]


def test_the_tour_goes_as_told(place: Place) -> None:
    """Every step does what the tour says, without a terminal it runs through, and neither lab nor file is left."""
    ran = place.run("tour")
    assert (0, "✓ all 20 steps went as told, and nothing of it is left") == (ran.returncode, ran.stdout.splitlines()[-1]), ran.stdout
    assert ([], [place.file]) == ([name for name in place.labs() if name.startswith("tour-")], list(place.directory.iterdir()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_tour_that_is_ended_leaves_no_lab(place: Place, number: signal.Signals) -> None:
    """Ctrl-C takes the lab away before the program ends, and a kill soon after."""
    argv = [*PROGRAM, "tour"]
    with subprocess.Popen(argv, cwd=place.directory, env=place.environment, stdout=subprocess.PIPE, text=True) as tour:
        assert tour.stdout is not None
        name = f"tour-{tour.pid}"
        assert any(line.startswith(f"✓ {name} is up") for line in tour.stdout)
        tour.send_signal(number)
        status = tour.wait(timeout=30)
    assert {signal.SIGINT: 130, signal.SIGKILL: -signal.SIGKILL}[number] == status
    deadline = time.monotonic() + 20
    while name in place.labs():
        assert time.monotonic() < deadline, f"{name} is still there"
        time.sleep(0.05)
