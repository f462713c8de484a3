"""Deaths in real labs, while they happen: each told once with who, where and why; healthy traffic is silent; nothing stays behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.kernel.observe.watched import DEADLINE, Told, spelt, watched

from vethlab import Lab
from vethlab.errors import NotFoundError, UsageError
from vethlab.kernel.bpf.program import next_program
from vethlab.kernel.bpf.tracer import available
from vethlab.lab.watching import Names
from vethlab.model.finding import PROVEN
from vethlab.observe.brief import brief
from vethlab.observe.deaths import Death

pytestmark = pytest.mark.kernel
BPF = not available()
WAYS = [("rootless", False), ("root", False), ("root", True), ("rootless", True)]


@pytest.fixture(params=WAYS, ids=[f"{mode}{' with BPF' if truth else ''}" for mode, truth in WAYS])
def way(request: pytest.FixtureRequest) -> tuple[str, bool]:
    """How the lab is held, and whether the kernel is asked by BPF."""
    mode, truth = request.param
    if (mode == "root" and os.geteuid() != 0) or (truth and not BPF):
        pytest.skip(available() or "root mode needs root")
    return mode, truth


def pair(mode: str) -> Lab:
    """Two nodes on one cable."""
    lab = Lab("watched", mode=mode)
    lab.link("a 10.0.0.1/24 fd00::1/64", "b 10.0.0.2/24 fd00::2/64")
    return lab


def routed(mode: str) -> Lab:
    """Two nodes and a router between them."""
    lab = Lab("watched", mode=mode)
    lab.node("a", routes=["default via 10.2.1.1"])
    lab.node("r", forward=True)
    lab.node("b", routes=["default via 10.2.2.1"])
    lab.link("a 10.2.1.2/24", "r:left 10.2.1.1/24")
    lab.link("r:right 10.2.2.1/24", "b 10.2.2.2/24")
    return lab


def run(lab: Lab, node: str, *lines: str) -> None:
    """Commands that have to work."""
    for line in lines:
        done = lab[node].exec(line)
        assert done, done.stderr


def ping(lab: Lab, target: str, *options: str) -> None:
    """An echo request from a; whether it is answered is not asked."""
    lab["a"].exec(["ping", "-n", "-c", "1", "-W", "0.2", *options, target])


def packets(deaths: list[Death]) -> list[str]:
    """What died, in three words each."""
    return [brief(one.packet) if one.packet is not None else f"{one.count}" for one in deaths]


def send(lab: Lab, count: int, size: int = 1) -> None:
    """Datagrams from a to b. A queue that drops says ENOBUFS to who sends, and ping(8) would try again."""
    with lab["a"].socket(type=socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            with suppress(OSError):
                sender.sendto(bytes(size), ("10.0.0.2", 9))


def load(lab: Lab, node: str, table: str, hook: str, rule: str) -> None:
    """A table with one chain `c` and one rule, which has handle 2."""
    text = f"table {table} {{\n chain c {{\n type filter hook {hook} priority 0\n {rule}\n }}\n}}\n"
    done = lab.namespaces.run(node, ["nft", "-f", "-"], text)
    assert 0 == done.status, done.stderr


def test_a_rule_of_a_bridge(way: tuple[str, bool]) -> None:
    """Three pings, three deaths: the rule with its handle and text, the hook, the bridge; with BPF the kernel's word in addition."""
    lab = Lab("watched", mode=way[0])
    lab.bridge("br0", subnet="10.1.0.0/24", nodes={"web": 1, "db": 2})
    with lab:
        load(lab, "host", "bridge guard", "forward", "ip protocol icmp drop")
        with watched(lab, truth=way[1]) as told:
            lab["web"].exec("ping -n -c 3 -i 0.01 -W 0.2 10.1.0.2")
            told.wait(lambda deaths: len(deaths) >= 3)
            deaths = told.settled()
    assert [("dropped", "host:br0", "nft-drop")] * 3 == [spelt(one) for one in deaths]
    assert {("bridge/forward", PROVEN, "ICMP echo")} == {(one.hook, one.grade, *packets([one])) for one in deaths}
    assert {("bridge", "guard", "c", 2, "ip protocol icmp drop")} == {tuple(one.rule or ()) for one in deaths}
    assert {"NETFILTER_DROP" if way[1] else None} == {one.kernel.reason if one.kernel else None for one in deaths}


