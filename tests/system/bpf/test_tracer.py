"""The kernel's own word on real packets: where they pass, where they end and why; and that nothing of it stays."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vethlab import Lab
from vethlab.kernel.bpf.btf import read_kernel
from vethlab.kernel.bpf.program import next_program
from vethlab.kernel.bpf.tracer import Event, Tracer, available

pytestmark = [pytest.mark.system, pytest.mark.skipif(bool(available()), reason=available() or "BPF works here")]
IPV4, VLAN = 0x0800, 0x8100
SECONDS = 10.0


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Two cables that do not know each other; no IPv6, so that nobody speaks unasked."""
    lab = Lab(f"traced-{os.getpid()}", mode="root")
    quiet = {"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1}
    for name in "acd":
        lab.node(name, sysctl=quiet)
    lab.node("b", sysctl=quiet | {"net.ipv4.conf.all.rp_filter": 1})
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
    lab.link("c 10.0.1.1/24", "d 10.0.1.2/24")
    with lab:
        yield lab


def inode(lab: Lab, node: str) -> int:
    """The inode of a node's network namespace."""
    return os.fstat(lab.namespaces.open([node])[0].descriptor).st_ino


def until(tracer: Tracer, wanted: Callable[[Event], bool]) -> list[Event]:
    """Everything up to the batch that holds the wanted event; it is the last in the list."""
    found: list[Event] = []
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found += tracer.events()
        for at, event in enumerate(found):
            if wanted(event):
                return found[: at + 1]
        time.sleep(0.001)
    pytest.fail(f"not among {len(found)} events")


def dropped(tracer: Tracer, reason: str) -> tuple[Event, str]:
    """The first packet dropped for this reason, and the function."""
    event = until(tracer, lambda one: (one.kind, one.reason) == ("drop", reason))[-1]
    return event, tracer.function(event.location)


def send(lab: Lab, source: str, target: tuple[str, int], *, bound: str = "") -> None:
    """One datagram."""
    with lab[source].socket(type=socket.SOCK_DGRAM) as sock:
        if bound:
            sock.bind((bound, 0))
        sock.sendto(b"hello", target)


def test_a_ping_passes_four_points(lab: Lab) -> None:
    """Queued and received at both ends in order, each with namespace, interface, length, and the packet from its network header on."""
    lab["a"].ping("b")  # both know their neighbour from here on
    a, b = inode(lab, "a"), inode(lab, "b")
    with Tracer([a, b]) as tracer:
        before = time.monotonic_ns()
        assert lab["a"].exec("ping -c 1 10.0.0.2")
        points = [one for one in tracer.events() if one.protocol == IPV4 and one.kind in {"queue", "receive"}]
        assert 0 == tracer.lost
    assert [("queue", a, 98), ("receive", b, 84), ("queue", b, 98), ("receive", a, 84)] == [(p.kind, p.netns, p.length) for p in points]
    there, back = bytes((10, 0, 0, 1, 10, 0, 0, 2)), bytes((10, 0, 0, 2, 10, 0, 0, 1))
    assert [there, there, back, back] == [point.data[12:20] for point in points]
    assert {("eth0", 0x45, 84, "", 0)} == {(p.interface, p.data[0], len(p.data), p.reason, p.location) for p in points}
    assert (points[0].skb, points[0].ifindex == points[3].ifindex) == (points[1].skb, True)
    times = [before, *(point.ns for point in points), time.monotonic_ns()]
    assert sorted(times) == times


def test_a_tagged_frame_begins_where_its_protocol_says(lab: Lab) -> None:
    """Received with an 802.1Q tag, a packet is of protocol 0x8100 and its data begin with the tag, as the kernel will see them."""
    tagged = bytes((0, 5)) + IPV4.to_bytes(2, "big") + bytes((0x45,)) + bytes(59)
    with Tracer([inode(lab, "b")]) as tracer, lab["a"].socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        sender.send(b"\xff" * 6 + bytes((2, 0, 0, 0, 0, 1)) + VLAN.to_bytes(2, "big") + tagged)
        event = until(tracer, lambda one: one.kind == "receive" and one.protocol == VLAN)[-1]
    assert tagged == event.data


def test_a_closed_port(lab: Lab) -> None:
    """A datagram nobody listens for is dropped with NO_SOCKET, in the function of UDP that looked for a socket."""
    with Tracer([inode(lab, "b")]) as tracer:
        send(lab, "a", ("10.0.0.2", 9))
        event, function = dropped(tracer, "NO_SOCKET")
    assert ("__udp4_lib_rcv", "eth0", inode(lab, "b")) == (function, event.interface, event.netns)
    assert (b"hello", 33) == (event.data[28:], len(event.data))


def test_a_refused_source(lab: Lab) -> None:
    """A source that a strict rp_filter refuses is dropped with IP_RPFILTER where the kernel asks for its route."""
    lab["a"].ping("b")
    assert lab["a"].exec("ip address add 192.0.2.1/32 dev lo")
    with Tracer([inode(lab, "b")]) as tracer:
        send(lab, "a", ("10.0.0.2", 9), bound="192.0.2.1")
        event, function = dropped(tracer, "IP_RPFILTER")
    assert ("ip_rcv_finish_core", bytes((192, 0, 2, 1))) == (function, event.data[12:16])


@pytest.mark.skipif(shutil.which("nft") is None, reason="needs nft")
def test_a_packet_without_a_device(lab: Lab) -> None:
    """What an output chain refuses has no device yet: the namespace is that of its socket, the interface empty."""
    assert lab["a"].exec(["nft", "add table ip t; add chain ip t out { type filter hook output priority 0; policy drop; }"])
    with Tracer([inode(lab, "a")]) as tracer:
        with pytest.raises(PermissionError):
            send(lab, "a", ("10.0.0.2", 9))
        event, _ = dropped(tracer, "NETFILTER_DROP")
    assert (inode(lab, "a"), "", 0, IPV4, b"hello") == (event.netns, event.interface, event.ifindex, event.protocol, event.data[28:])


def test_a_packet_that_has_left_its_device(lab: Lab) -> None:
    """TCP takes the device off what it handles: the receiving socket, which the kernel passes since Linux 6.11, tells the namespace."""
    if read_kernel().arguments("kfree_skb") < 4:
        pytest.skip("kfree_skb does not pass the receiving socket here")
    with lab["b"].socket() as server, lab["a"].socket() as client:
        server.bind(("10.0.0.2", 80))
        server.listen()
        client.connect(("10.0.0.2", 80))
        accepted, _ = server.accept()
        with accepted, Tracer([inode(lab, "b")]) as tracer:
            accepted.shutdown(socket.SHUT_RDWR)
            client.send(b"too late")
            event, function = dropped(tracer, "TCP_ABORT_ON_DATA")
    assert ("tcp_v4_do_rcv", inode(lab, "b"), "", IPV4) == (function, event.netns, event.interface, event.protocol)


def test_other_namespaces_are_not_seen(lab: Lab) -> None:
    """Asked about one end of one cable, the tracer says nothing of its other end, nor of the other cable."""
    with Tracer([inode(lab, "b")]) as tracer:
        lab["c"].ping("d")
        lab["a"].ping("b")
        found = tracer.events()
    assert {inode(lab, "b")} == {event.netns for event in found}
    assert {b"\x0a\x00\x00"} == {event.data[12:15] for event in found if event.protocol == IPV4}


def test_buffers_of_other_families_are_no_packets(lab: Lab) -> None:
    """Netlink messages end in the same tracepoint and belong to a namespace, but are nothing that is asked about."""
    with Tracer([inode(lab, "a")]) as tracer:
        assert lab["a"].exec("ip link")
        assert [] == tracer.events()


def test_a_small_ring_goes_round(lab: Lab) -> None:
    """Read in time, a ring of one page loses nothing in 100 datagrams; not read, it counts what it lost, and goes on when read again."""
    lab["a"].ping("b")
    with lab["b"].socket(type=socket.SOCK_DGRAM) as server, Tracer([inode(lab, "b")], size=4096) as tracer:
        server.bind(("10.0.0.2", 9))
        seen = []
        for number in range(100):
            with lab["a"].socket(type=socket.SOCK_DGRAM) as sender:
                sender.sendto(b"%05d" % number, ("10.0.0.2", 9))
            seen += [event.data[28:] for event in tracer.events() if event.kind == "receive" and event.protocol == IPV4]
        assert ([b"%05d" % number for number in range(100)], 0) == (seen, tracer.lost)
        for _ in range(100):
            send(lab, "a", ("10.0.0.2", 9))
        kept = len(tracer.events())
        assert (True, 100) == (0 < kept < 100, kept + tracer.lost)
        send(lab, "a", ("10.0.0.2", 9))
        assert ["receive"] == [event.kind for event in tracer.events()]


_HOLD = """
import sys
from vethlab.kernel.bpf.tracer import Tracer
tracer = Tracer([int(sys.argv[1])])
print("ready", flush=True)
sys.stdin.read()
"""


def descriptors(pid: int) -> set[str]:
    """What a process has open."""
    return {path.name for path in Path(f"/proc/{pid}/fd").iterdir()}


def of_process(pid: int) -> set[int]:
    """The numbers of the BPF programs that a process holds (proc(5), fdinfo)."""
    infos = "".join(Path(f"/proc/{pid}/fdinfo/{name}").read_text() for name in descriptors(pid) if Path(f"/proc/{pid}/fd/{name}").exists())
    return {int(number) for number in re.findall(r"prog_id:\s+(\d+)", infos)}


def loaded() -> set[int]:
    """The numbers of all BPF programs of the machine."""
    found: set[int] = set()
    number = 0
    while number := next_program(number):
        found.add(number)
    return found


def until_gone(programs: set[int]) -> set[int]:
    """Those still there when nothing more goes: the kernel lets go of a tracepoint's program after a grace period."""
    deadline = time.monotonic() + SECONDS
    while (left := programs & loaded()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return left


def test_nothing_stays_after_sigkill(lab: Lab) -> None:
    """A process that traces is killed: its four programs are gone."""
    command = [sys.executable, "-c", _HOLD, str(inode(lab, "a"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        programs = of_process(process.pid)
        assert (4, programs) == (len(programs), programs & loaded())
        process.send_signal(signal.SIGKILL)
    assert set() == until_gone(programs)


def test_nothing_stays_after_close(lab: Lab) -> None:
    """Closed, a tracer leaves neither programs nor descriptors, and closing again is no mistake."""
    before = descriptors(os.getpid())
    with Tracer([inode(lab, "a")]) as tracer:
        programs = of_process(os.getpid())
    tracer.close()
    assert (4, set(), before) == (len(programs), until_gone(programs), descriptors(os.getpid()))
