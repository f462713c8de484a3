"""`bench` by iperf3, and without it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from vethlab import Lab
from vethlab.errors import HostError, LabError
from vethlab.lab import benching
from vethlab.present.cli.commands.bench import command

pytestmark = pytest.mark.kernel
needed = pytest.mark.skipif(shutil.which("iperf3") is None, reason="there is no iperf3: ./dev test installs it")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab that stays: two nodes that have addresses of IPv6 only."""
    one = Lab("bench-by-iperf3")
    one.link("a fd00::1/64", "b fd00::2/64")
    one.up()
    yield one
    one.down()


@pytest.fixture
def program() -> Iterator[Path]:
    """Something to be called instead of iperf3, where every keeper can see it."""
    with tempfile.TemporaryDirectory(prefix="vethlab-test-") as folder:
        yield Path(folder) / "iperf3"


@needed
def test_streams_are_iperf3s(lab: Lab) -> None:
    """Where it is installed it makes the streams, of loopback too, in whole seconds; its version is told."""
    done = CliRunner().invoke(command, [lab.name, "--seconds", "0.1", "-o", "json"])
    told = json.loads(done.stdout)
    version = subprocess.run(["iperf3", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert (0, "iperf3", version, 1) == (done.exit_code, told["with"], told["version"], told["seconds"])
    assert ["loopback", "a -> b"] == [row["plane"] for row in told["rows"]]
    assert all(row["tcp_bps"] > 10**7 and row["udp_bps"] > 10**6 and row["ratio"]["tcp"] > 0.01 for row in told["rows"])


def test_without_it_sockets_are_our_own(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed nothing is lacking, and the table says who made the streams; asked for by name it is."""
    monkeypatch.setattr(benching, "which", lambda _: None)
    done = CliRunner().invoke(command, [lab.name, "--seconds", "0.1"])
    assert (0, "streams of 0.1 s by vethlab's own sockets; round trips by vethlab's own sockets") == (
        done.exit_code, done.stdout.splitlines()[-1],
    )
    with pytest.raises(HostError) as caught:
        benching.streams("iperf3")
    assert ("no-iperf3", 3) == (caught.value.slug, caught.value.exit_code)


@pytest.mark.parametrize(("script", "said"), [
    ("case $1 in --server) echo 'iperf3: error - no such luck' >&2; exit 1;; esac", "error - no such luck"),
    ("case $1 in --server) exec iperf3 \"$@\";; esac; echo '{\"error\": \"the other one sulks\"}'", "the other one sulks"),
    ('case $1 in --server) exec iperf3 "$@";; esac; echo Aborted; exit 134', "Aborted"),
])
@needed
def test_its_words_are_passed_on(lab: Lab, program: Path, script: str, said: str) -> None:
    """A server that ends, an error as JSON (with exit status 0), and nonsense: one sentence each, no traceback, nobody left."""
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    before = running()
    with pytest.raises(LabError) as caught:
        list(benching.bench(lab, None, None, seconds=0.1, by=benching.Streams(str(program))))
    assert (f"iperf3 could not measure: {said}", "no-answer") == (caught.value.message, caught.value.slug)
    until(lambda: before == running())


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
@needed
def test_nothing_of_it_outlives_bench(lab: Lab, number: signal.Signals, status: int) -> None:
    """Killed or interrupted in the middle of a stream, `bench` leaves neither client nor server in a lab that stays."""
    before = running()
    argv = [sys.executable, "-m", "vethlab", "bench", lab.name, "--seconds", "60"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: len(running() - before) == 2)
        process.send_signal(number)
        assert status == process.wait(10)
    until(lambda: before == running())


def running() -> frozenset[int]:
    """Every iperf3 of this machine, unless it is dead and not yet buried."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name, state = (process / "stat").read_text().partition("(")[2].rpartition(")")[::2]
        except OSError:
            continue
        if name == "iperf3" and not state.strip().startswith("Z"):
            found.add(int(process.name))
    return frozenset(found)


def until(holds: Callable[[], bool]) -> None:
    """Wait for what is no event for us: the end of processes that are nobody's children."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