def test_a_refusal_has_three_witnesses_and_is_told_once(way: tuple[str, bool]) -> None:
    """A rule that rejects: the trace, the ICMP error and the kernel tell the same death; the rule is what is told."""
    with pair(way[0]) as lab:
        load(lab, "b", "ip t", "input", "icmp type echo-request reject")
        for _ in range(5):  # a busy machine may bring the error when the rest has been told
            with watched(lab, truth=way[1]) as told:
                ping(lab, "10.0.0.2")
                death = told.first("nft-reject")
                deaths = told.settled()
            if "10.0.0.2 says: " in death.says:
                break
    assert [("refused", "b:eth0", "nft-reject")] == [spelt(one) for one in deaths]
    assert death.rule is not None
    assert (2, True) == (death.rule.handle, "10.0.0.2 says: " in death.says)


def test_rules_that_come_later(way: tuple[str, bool]) -> None:
    """A ruleset is noticed within a second, another family beside it too; and when it goes, nothing of ours keeps standing."""
    with pair(way[0]) as lab, watched(lab, "b", truth=False) as told:
        for table in ("ip one", "inet two"):
            load(lab, "b", table, "input", "udp dport 9 drop")
            death = dropped(lab, told, table)
            assert (("dropped", "b:eth0", "nft-drop"), 2) == (spelt(death), death.rule and death.rule.handle)
            lab.namespaces.run("b", ["nft", "delete", "table", *table.split()])
        deadline = time.monotonic() + DEADLINE
        while (left := listing(lab, "b")) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "" == left


def dropped(lab: Lab, told: Told, table: str) -> Death:
    """Send to port 9 of b until a rule of this table is told of."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        send(lab, 1)
        for death in told.settled(0.1):
            if death.rule is not None and table.split() == [*death.rule[:2]]:
                return death
    raise AssertionError(f"nothing was told of {table}")


def listing(lab: Lab, node: str) -> str:
    """What nft says is in a node."""
    return lab.namespaces.run(node, ["nft", "list", "ruleset"]).stdout


@pytest.mark.parametrize("address", ["10.0.0.9", "fd00::9"])
def test_nobody_answers(way: tuple[str, bool], address: str) -> None:
    """An address that nobody has: told after a second at the asker, and then the packet that waited for it, once."""
    with pair(way[0]) as lab, watched(lab, truth=way[1]) as told:
        ping(lab, address, "-W", "5")
        told.wait(lambda deaths: len(deaths) >= 2)
        deaths = told.settled()
    place = "a:eth0" if way[1] else "a:lo"  # without BPF the node tells itself
    assert [("unanswered", "a:eth0", "neighbour-unresolved"), ("dropped", place, "neighbour-unresolved")] == [spelt(one) for one in deaths]
    words = ["ARP who-has 10.0.0.9", "ICMP echo"] if "." in address else ["ICMP6 who-has fd00::9", "ICMP6 echo"]
    assert words == packets(deaths)


def test_a_port_that_nobody_listens_on(way: tuple[str, bool]) -> None:
    """TCP is refused by RST, UDP by an ICMP error; each is told once, with what was asked."""
    with pair(way[0]) as lab, watched(lab, truth=way[1]) as told:
        with lab["a"].socket() as client, pytest.raises(ConnectionRefusedError):
            client.connect(("10.0.0.2", 81))
        with lab["a"].socket(type=socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", ("10.0.0.2", 99))
        with lab["a"].socket(socket.AF_INET6) as client, pytest.raises(ConnectionRefusedError):
            client.connect(("fd00::2", 81))
        told.wait(lambda deaths: len(deaths) >= 3)
        deaths = told.settled()
    assert [("refused", "b:eth0", "port-closed")] * 3 == [spelt(one) for one in deaths]
    assert ["TCP SYN :81", "UDP :99", "TCP SYN :81"] == packets(deaths)


def test_a_queue_that_drops(way: tuple[str, bool]) -> None:
    """Without BPF its counter tells how many, with BPF each is told with its packet, and the counter is silent."""
    with pair(way[0]) as lab:
        run(lab, "a", "ping -c 1 10.0.0.2", "tc qdisc add dev eth0 root pfifo limit 0")
        with watched(lab, truth=way[1]) as told:
            send(lab, 3)
            told.wait(lambda deaths: sum(one.count for one in deaths) >= 3)
            deaths = told.settled(1.2)
    assert {("dropped", "a:eth0", "queue-drop")} == {spelt(one) for one in deaths}
    if way[1]:
        assert ["UDP :9"] * 3 == [words for words in packets(deaths) if words.startswith("UDP")]
        assert {1} == {one.count for one in deaths}
    else:  # what IPv6 says unasked is in the counter too
        assert {"queue pfifo: dropped"} == {one.says.partition(" +")[0] for one in deaths}


def test_a_frame_that_is_too_long_for_the_other_end(way: tuple[str, bool]) -> None:
    """Counted at both ends of the cable, told once, at the sender's."""
    with pair(way[0]) as lab:
        run(lab, "b", "ip link set eth0 mtu 1280")
        run(lab, "a", "ping -c 1 10.0.0.2")
        with watched(lab, truth=way[1]) as told:
            send(lab, 1, size=1400)
            told.first("mtu-blackhole")
            deaths = told.settled(1.2)
    assert [("dropped", "a:eth0", "mtu-blackhole")] == [spelt(one) for one in deaths]


