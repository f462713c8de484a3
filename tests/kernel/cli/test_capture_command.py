"""`vethlab capture` as people run it: files that others read, pipes, signals, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.observe.reader import read

pytestmark = pytest.mark.kernel

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
PROGRAM = [sys.executable, "-m", "vethlab"]


class Place:
    """A directory with the file of one running lab, two nodes on a cable."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.lab = directory, f"capture-{os.getpid()}-{time.monotonic_ns() % 1_000_000}"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("VETHLAB")}
        self.environment = {**kept, "LANG": "C.UTF-8", "PATH": PATH, "HOME": str(directory)}
        (directory / f"{self.lab}.lab.yaml").write_text(f"name: {self.lab}\nlinks:\n  - a 10.0.0.1/24 -- b 10.0.0.2/24\n")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the program to its end."""
        argv = [*PROGRAM, *words]
        return subprocess.run(argv, cwd=self.directory, env=self.environment, text=True, capture_output=True, timeout=60, check=False)

    def start(self, *words: str, **keys: Any) -> subprocess.Popen[bytes]:
        """Start a capture, and return once it captures."""
        argv = [*PROGRAM, "capture", *words]
        process = subprocess.Popen(argv, cwd=self.directory, env=self.environment, stderr=subprocess.PIPE, **keys)
        assert process.stderr is not None
        first = process.stderr.readline()
        assert b"capturing on " in first, first + process.stderr.read()
        return process

    def ping(self, count: int = 3) -> None:
        """Some packets."""
        assert 0 == self.run("exec", "a", "--", "ping", "-q", "-c", str(count), "-i", "0.01", "10.0.0.2").returncode


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """The lab, up; down at the end."""
    one = Place(tmp_path)
    ran = one.run("up")
    assert 0 == ran.returncode, ran.stderr
    yield one
    one.run("down", one.lab)


def said(process: subprocess.Popen[bytes]) -> str:
    """The rest of standard error, when the program has ended well."""
    _, err = process.communicate(timeout=20)
    assert 0 == process.returncode, err
    return err.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_capture_with_a_whole_file(place: Place, number: int) -> None:
    """Ctrl-C and SIGTERM are the normal end: exit 0, a summary, and a file that we, tcpdump and tshark read to its end."""
    process = place.start("-w", "x.pcapng", "--filter", "icmp")
    place.ping()
    process.send_signal(number)
    err = said(process)
    assert "12 packets captured in " in err
    assert ", in x.pcapng; 12 seen, 0 dropped by the kernel" in err
    path = place.directory / "x.pcapng"
    file = read(path.read_bytes())
    assert [("a:eth0", "out"), ("b:eth0", "in"), ("b:eth0", "out"), ("a:eth0", "in")] * 3 == file.where()
    assert {"a:eth0": 6, "b:eth0": 6} == {
        file.name(at): count for at, one in file.statistics.items() if (count := int.from_bytes(one[8][0], "little"))
    }
    assert (["a"], ["b"]) == (file.names["10.0.0.1"], file.names["10.0.0.2"])
    assert 12 == len(told(["tcpdump", "-nn", "-r", "-"], path).splitlines())
    if shutil.which("tshark"):
        shown = told(["tshark", "-r", "-", "-N", "nN", "-T", "fields", "-e", "frame.interface_name", "-e", "_ws.col.Source"], path)
        assert ["a:eth0\ta", "b:eth0\ta", "b:eth0\tb", "a:eth0\tb"] * 3 == shown.splitlines()


def told(argv: list[str], path: Path) -> str:
    """What another program says of the file."""
    program = shutil.which(argv[0], path=PATH)
    assert program is not None, f"{argv[0]} is not installed"
    with path.open("rb") as file:
        done = subprocess.run([program, *argv[1:]], stdin=file, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_a_file_is_overwritten(place: Place) -> None:
    """As tcpdump does; but not before the arguments are known to be good."""
    path = place.directory / "x.pcapng"
    path.write_text("precious")
    refused = [place.run("capture", "-w", "x.pcapng", "--filter", "icmp and"), place.run("capture", "zz", "-w", "x.pcapng")]
    assert ([2, 4], "precious") == ([one.returncode for one in refused], path.read_text())
    assert 0 == place.run("capture", "-w", "x.pcapng", "--duration", "0.01", "--filter", "icmp").returncode
    assert [] == read(path.read_bytes()).packets


def test_text_is_what_learners_see(place: Place) -> None:
    """Without -w each packet is a line: time, place, direction, what it says; --count ends it."""
    process = place.start("--filter", "icmp", "--count", "4", stdout=subprocess.PIPE)
    place.ping(1)
    out, _ = process.communicate(timeout=20)
    words = [line.split(maxsplit=3) for line in out.decode().splitlines()]
    assert [["a:eth0", ">"], ["b:eth0", "<"], ["b:eth0", ">"], ["a:eth0", "<"]] == [one[1:3] for one in words]
    assert "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id " in words[0][3]
    assert sorted(one[0] for one in words) == [one[0] for one in words]


def test_json_lines_name_every_key(place: Place) -> None:
    """-o jsonl prints one object a packet, with the keys that docs/reference/json.md lists."""
    process = place.start("a", "--filter", "icmp", "-c", "1", "-o", "jsonl", "-w", "x.pcapng", stdout=subprocess.PIPE)
    place.ping(1)
    out, _ = process.communicate(timeout=20)
    one = json.loads(out)
    assert ({"node": "a", "interface": "eth0"}, "out", "icmp", "10.0.0.2", 98) == (
        one["where"], one["direction"], one["protocol"], one["dst"], one["length"],
    )
    page = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "json.md").read_text()
    keys = [
        "type", "t", "ns", "lab", "where", "direction", "length", "captured", "protocol", "src", "dst", "src_port", "dst_port", "says",
    ]
    assert (keys, True) == (list(one), f"{{{', '.join(keys).replace('where', 'where: {node, interface}')}}}" in page)
    assert 1 == len(read((place.directory / "x.pcapng").read_bytes()).packets)


def test_a_pipe_is_written_while_it_happens(place: Place) -> None:
    """A reader of `-w -` gets whole blocks at once; when it goes away, the capture ends well."""
    process = place.start("-w", "-", "--filter", "icmp", stdout=subprocess.PIPE)
    assert process.stdout is not None
    place.ping()
    got = b""
    while not got or len(whole(got)) < 12:
        got += os.read(process.stdout.fileno(), 1 << 16)
    assert 12 == len(read(got).packets)
    process.stdout.close()
    place.ping()
    assert process.stderr is not None
    assert (0, True) == (process.wait(20), b" packets captured in " in process.stderr.read())
    process.stderr.close()


def whole(data: bytes) -> list[Any]:
    """The packets of a file that is still being written; none while its last block is not whole."""
    try:
        return list(read(data).packets)
    except AssertionError:
        return []


def packet_sockets(place: Place) -> int:
    """How many packet sockets the namespace of `a` has."""
    return len(place.run("exec", "a", "--", "cat", "/proc/net/packet").stdout.splitlines()) - 1


def test_a_killed_capture_leaves_nothing(place: Place) -> None:
    """SIGKILL: the rings are gone with the process, the lab is as it was."""
    before = json.loads(place.run("show", "-o", "json").stdout)["nodes"]
    process = place.start("-w", "x.pcapng")
    assert 1 == packet_sockets(place)
    process.kill()
    process.communicate()
    assert 0 == packet_sockets(place)
    assert before == json.loads(place.run("show", "-o", "json").stdout)["nodes"]
    assert 0 == place.run("plan", "--exit-code").returncode


def test_the_end_of_the_lab_ends_the_capture(place: Place) -> None:
    """`down` is not held up by a capture: it ends, says why, and its file is whole."""
    process = place.start("-w", "x.pcapng")
    place.ping()
    assert 0 == place.run("down", place.lab).returncode
    assert f"lab `{place.lab}` has ended" in said(process)
    assert len(read((place.directory / "x.pcapng").read_bytes()).packets) >= 12


@pytest.mark.parametrize(
    ("words", "status", "slug"),
    [
        (("--filter", "no such words"), 2, "bad-filter"), (("a:",), 2, "usage"), (("a:eth7",), 4, "no-such-interface"),
        (("-l", "no-such-lab"), 4, "no-such-lab"), (("-w", "-", "-o", "text"), 2, "usage"), (("-w", "no/such/place"), 2, "file"),
    ],
)
def test_what_cannot_be_done_is_said(place: Place, words: tuple[str, ...], status: int, slug: str) -> None:
    """Each refusal has its exit code and its slug."""
    ran = place.run("capture", *words)
    assert (status, True) == (ran.returncode, f"error[{slug}]" in ran.stderr), ran.stderr
