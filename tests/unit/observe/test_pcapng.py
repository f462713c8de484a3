"""The pcapng writer, judged by a reader of our own, by tcpdump and, where it is installed, by tshark."""

from __future__ import annotations

import shutil
import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.observe import frames
from tests.unit.observe.reader import read

from vethlab.observe.pcapng import INBOUND, OUTBOUND, RAW_IP, Writer, flags_of, names, section

NS = 1_700_000_000_123_456_789


def whole(*, comments: tuple[str, ...] = ()) -> bytes:
    """A section with two interfaces, two names and one packet at each end of a cable."""
    writer = Writer(snaplen=100)
    first, one = writer.interface("web:eth0", description="veth, peer host:p-web", mac=bytes(range(6)), capture_filter="icmp")
    second, two = writer.interface("db:wg0", link=RAW_IP)
    called = names([(ip_address("10.0.0.1"), ["web"]), (ip_address("fd00::1"), ["db", "db2"])])
    return b"".join([
        section(program="vethlab", system="Linux", comment="lab x"), one, two, called,
        writer.packet(first, NS, 98, frames.ECHO, flags_of(4), comments), writer.packet(second, NS + 1, 84, frames.ECHO[14:], flags_of(0)),
        writer.statistics(first, start=NS, end=NS + 5, delivered=1, comment="2 dropped"),
    ])


def test_everything_is_read_back() -> None:
    """Section, interfaces, names, packets, comments and statistics are what was written."""
    seen = read(whole(comments=("hop 3", "DROPPED: ümläut")))
    assert ([b"vethlab"], [b"Linux"], [b"lab x"]) == (seen.section[4], seen.section[3], seen.section[1])
    assert ([1, 101], "web:eth0", [b"veth, peer host:p-web"]) == (seen.links, seen.name(0), seen.interfaces[0][3])
    assert ([bytes(range(6))], [b"\0icmp"]) == (seen.interfaces[0][6], seen.interfaces[0][11])
    assert {"10.0.0.1": ["web"], "fd00::1": ["db", "db2"]} == seen.names
    assert [(0, NS, 98, frames.ECHO), (1, NS + 1, 84, frames.ECHO[14:])] == [(p.interface, p.ns, p.length, p.data) for p in seen.packets]
    assert [("web:eth0", "out"), ("db:wg0", "in")] == seen.where()
    assert [["hop 3", "DROPPED: ümläut"], []] == [one.comments for one in seen.packets]
    assert (1, [b"2 dropped"]) == (int.from_bytes(seen.statistics[0][8][0], "little"), seen.statistics[0][1])


@given(st.binary(max_size=70), st.integers(0, 2**63), st.lists(st.text(max_size=9), max_size=2), st.none() | st.integers(0, 2**64 - 1))
def test_any_frame_fits(data: bytes, ns: int, comments: list[str], identity: int | None) -> None:
    """Frames of any length at any time, with and without comments and a number, come back as they were."""
    writer = Writer()
    _, block = writer.interface("a:eth0")
    kept = [one.replace("\ud800", "?") for one in comments]
    packet = writer.packet(0, ns, len(data) + 3, data, INBOUND, kept, identity)
    (found,) = read(section(program="p", system="s") + block + packet).packets
    assert (ns, data, len(data) + 3, INBOUND, kept) == (found.ns, found.data, found.length, found.flags, found.comments)
    assert identity == found.identity


def test_a_comment_that_is_too_long_ends_on_a_character() -> None:
    """An option holds 4096 bytes of ours, and what is cut stays UTF-8."""
    writer = Writer()
    _, block = writer.interface("a:eth0")
    (found,) = read(section(program="p", system="s") + block + writer.packet(0, NS, 1, b"x", INBOUND, ["x" + "→" * 5000])).packets
    assert ["x" + "→" * 1365] == found.comments


@pytest.mark.parametrize(
    ("kind", "flags"), [(0, INBOUND | 4), (1, INBOUND | 12), (2, INBOUND | 8), (3, INBOUND | 16), (4, OUTBOUND), (7, 0)],
)
def test_directions(kind: int, flags: int) -> None:
    """The kernel's five packet types are direction and reception type of pcapng; others are left open."""
    assert flags == flags_of(kind)


def test_tcpdump_reads_it(tmp_path: Path) -> None:
    """The file is taken by tcpdump, which shows the packet with its time."""
    writer = Writer()
    _, block = writer.interface("a:eth0")
    path = tmp_path / "x.pcapng"
    path.write_bytes(section(program="p", system="s") + block + names([]) + writer.packet(0, NS, 98, frames.ECHO, OUTBOUND, ["hop 1"]))
    path.chmod(0o644)
    tool = shutil.which("tcpdump", path="/usr/bin:/usr/sbin")
    assert tool is not None, "tcpdump is not installed: apt install tcpdump"
    with path.open("rb") as file:  # tcpdump gives up root before it opens files
        argv = [tool, "-nn", "-tt", "--nano", "-r", "-"]
        done = subprocess.run(argv, stdin=file, capture_output=True, text=True, check=False)
    assert "1700000000.123456789 IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 1, length 64\n" == done.stdout, done.stderr


def test_tshark_reads_it(tmp_path: Path) -> None:
    """Interface, direction, comment, and the lab's names for the addresses are what tshark shows."""
    tool = shutil.which("tshark")
    if tool is None:
        pytest.skip("tshark is not installed")
    path = tmp_path / "x.pcapng"
    path.write_bytes(whole(comments=("hop 3",)))
    frame = [f"frame.{one}" for one in ("interface_name", "interface_description", "comment", "packet_flags_direction", "time_epoch")]
    fields = [*frame, "ip.src_host"]
    argv = [tool, "-r", str(path), "-N", "nN", "-T", "fields", "-E", "separator=|", *(word for one in fields for word in ("-e", one))]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "web:eth0|veth, peer host:p-web|hop 3|0x00000002|1700000000.123456789|web" == done.stdout.splitlines()[0], done.stderr