@pytest.mark.parametrize(("kind", "says"), [("unreachable", "host 10.2.2.2 unreachable"), ("prohibit", "admin prohibited filter")])
def test_a_route_that_refuses(way: tuple[str, bool], kind: str, says: str) -> None:
    """The router says no: it is the one, and its words are told."""
    with routed(way[0]) as lab:
        run(lab, "r", f"ip route add {kind} 10.2.2.2")
        with watched(lab, truth=way[1]) as told:
            ping(lab, "10.2.2.2")
            death = told.first("route-blackhole")
            deaths = told.settled()
    assert [("dropped", "r:left", "route-blackhole")] == [spelt(one) for one in deaths]
    assert ("ICMP echo", True) == (*packets([death]), says in death.says)


def test_errors_of_a_router(way: tuple[str, bool]) -> None:
    """Time exceeded, no route, too big: where, and about which packet."""
    with routed(way[0]) as lab:
        run(lab, "r", "ip link set right mtu 1280")
        with watched(lab, truth=way[1]) as told:
            ping(lab, "10.2.2.2", "-t", "1")
            ping(lab, "10.99.0.1")
            ping(lab, "10.2.2.2", "-s", "1400", "-M", "do")
            told.wait(lambda deaths: len(deaths) >= 3)
            deaths = told.settled()
    assert [("dropped", "r:left", reason) for reason in ("ttl-expired", "no-route", "mtu-exceeded")] == [spelt(one) for one in deaths]
    assert {PROVEN} == {one.grade for one in deaths}


