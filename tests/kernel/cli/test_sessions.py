"""Whole sessions on the command line with real namespaces, as the user who runs the tests: root, or an ordinary one."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

PROGRAM = [sys.executable, "-m", "vethlab"]
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


class Here:
    """A directory with one lab file whose lab has a name of its own, and the program run in it."""

    def __init__(self, directory: Path, lab: str) -> None:
        self.directory, self.lab, self.file = directory, lab, directory / f"{lab}.lab.yaml"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("VETHLAB")}
        self.environment = {**kept, "LANG": "C.UTF-8", "PATH": PATH, "HOME": str(directory)}
        self.write("links:\n  - a 10.0.0.1/24 -- b 10.0.0.2/24\n")

    def write(self, rest: str) -> None:
        """Write the lab file."""
        self.file.write_text(f"name: {self.lab}\n{rest}")

    def start(self, *words: str, **keys: Any) -> subprocess.Popen[str]:
        """Start the program."""
        return subprocess.Popen([*PROGRAM, *words], cwd=self.directory, env=self.environment, text=True, **keys)

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the program to its end."""
        program = [*PROGRAM, *words]
        return subprocess.run(
            program, cwd=self.directory, env=self.environment, text=True, capture_output=True, input=stdin, timeout=60, check=False,
        )

    def json(self, *words: str) -> Any:
        """What the program prints as JSON."""
        return json.loads(self.run(*words, "-o", "json").stdout)

    def running(self) -> bool:
        """Whether the lab is listed."""
        return self.lab in {one["name"] for one in self.json("ls")["labs"]}

    def gone_within(self, seconds: float) -> bool:
        """Wait until the lab is not listed any more."""
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                return False
        return True


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """A place of one's own; what is left at the end is taken down."""
    place = Here(tmp_path, f"cli-{os.getpid()}-{time.monotonic_ns() % 1_000_000}")
    yield place
    place.run("down", place.lab)


def test_the_first_minute(here: Here) -> None:
    """up, check, show, down: each says what the documentation promises."""
    assert f"✓ {here.lab} is up: 2 nodes, 1 link, " in here.run("up").stdout
    checked = here.json("check")
    assert (True, 2, 2) == (checked["ok"], checked["passed"], checked["of"])
    shown = here.json("show")
    assert (True, ["a", "b", "host"]) == (shown["running"], [node["name"] for node in shown["nodes"]])
    assert [] == here.json("plan")["changes"]
    assert f"✓ {here.lab} is gone\n" == here.run("down", "--wait").stdout


def test_down_twice(here: Here) -> None:
    """The second `down` is exit code 4."""
    here.run("up")
    assert [0, 4] == [here.run("down", here.lab).returncode, here.run("down", here.lab).returncode]


@pytest.mark.parametrize(
    ("words", "status", "out"),
    [
        (("a", "--", "sh", "-c", "exit 9"), 9, ""), (("a", "--", "sh", "-c", "kill -9 $$"), 137, ""), (("b", "cat"), 0, "typed"),
        (("a", "ping", "-q", "-c1", "-W1", "b"), 0, None), (("host", "--", "sh", "-c", "cat /sys/class/net/lo/ifindex"), 0, "1\n"),
        (("a", "--", "no-such-command-here"), 127, ""),
    ],
)
def test_exec_is_transparent(here: Here, words: tuple[str, ...], status: int, out: str | None) -> None:
    """Standard input, output and the exit status pass through; nodes know each other by name."""
    here.run("up")
    ran = here.run("exec", "-l", here.lab, *words, stdin="typed")
    assert (status, ran.stdout if out is None else out) == (ran.returncode, ran.stdout)


def test_exec_in_no_such_node(here: Here) -> None:
    """An unknown node is exit code 4, with the nodes there are."""
    here.run("up")
    ran = here.run("exec", "zz", "--", "true")
    assert (4, True) == (ran.returncode, "its nodes: a, b" in ran.stderr)


def test_a_shell_on_a_terminal(here: Here) -> None:
    """`sh` gives a shell with a terminal whose prompt says where it is; its status is ours."""
    here.run("up")
    here.environment["SHELL"] = "/bin/sh"
    ours, theirs = pty.openpty()
    shell = here.start("sh", "a", stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    os.write(ours, b"tty; echo node=$VETHLAB_NODE; exit 5\n")
    seen = b""
    while True:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # EIO: the last process on the terminal is gone
            break
    os.close(ours)
    assert (5, True, True) == (shell.wait(10), b"node=a" in seen, f"({here.lab}:a)".encode() in seen)


def test_drift_is_planned_and_repaired(here: Here) -> None:
    """A link set down by hand is seen by `plan` and mended by `up`."""
    here.run("up")
    assert 0 == here.run("exec", "a", "--", "ip", "link", "set", "eth0", "down").returncode
    assert 1 == here.run("plan", "--exit-code").returncode
    assert (False, True) == (here.json("up")["created"], here.json("check")["ok"])
    assert 0 == here.run("plan", "--exit-code").returncode


def test_a_failing_check_is_exit_1(here: Here) -> None:
    """Both ends of a cable in one node: the kernel's defaults refuse it, and the check says so."""
    here.write("nodes: [box]\nlinks:\n  - box:veth0 30.1.1.10/24 -- box:veth1 30.1.1.11/24\nchecks:\n  - ping box:veth0 -> box:veth1\n")
    ran = here.run("up", "--check")
    assert (1, True) == (ran.returncode, "✗ box:veth0 → box:veth1" in ran.stdout)


def test_run_passes_lab_and_status(here: Here) -> None:
    """The command reaches its lab by VETHLAB_LAB, its status passes through, the lab is gone afterwards."""
    inside = [*PROGRAM, "exec", "a", "--", "sh", "-c", "cat /sys/class/net/eth0/operstate; exit 6"]
    ran = here.run("run", here.file.name, "--", *inside)
    assert (6, "up\n", False) == (ran.returncode, ran.stdout, here.running())


def test_run_killed_leaves_nothing(here: Here) -> None:
    """SIGKILL of `run` ends its lab too."""
    program = here.start("run", "--", "cat", stdin=subprocess.PIPE)
    deadline = time.monotonic() + 10
    while not here.running() and time.monotonic() < deadline:
        pass
    program.kill()
    program.communicate()
    assert here.gone_within(5)


def handles_signals(process: subprocess.Popen[str]) -> bool:
    """Whether the program has its own SIGTERM handler in place (proc(5): SigCgt)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(caught >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1])
def test_an_interrupted_up_leaves_nothing(here: Here, number: int, delay: float) -> None:
    """A signal in the middle of `up` rolls back and exits with 130; a build that was faster stays up whole."""
    here.write("networks:\n  br0: {subnet: 10.9.0.0/16, nodes: [n1..60]}\nnodes: [n1..60]\n")
    program = here.start("up", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not handles_signals(program):
        pass
    time.sleep(delay)
    program.send_signal(number)
    program.communicate()
    assert (program.returncode, here.running()) in {(130, False), (0, True)}


def test_rootless_is_the_same_for_root(here: Here) -> None:
    """--rootless works for everybody who may make user namespaces, root included."""
    assert (0, "rootless") == ((ran := here.run("up", "--rootless", "-o", "json")).returncode, json.loads(ran.stdout)["mode"])
    assert here.json("check")["ok"]


def test_doctor_agrees_with_up(here: Here) -> None:
    """Where `up` works, doctor finds nothing needed missing."""
    assert (0, 0) == (here.run("up").returncode, here.run("doctor").returncode)
    assert {"name", "ok", "costs", "help"} <= set(here.json("doctor")["items"][0])
