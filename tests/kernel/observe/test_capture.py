"""Captures in real labs: every hop in order, nothing lost in a burst, nothing changed by looking."""

from __future__ import annotations

import os
import socket
import threading
from collections import defaultdict
from pathlib import Path

import pytest
from tests.unit.observe.frames import ethernet, ipv4
from tests.unit.observe.reader import read

from vethlab import Lab
from vethlab.errors import NotFoundError
from vethlab.kernel.packet import PACKET_OUTGOING, Held
from vethlab.observe.capture import Capture, Tally
from vethlab.observe.decode import decode
from vethlab.observe.record import Recorder

pytestmark = pytest.mark.kernel

WAY = ["a:eth0 >", "host:p-a <", "host:p-router >", "router:eth0 <", "router:wan >", "web:eth0 <"]
BACK = [place.translate(str.maketrans("<>", "><")) for place in reversed(WAY)]


def routed() -> Lab:
    """A bridge, a router behind it, a web server behind that."""
    lab = Lab("looked-at")
    lab.node("a", routes=["default via 10.9.1.1"])
    lab.node("router", forward=True)
    lab.node("web", routes=["default via 10.9.2.1"])
    lab.bridge("br0", subnet="10.9.1.0/24", nodes={"a": 11, "router": 1})
    lab.link("router:wan 10.9.2.1/24", "web 10.9.2.80/24")
    return lab


def pair() -> Lab:
    """Two nodes on one cable, silent but for what is sent."""
    lab = Lab("looked-at")
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
    return lab


def seen(capture: Capture, seconds: float = 0.1) -> list[Held]:
    """What passed until `seconds` from now."""
    return [frame for batch in capture.batches(seconds=seconds) for frame in batch]


def sent(capture: Capture, frame: Held) -> str:
    """Place and direction of a frame."""
    return f"{capture.interface(frame)} {'>' if frame.kind == PACKET_OUTGOING else '<'}"


def test_every_hop_of_every_ping_is_there_in_order() -> None:
    """100 pings over a bridge and a router: all twelve points of each, in the order of the way, and the whole in order of time."""
    with routed() as lab:
        lab["a"].ping("web")
        with lab.capture(filter="icmp") as capture:
            assert lab["a"].exec("ping -q -c 100 -i 0.005 10.9.2.80")
            frames = seen(capture)
    journeys: dict[int, list[str]] = defaultdict(list)
    for frame in frames:
        icmp = decode(frame.data).icmp
        assert icmp is not None
        journeys[icmp.sequence].append(sent(capture, frame))
    assert dict.fromkeys(range(1, 101), WAY + BACK) == dict(journeys)
    times = [frame.ns for frame in frames]
    assert (sorted(times), 0, 0) == (times, capture.tally().dropped, capture.tally().late)


def blast(lab: Lab, count: int) -> None:
    """Datagrams from a to b as fast as one thread can; b has a socket for them, so that nothing comes back."""
    with lab["b"].socket(type=socket.SOCK_DGRAM) as server, lab["a"].socket(type=socket.SOCK_DGRAM) as client:
        server.bind(("10.0.0.2", 9))
        client.connect(("10.0.0.2", 9))
        for _ in range(count):
            client.send(b"x" * 64)


def test_a_burst_is_held() -> None:
    """20,000 packets while nobody reads: the rings hold them all, at both ends."""
    with pair() as lab, lab.capture(filter="udp") as capture:
        blast(lab, 20_000)
        frames = seen(capture)
    assert ({"a:eth0 >": 20_000, "b:eth0 <": 20_000}, 40_000, 0) == (tally(capture, frames), capture.tally().seen, capture.tally().dropped)


def tally(capture: Capture, frames: list[Held]) -> dict[str, int]:
    """How many frames passed each place."""
    found: dict[str, int] = defaultdict(int)
    for frame in frames:
        found[sent(capture, frame)] += 1
    return dict(found)


def test_drops_are_counted_not_hidden() -> None:
    """Where nobody reads for too long, what did not fit is counted: delivered and dropped together are all that passed."""
    with pair() as lab, lab.capture("b:eth0", filter="udp", snaplen=9000) as capture:
        sender = lab["a"].exec(["python3", "-c", FLOOD])
        assert sender, sender.stderr
        frames = seen(capture)
    counted = capture.tally()
    assert (True, counted.seen) == (counted.dropped > 0, len(frames) + counted.dropped)


FLOOD = """
import socket
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(20000):
    sender.sendto(bytes(1400), ("10.0.0.2", 9))
"""


def test_count_ends_the_capture() -> None:
    """`count` frames and not one more."""
    with pair() as lab, lab.capture() as capture:
        lab["a"].exec("ping -q -c 5 -i 0.01 10.0.0.2")
        assert 3 == len([frame for batch in capture.batches(count=3, seconds=5) for frame in batch])


def test_stop_from_another_thread() -> None:
    """`stop` ends a capture that waits, and what passed before it is delivered."""
    with pair() as lab, lab.capture(filter="icmp") as capture:
        lab["a"].ping("b")
        timer = threading.Timer(0.05, capture.stop)
        timer.start()
        frames = [frame for batch in capture.batches(seconds=30) for frame in batch]
        timer.join()
    assert {"a:eth0 >", "b:eth0 <", "b:eth0 >", "a:eth0 <"} == set(tally(capture, frames))


