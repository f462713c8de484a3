"""`why` and `trace` with `pcap=` in real labs: a probe at every interface, with comments, as tshark, capinfos and tcpdump read it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.kernel.observe.looking import BACK, WAY, pair, routed, run
from tests.unit.observe.reader import Seen, read

pytestmark = pytest.mark.kernel

SEARCHED = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
ARROWS = {"in": "<", "out": ">"}
FIELDS = ("frame.interface_name", "frame.time_epoch", "frame.packet_id", "_ws.col.Source", "frame.comment")
DROPS = "table inet guard { chain in { type filter hook input priority 0; tcp dport 80 drop; }; }"


class Shown(NamedTuple):
    """A packet as tshark shows it."""

    place: str
    time: str
    identity: str
    source: str
    comment: str


def told(path: Path, *argv: str) -> str:
    """What another program says of the file; it must not complain."""
    program = shutil.which(argv[0], path=SEARCHED)
    if program is None:
        pytest.skip(f"{argv[0]} is not installed")
    with path.open("rb") as file:  # tcpdump gives up root before it opens files
        done = subprocess.run([program, *argv[1:]], stdin=file, capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if not line.startswith(("reading from file", "Running as user"))]
    assert (0, []) == (done.returncode, complaints)
    return done.stdout


def shown(path: Path) -> list[Shown]:
    """All packets, with the names that the file brings along."""
    fields = (word for field in FIELDS for word in ("-e", field))
    out = told(path, "tshark", "-r", "-", "-N", "nN", "-T", "fields", "-E", "separator=|", "-E", "aggregator=;", *fields)
    return [Shown(*line.split("|")) for line in out.splitlines()]


def places(file: Seen, *, about: str) -> list[str]:
    """Where, in order of time, the packets were that a comment says this of."""
    where = [f"{place} {ARROWS[direction]}" for place, direction in file.where()]
    return [place for place, one in zip(where, file.packets, strict=True) if one.comments[0].endswith(about)]


@pytest.mark.parametrize("target", ["10.9.2.80", "fd09:2::80"])
def test_a_way_that_works_is_in_the_file(tmp_path: Path, target: str) -> None:
    """Request and reply at each of their interfaces in the order of the way, with hops, names and nanoseconds, in IPv4 and IPv6."""
    path = tmp_path / "x.pcapng"
    with routed() as lab:
        answer = lab.trace("a", target, pcap=path)
    file, said = read(path.read_bytes()), answer.explanation
    assert (True, WAY, BACK) == (said.ok, places(file, about=": request"), places(file, about=": reply"))
    hops = [f"hop {at} of {len((*said.request, *said.reply))}: {hop.note}" for at, hop in enumerate((*said.request, *said.reply), 1)]
    assert hops == [one.comments[0] for one in file.packets if one.comments[0].startswith("hop ")]
    described = {one[2][0].decode(): one[3][0].decode() for one in file.interfaces}
    assert ("veth, peer router:wan", "veth, peer host:p-a", "loopback") == tuple(described[one] for one in ("web:eth0", "a:eth0", "web:lo"))
    assert "lab looked-on\nquestion: ping a -> web\nverdict: it arrives, in " in file.section[1][0].decode()
    times = [one.ns for one in file.packets]
    assert (sorted(times), True) == (times, any(ns % 1000 for ns in times))
    found = shown(path)
    assert [f"{ns // 10**9}.{ns % 10**9:09d}" for ns in times] == [one.time for one in found]
    assert [file.name(one.interface) for one in file.packets] == [one.place for one in found]
    assert {"a", "web"} == {one.source for one in found if one.comment.endswith((": request", ": reply"))}
    numbers = defaultdict(set)
    for one in found:
        numbers[one.comment.rpartition(": ")[2]].add(one.identity)
    assert (1, 1, set()) == (len(numbers["request"]), len(numbers["reply"]), numbers["request"] & numbers["reply"])
    assert len(times) == len(told(path, "tcpdump", "-nn", "-r", "-").splitlines())


@pytest.mark.parametrize("target", ["10.0.0.2", "fd00::2"])
def test_a_rule_that_drops_is_told_at_the_frame(tmp_path: Path, target: str) -> None:
    """The last frame has the rule's own words and the verdict; what the kernel says stands there too where it may be asked."""
    path = tmp_path / "x.pcapng"
    with pair() as lab:
        run(lab, "b", "nft -f -", stdin=DROPS)
        answer = lab.why("a", target, kind="tcp", port=80, pcap=path, rehearse=False)
    verdict = answer.explanation.verdict
    assert verdict is not None
    last = read(path.read_bytes()).packets[-1]
    assert (f"died here: nft-drop: {verdict.summary}", True) == (last.comments[-1], "(input): tcp dport 80 drop" in last.comments[1])
    found = shown(path)[-1]
    assert ("b:eth0", "a", ";".join(last.comments)) == (found.place, found.source, found.comment)
    if os.geteuid() == 0:
        assert any(one.startswith("kfree_skb NETFILTER_DROP at ") for one in last.comments)
    details = told(path, "tshark", "-r", "-", "-Y", 'frame.comment contains "died here"', "-T", "fields", "-e", "frame.interface_name")
    assert ["b:eth0"] == details.splitlines()