@pytest.mark.skipif(not BPF, reason=available() or "BPF works here")
def test_what_only_the_kernel_tells() -> None:
    """A blackhole route, a source that the reverse path filter refuses, forwarding that is off: silent deaths, told by BPF."""
    with routed("root") as lab, watched(lab, truth=True) as told:
        run(lab, "r", "ip route add blackhole 10.2.2.2")
        ping(lab, "10.2.2.2")
        told.first("route-blackhole")
        run(lab, "r", "ip route del blackhole 10.2.2.2", "sysctl -qw net.ipv4.conf.left.rp_filter=1", "ip route add 10.2.1.2 dev right")
        ping(lab, "10.2.2.2")
        death = told.first("rp-filter")
        run(lab, "r", "ip route del 10.2.1.2 dev right", "sysctl -qw net.ipv4.ip_forward=0")
        ping(lab, "10.2.2.2")
        told.first("forwarding-off")
        deaths = told.settled()
    assert death.kernel is not None
    assert ("IP_RPFILTER", "ip_rcv_finish_core") == (death.kernel.reason, death.kernel.location)
    assert {("dropped", "r:left")} == {spelt(one)[:2] for one in deaths}
    assert ["route-blackhole", "rp-filter", "forwarding-off"] == [one.reason for one in deaths]


SERVER = """
import http.server, socketserver
socketserver.TCPServer.allow_reuse_address = True
server = http.server.ThreadingHTTPServer(("10.0.0.2", 80), http.server.SimpleHTTPRequestHandler)
print("ready", flush=True)
server.serve_forever()
"""
CLIENT = "import urllib.request; urllib.request.urlopen('http://10.0.0.2/', timeout=5).read()"


def test_healthy_traffic_is_silent(way: tuple[str, bool]) -> None:
    """Two seconds of ping, IPv6, HTTP, checks and a ruleset that lets all through: nothing is told, nothing is missed."""
    with pair(way[0]) as lab:
        load(lab, "b", "inet t", "input", "counter accept")
        with watched(lab, truth=way[1]) as told:
            server = lab["b"].popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            try:
                assert server.stdout is not None
                assert "ready\n" == server.stdout.readline()
                until = time.monotonic() + 2
                while time.monotonic() < until:
                    run(lab, "a", "ping -q -c 3 -i 0.01 10.0.0.2", "ping -q -c 3 -i 0.01 fd00::2")
                    assert lab["a"].exec([sys.executable, "-c", CLIENT])
                    assert lab.check().ok
            finally:
                server.kill()
                server.communicate()
            assert [] == told.settled()
        assert (0, 0) == told.watch.told()


def test_nodes_come_and_go(way: tuple[str, bool]) -> None:
    """A node that is added is watched too; the end of the lab ends the watch, which held nothing back."""
    lab = pair(way[0])
    lab.up(detach=False)
    with lab.watch(truth=way[1]) as watch:
        deaths: list[Death] = []
        asks = ("unanswered", "c:eth0", "neighbour-unresolved")
        lab.link("c 10.3.0.1/24", "b:second 10.3.0.2/24")
        asked, deadline = lab["c"].popen("ping -n -W 1 10.3.0.9", stdout=subprocess.DEVNULL), time.monotonic() + DEADLINE
        try:
            for batch in watch.batches():
                deaths += batch
                if any(spelt(one) == asks for one in deaths) or time.monotonic() > deadline:
                    break
        finally:
            asked.kill()
            asked.wait()
        assert (True, {"neighbour-unresolved"}) == (asks in map(spelt, deaths), {one.reason for one in deaths})
        assert ("a", "b", "c", "host") == watch.nodes
        lab.down()
        for _ in watch.batches(seconds=DEADLINE):
            assert time.monotonic() < deadline + DEADLINE
        assert watch.lab_ended


def test_chosen_nodes(way: tuple[str, bool]) -> None:
    """Only deaths in the nodes that were chosen; a place that is not there, or no node, is refused, and nothing stays open."""
    with pair(way[0]) as lab:
        before = len(list(Path("/proc/self/fd").iterdir()))
        with pytest.raises(NotFoundError) as caught:
            lab.watch("zz")
        with pytest.raises(UsageError):
            lab.watch("a:eth0")
        assert ("no-such-node", before) == (caught.value.slug, len(list(Path("/proc/self/fd").iterdir())))
        with watched(lab, "a", truth=way[1]) as told:
            with lab["a"].socket() as client, pytest.raises(ConnectionRefusedError):
                client.connect(("10.0.0.2", 81))
            with lab["a"].socket() as client, pytest.raises(ConnectionRefusedError):
                client.connect(("10.0.0.1", 82))
            told.first("port-closed")
            assert ["TCP SYN :82"] == packets(told.settled())


