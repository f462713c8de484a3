"""Rates in the kernel: set, told back, changed in place, taken back; tc(8) is the witness."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from tests.kernel.drifting import told_and_repaired

from vethlab import Lab
from vethlab.errors import BuildError, HostError
from vethlab.kernel.trials import missing
from vethlab.model.shaping import Queue

pytestmark = [pytest.mark.kernel, pytest.mark.skipif(shutil.which("tc", path="/usr/sbin:/sbin:/usr/bin:/bin") is None, reason="no tc")]

RECEIVE = """
import socket, sys, time
peer = socket.create_server((sys.argv[1], 9)).accept()[0]
begun, count = time.monotonic(), 0
while data := peer.recv(1 << 16):
    count += len(data)
print(count, time.monotonic() - begun)
"""
SEND = """
import socket, sys, time
for _ in range(400):
    try:
        peer = socket.create_connection((sys.argv[1], 9))
        break
    except OSError:
        time.sleep(0.01)
peer.sendall(bytes(500000))
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A slow link, and a network with a rate."""
    lab = Lab("slow")
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24", rate="10mbit")
    lab.bridge("br0", subnet="10.1.0.0/24", gateway=1, rate="80gbit", nodes=["a", "b"])
    with lab as running:
        yield running


def queues(lab: Lab, node: str) -> dict[str, Queue]:
    """What the kernel holds, as vethlab reads it."""
    return dict(lab.state().netns[node].queues)


def test_tc_sees_what_was_declared(lab: Lab) -> None:
    """The rate, the bucket and the limit, past 32 bits too; and nothing differs from the file."""
    shown = lab["a"].exec("tc -d qdisc show").stdout
    assert re.search(r"dev eth0 root refcnt 2 rate 10Mbit burst 607[12]b", shown), shown  # versions of tc round differently
    assert "dev eth1 root refcnt 2 rate 80Gbit" in shown
    assert "rate 80Gbit" in lab["host"].exec("tc qdisc show dev p-b").stdout
    assert ({"eth0", "eth1"}, {"p-a", "p-b"}) == (set(queues(lab, "b")), set(queues(lab, "host")))
    assert () == lab.plan()


@pytest.mark.parametrize(
    ("node", "command", "told"),
    [
        ("a", "tc qdisc delete dev eth0 root", "add queue a:eth0"),
        ("b", "tc qdisc replace dev eth1 root tbf rate 1mbit burst 3000 limit 9000", "change queue b:eth1"),
        ("host", "tc qdisc add dev br0 root tbf rate 1mbit burst 3000 limit 9000", "remove queue host:br0"),
        ("host", "ip link delete dev p-a", "add queue a:eth1"),
        ("a", "tc qdisc replace dev eth0 root handle 5: htb default 1", "add queue a:eth0"),
    ],
)
def test_a_change_by_hand_is_told_and_repaired(lab: Lab, node: str, command: str, told: str) -> None:
    """The plan names the queue, `up` mends it, and then nothing differs and every path passes."""
    told_and_repaired(lab, node, command, told)


def test_what_no_lab_file_has_words_for_is_let_alone(lab: Lab) -> None:
    """A hook for filters and a discipline of another kind are no difference."""
    assert lab["a"].exec("tc qdisc add dev lo root pfifo limit 5")
    assert lab["a"].exec("tc qdisc add dev eth0 clsact")
    assert () == lab.plan()


def test_a_rate_holds_what_it_says(lab: Lab) -> None:
    """Half a megabyte at 10 Mbit/s takes 0.4 s and not much longer; the same over the network is there at once."""
    seconds = {}
    for address in ("10.0.0.2", "10.1.0.3"):
        with lab["b"].popen(["python3", "-c", RECEIVE, address], stdout=-1, text=True) as server:
            done = lab["a"].exec(["python3", "-c", SEND, address])
            assert done, done.stderr
            out, _ = server.communicate(timeout=20)
        count, took = out.split()
        assert "500000" == count
        seconds[address] = float(took)
    assert 0.3 < seconds["10.0.0.2"] < 1.5
    assert seconds["10.1.0.3"] < seconds["10.0.0.2"]


def test_a_failed_change_leaves_the_queues_as_they_were(lab: Lab) -> None:
    """Another rate is rolled back together with what the kernel refused."""
    before = {node: queues(lab, node) for node in ("a", "b", "host")}
    with pytest.raises(BuildError):
        lab.node("c", sysctl={"net.ipv4.ip_default_ttl": "999"})
    assert before == {node: queues(lab, node) for node in ("a", "b", "host")}


def test_a_fix_that_removes_a_queue_is_taken_back_by_the_states(lab: Lab) -> None:
    """A bucket too small for any packet is named; the mend is what the file says; `undo` brings the small bucket back, once."""
    assert lab["a"].exec("tc qdisc replace dev eth0 root tbf rate 10mbit burst 40 limit 3000")
    small = queues(lab, "a")["eth0"]
    done = lab.fix("a", "10.0.0.2")
    assert done.before.explanation.verdict is not None
    assert "queue-drop" == done.before.explanation.verdict.slug
    assert done.after is not None
    assert done.after.explanation.ok
    assert () == lab.plan()
    lab.undo()
    assert small == queues(lab, "a")["eth0"]


@pytest.mark.skipif("netem" not in missing((), ["netem"]), reason="this kernel has sch_netem")
def test_a_kernel_without_netem_is_told_before_anything_is_touched(lab: Lab) -> None:
    """HostError names it; the running lab is untouched, and a new one does not come to be."""
    with pytest.raises(HostError) as caught:
        lab.link("a 10.0.9.1/24", "b 10.0.9.2/24", delay="5ms")
    assert ("kernel-lacks", 3) == (caught.value.slug, caught.value.exit_code)
    assert "sch_netem" in caught.value.message
    assert () == lab.plan()
    late = Lab("late")
    late.link("a", "b", loss="1%")
    with pytest.raises(HostError):
        late.up(detach=False)


@pytest.mark.skipif("netem" in missing((), ["netem"]), reason="this kernel has no sch_netem")
def test_netem_delays(lab: Lab) -> None:
    """Where the kernel has it: 10 ms each way make 20 for a round trip, and nothing differs from the file."""
    lab.link("a 10.0.9.1/24", "b 10.0.9.2/24", delay="10ms", rate="50mbit")
    assert () == lab.plan()
    found = lab.check(["ping a -> 10.0.9.2"])
    assert found.ok
    assert 20_000 <= (found.results[0].rtt_us or 0) < 60_000
