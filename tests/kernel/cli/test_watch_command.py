"""`vethlab watch` as people run it: lines and objects, pipes, signals, the end of the lab, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
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
RULES = "table ip t {\n chain i {\n type filter hook input priority 0\n icmp type echo-request drop\n }\n}\n"


class Place:
    """A directory with the file of one running lab, two nodes on a cable; b drops pings and listens nowhere."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.lab = directory, f"watch-{os.getpid()}-{time.monotonic_ns() % 1_000_000}"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("VETHLAB")}
        self.environment = {**kept, "LANG": "C.UTF-8", "PATH": PATH, "HOME": str(directory)}
        (directory / f"{self.lab}.lab.yaml").write_text(f"name: {self.lab}\nlinks:\n  - a 10.0.0.1/24 -- b 10.0.0.2/24\n")

    def run(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run the program to its end."""
        argv = [*PROGRAM, *words]
        return subprocess.run(
            argv, cwd=self.directory, env=self.environment, text=True, input=text, capture_output=True, timeout=60, check=False,
        )

    def start(self, *words: str, **keys: Any) -> subprocess.Popen[str]:
        """Start a watch, and return once it watches."""
        argv = [*PROGRAM, "watch", *words]
        keys = {"stdout": subprocess.PIPE, **keys}
        process = subprocess.Popen(argv, cwd=self.directory, env=self.environment, stderr=subprocess.PIPE, text=True, **keys)
        assert process.stderr is not None
        first = process.stderr.readline()
        assert f"{self.lab}: watching 3 nodes, with" in first, first + process.stderr.read()
        return process

    def ping(self) -> None:
        """A packet that b drops."""
        assert 1 == self.run("exec", "a", "--", "ping", "-q", "-c", "1", "-W", "0.2", "10.0.0.2").returncode

    def connect(self) -> None:
        """A connection that b refuses."""
        code = "import socket; print(socket.socket().connect_ex(('10.0.0.2', 81)))"
        assert "111\n" == self.run("exec", "a", "--", sys.executable, "-c", code).stdout


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """The lab, up; down at the end."""
    one = Place(tmp_path)
    ran = one.run("up")
    assert 0 == ran.returncode, ran.stderr
    assert 0 == one.run("exec", "b", "--", "nft", "-f", "-", text=RULES).returncode
    yield one
    one.run("down", one.lab)


def said(process: subprocess.Popen[str]) -> tuple[list[str], str]:
    """What it printed, and the rest of standard error, when the program has ended well."""
    out, err = process.communicate(timeout=20)
    assert 0 == process.returncode, err
    return out.splitlines(), err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_line_for_people(place: Place, number: int) -> None:
    """Time, lab, place, names, packet, what happened, which rule; a signal is the normal end: exit 0."""
    process = place.start()
    place.ping()
    assert process.stdout is not None
    line = process.stdout.readline()
    process.send_signal(number)
    assert ([], "") == said(process)
    pattern = r"\d\d:\d\d:\d\d\.\d{6} LAB  b:eth0  a → b  ICMP echo  DROPPED nft-drop  ip t i handle 2: icmp type echo-request drop\n"
    assert re.fullmatch(pattern.replace("LAB", place.lab), line), line


def test_objects_for_programs(place: Place) -> None:
    """The first line names the schema; each death is an object; -c ends it."""
    process = place.start("-o", "jsonl", "-c", "2", "--no-truth")
    place.ping()
    place.connect()
    head, *deaths = map(json.loads, said(process)[0])
    asked = {"lab": place.lab, "nodes": ["a", "b", "host"], "truth": False, "without": "it was switched off"}
    assert {"schema": "vethlab.watch/1", **asked} == head
    assert [("dropped", "nft-drop", "ip/input"), ("refused", "port-closed", None)] == [
        (one["type"], one["reason"], one["where"]["hook"]) for one in deaths
    ]
    assert ("10.0.0.1", 81, {"b"}) == (deaths[1]["src"], deaths[1]["dst_port"], {one["where"]["node"] for one in deaths})


def test_drops_alone(place: Place) -> None:
    """--drops leaves out what somebody refused."""
    process = place.start("--drops", "-o", "jsonl", "-c", "1")
    place.connect()
    place.ping()
    assert [None, "nft-drop"] == [json.loads(line).get("reason") for line in said(process)[0]]


def test_a_reader_that_goes_away(place: Place) -> None:
    """Without a word: at the next line, and also where there is nothing to write."""
    process = place.start()
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert (0, "") == (process.wait(20), process.stderr.read())
    process.stderr.close()


def test_the_end_of_the_lab(place: Place) -> None:
    """`down` is not held up by a watch: it ends, and says why."""
    process = place.start()
    assert 0 == place.run("down", "--wait", place.lab).returncode
    assert f"lab `{place.lab}` has ended\n" == said(process)[1]


def test_looking_changes_nothing(place: Place) -> None:
    """While it watches, `plan` finds nothing to do; after SIGKILL the ruleset is the same to the byte."""
    before = place.run("exec", "b", "--", "nft", "list", "ruleset").stdout
    process = place.start()
    assert 0 == place.run("plan", "--exit-code").returncode
    process.kill()
    process.communicate()
    assert before == place.run("exec", "b", "--", "nft", "list", "ruleset").stdout


def test_a_duration(place: Place) -> None:
    """--duration ends it, with nothing told where nothing died."""
    assert ([], "") == said(place.start("--duration", "0.1"))


@pytest.mark.parametrize(
    ("words", "status", "slug"),
    [(("zz",), 4, "no-such-node"), (("a:eth0",), 2, "usage"), (("-l", "no-lab"), 4, "no-such-lab")],
)
def test_what_cannot_be_done_is_said(place: Place, words: tuple[str, ...], status: int, slug: str) -> None:
    """Each refusal has its exit code and its slug."""
    ran = place.run("watch", *words)
    assert (status, True) == (ran.returncode, f"error[{slug}]" in ran.stderr), ran.stderr