def test_count_and_duration(way: tuple[str, bool]) -> None:
    """`count` deaths and not one more; `seconds`, and not much longer."""
    with pair(way[0]) as lab, lab.watch(truth=False) as watch:
        for port in range(81, 86):
            with lab["a"].socket() as client, pytest.raises(ConnectionRefusedError):
                client.connect(("10.0.0.2", port))
        assert 3 == len([death for batch in watch.batches(count=3, seconds=DEADLINE) for death in batch])
    with pair(way[0]) as lab, lab.watch(truth=False) as watch:
        began = time.monotonic()
        assert [] == [death for batch in watch.batches(seconds=0.1) for death in batch]
        assert time.monotonic() - began < DEADLINE


def test_names_of_addresses(way: tuple[str, bool]) -> None:
    """The node that has an address, those that come later too; what nobody has, and the loopback that everybody has, stay addresses."""
    with pair(way[0]) as lab:
        names = Names(lab.namespaces)
        shown = [names.show(socket.inet_pton(family, text)) for family, text in (
            (socket.AF_INET, "10.0.0.2"), (socket.AF_INET6, "fd00::1"), (socket.AF_INET, "10.0.0.7"), (socket.AF_INET, "127.0.0.1"),
            (socket.AF_INET6, "::1"),
        )]
        assert ["b", "a", "10.0.0.7", "127.0.0.1", "::1"] == shown
        run(lab, "a", "ip address add 10.0.0.7/24 dev eth0")
        deadline = time.monotonic() + DEADLINE
        while (name := names.show(b"\x0a\0\0\x07")) != "a" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "a" == name


KILLED = """
import sys
from vethlab import Lab
lab = Lab.running(sys.argv[1])
with lab.watch() as watch:
    print("watching", flush=True)
    for _ in watch.batches():
        pass
"""


def programs(process: int) -> set[int]:
    """The BPF programs that a process has at tracepoints, as its descriptors tell."""
    told = "".join(path.read_text() for path in Path(f"/proc/{process}/fdinfo").iterdir())
    return {int(line.split()[1]) for line in told.splitlines() if line.startswith("prog_id:")}


def loaded(number: int) -> bool:
    """Whether the kernel has a BPF program of that number; others make and take theirs meanwhile."""
    return next_program(number - 1) == number


def test_nothing_is_left_after_sigkill(way: tuple[str, bool]) -> None:
    """Tables that trace, packet sockets and BPF programs are gone with the process, at whatever moment it is killed."""
    name = f"watched-{os.getpid()}"
    lab = Lab(name, mode=way[0])
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
    lab.up()
    try:
        load(lab, "b", "ip t", "input", "icmp type echo-request drop")
        before = (listing(lab, "b"), sockets(lab), False)
        process = subprocess.Popen([sys.executable, "-c", KILLED, name], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert "watching\n" == process.stdout.readline()
        numbers = programs(process.pid)
        during = (listing(lab, "b"), sockets(lab), any(map(loaded, numbers)))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        deadline = time.monotonic() + DEADLINE
        while (after := (listing(lab, "b"), sockets(lab), any(map(loaded, numbers)))) != before and time.monotonic() < deadline:
            time.sleep(0.05)  # BPF programs are freed after a grace period
        assert before == after
        assert (True, 1, BPF) == ("vethlab-trace-" in during[0], during[1] - before[1], during[2])
    finally:
        lab.down()


def sockets(lab: Lab) -> int:
    """How many packet sockets b has."""
    return len(lab["b"].exec("cat /proc/net/packet").stdout.splitlines()) - 1