def test_chosen_interfaces_only() -> None:
    """Of a node with two interfaces only the chosen one is seen; a capture of nothing that matches sees nothing."""
    with routed() as lab:
        with lab.capture("router:wan", filter="icmp") as capture:
            lab["a"].ping("web")
            frames = seen(capture)
        with lab.capture("web:lo", filter="icmp") as nothing:
            lab["a"].ping("web")
            assert [] == seen(nothing)
    assert {"router:wan >", "router:wan <"} == set(tally(capture, frames))  # not how often: a ping that a busy machine delays is sent again


@pytest.mark.parametrize(("place", "slug"), [("zz", "no-such-node"), ("a:eth9", "no-such-interface")])
def test_places_that_are_not_there(place: str, slug: str) -> None:
    """A node or an interface that the lab does not have is named, and nothing stays open."""
    with pair() as lab:
        before = len(list(Path("/proc/self/fd").iterdir()))
        with pytest.raises(NotFoundError) as caught:
            lab.capture(place)
        assert (slug, before) == (caught.value.slug, len(list(Path("/proc/self/fd").iterdir())))


def test_loopback_shows_a_packet_once() -> None:
    """What a node sends to itself passes `lo` out and in, and is shown as it comes in."""
    with pair() as lab, lab.capture("a", filter="icmp") as capture:
        lab["a"].exec("ping -q -c 1 10.0.0.1")
        assert {"a:lo <": 2} == tally(capture, seen(capture))


def test_vlan_tags_are_put_back() -> None:
    """The tag that the kernel takes out of an incoming frame (skb_vlan_untag) is in the captured bytes, at both ends."""
    frame = ethernet(0x0800, ipv4(99, b"tagged"), tag=5)
    with pair() as lab, lab.capture("a:eth0", "b:eth0") as capture, lab["a"].socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        sender.send(frame)
        found = [one for one in seen(capture) if b"tagged" in one.data]
    assert [("a:eth0 >", frame, len(frame)), ("b:eth0 <", frame, len(frame))] == [(sent(capture, f), f.data, f.length) for f in found]


def test_snaplen_cuts_frames() -> None:
    """Only the beginning is kept, and the length on the wire is told."""
    with pair() as lab, lab.capture("a", snaplen=60) as capture:
        lab["a"].exec("ping -q -c 1 -s 500 10.0.0.2")
        frames = [frame for frame in seen(capture) if frame.length == 542]
    assert [60, 60] == [len(frame.data) for frame in frames]


def record(capture: Capture, frames: list[Held], lab: Lab) -> bytes:
    """The pcapng file of these frames."""
    from vethlab.lab.capturing import address_names

    parts: list[bytes] = []
    recorder = Recorder(capture, parts.append)
    recorder.begin(lab.name, address_names(lab.state()))
    recorder.frames(frames)
    recorder.finish(Tally(len(frames), len(frames), 0, 0, 1, 2))
    return b"".join(parts)


def test_interfaces_that_appear_are_named() -> None:
    """A cable laid during the capture is in it, with names and descriptions of its ends."""
    with pair() as lab, lab.capture(filter="icmp") as capture:
        began = {str(one) for one in capture.shown()}
        lab.link("a:late 10.7.0.1/24", "b:late 10.7.0.2/24")
        assert lab["a"].exec("ping -q -c 1 10.7.0.2")
        frames = seen(capture)
        file = read(record(capture, frames, lab))
    assert {"a:eth0", "a:lo", "b:eth0", "b:lo", "host:lo"} == began
    assert [("a:late", "out"), ("b:late", "in"), ("b:late", "out"), ("a:late", "in")] == file.where()
    described = {one[2][0].decode(): one[3][0].decode() for one in file.interfaces}
    assert ("veth, peer b:late", "loopback") == (described["a:late"], described["a:lo"])
    assert (["a"], ["b"]) == (file.names["10.0.0.1"], file.names["10.7.0.2"])


def test_nodes_that_appear_are_looked_at() -> None:
    """A node added during a capture of the whole lab is captured too."""
    with pair() as lab, lab.capture(filter="icmp") as capture:
        lab.link("a 10.8.0.1/24", "c 10.8.0.2/24")
        with lab["a"].popen("ping -q -i 0.1 -c 100 10.8.0.2", stdout=-3) as ping:
            for batch in capture.batches(seconds=20):
                if any(sent(capture, frame) == "c:eth0 <" for frame in batch):
                    break
            ping.terminate()
        assert capture.tally().ended - capture.tally().started < 15_000_000_000


def test_looking_changes_nothing() -> None:
    """The state of the lab, the flags of its interfaces and the open files are the same before, during and after."""
    def facts(lab: Lab) -> tuple[object, ...]:
        links = lab["a"].exec("cat /sys/class/net/eth0/flags /sys/class/net/eth0/ifindex").stdout
        return lab.state(), links, lab["a"].exec("wc -l /proc/net/packet").stdout

    with pair() as lab:
        before, descriptors = facts(lab), set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - descriptors
        with lab.capture() as capture:
            lab["a"].exec("true")
            during = facts(lab)
            seen(capture, 0.01)
        assert (before[:2], before) == (during[:2], facts(lab))
        assert before[2] != during[2], "the ring is not listed where it should be"
        assert descriptors == set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - descriptors