def test_a_reply_without_a_way_back_is_told_at_the_request(tmp_path: Path) -> None:
    """Where no reply ever left, the request's last frame says what became of it."""
    path = tmp_path / "x.pcapng"
    with routed() as lab:
        run(lab, "web", "ip route del default")
        answer = lab.why("a", "web", pcap=path, rehearse=False)
    assert answer.explanation.verdict is not None
    file = read(path.read_bytes())
    (died,) = [one for one in file.packets if "died here" in one.comments[-1]]
    assert ("web:eth0", f"the reply died here: no-return-route: {answer.explanation.verdict.summary}") == (
        file.name(died.interface), died.comments[-1],
    )


def test_a_packet_that_was_never_sent_leaves_a_file_too(tmp_path: Path) -> None:
    """Without a frame the file has the sender's interfaces and the verdict, and no reader complains."""
    path = tmp_path / "x.pcapng"
    with pair() as lab:
        run(lab, "a", "ip link set eth0 down")
        assert not lab.why("a", "b", pcap=path, rehearse=False).explanation.ok
    file = read(path.read_bytes())
    assert ([], True) == (file.packets, "a:eth0" in {file.name(at) for at in range(len(file.interfaces))})
    assert "verdict: link-down at a:eth0" in file.section[1][0].decode()
    assert ("", "") == (told(path, "tcpdump", "-nn", "-r", "-"), told(path, "tshark", "-r", "-"))


def test_capinfos_finds_what_is_there(tmp_path: Path) -> None:
    """Comment, times and interfaces are those of the file."""
    path = tmp_path / "x.pcapng"
    with pair() as lab:
        lab.trace("a", "b", pcap=path)
    found = told(path, "capinfos", "-M", str(path))
    file = read(path.read_bytes())
    lines = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in found.splitlines())}
    assert (str(len(file.packets)), str(len(file.interfaces)), "True") == (
        lines["Number of packets"], lines["Number of interfaces in file"], lines["Strict time order"],
    )
    assert "lab looked-on question: ping a -> b verdict: it arrives" in " ".join(found.split())


def test_frames_go_to_who_takes_them_and_are_in_no_recording(tmp_path: Path) -> None:
    """A function is given the same bytes as a file; evidence stays free of them."""
    parts: list[bytes] = []
    with pair() as lab:
        lab.why("a", "b", pcap=parts.append, record=str(tmp_path / "seen.json"))
    frames = [one.data for one in read(b"".join(parts)).packets]
    recorded = (tmp_path / "seen.json").read_text()
    assert (True, False) == (bool(frames), any(one.hex() in recorded for one in frames))


def test_standard_output_is_the_file(tmp_path: Path) -> None:
    """`why -w -` is for a pipe: whole blocks and nothing else, the exit status is the answer; a reader that went away is no bug."""
    name = f"probed-{os.getpid()}"
    (tmp_path / f"{name}.lab.yaml").write_text(f"name: {name}\nlinks:\n  - a 10.0.0.1/24 -- b 10.0.0.2/24\n")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VETHLAB")}
    keys: dict[str, Any] = {"cwd": tmp_path, "env": {**kept, "HOME": str(tmp_path), "PATH": SEARCHED}}
    program = [sys.executable, "-m", "vethlab"]
    assert 0 == subprocess.run([*program, "up"], check=False, capture_output=True, **keys).returncode
    try:
        ran = subprocess.run([*program, "why", "a", "b", "-w", "-"], check=False, capture_output=True, **keys)
        assert (0, True) == (ran.returncode, {("a:eth0", "out"), ("b:eth0", "in")} <= set(read(ran.stdout).where()))
        down, up = os.pipe()
        os.close(down)
        gone = subprocess.run([*program, "trace", "a", "b", "-w", "-"], check=False, stdout=up, stderr=subprocess.PIPE, **keys)
        os.close(up)
        assert (141, b"") == (gone.returncode, gone.stderr)
    finally:
        subprocess.run([*program, "down", name], check=False, capture_output=True, **keys)
