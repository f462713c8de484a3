"""Others talk too, and nobody notices that somebody looked on."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from tests.kernel.observe.looking import BACK, WAY, ask, pair, places, routed, run

from vethlab import Lab
from vethlab.model.flow import TCP, UDP, Flow, Side
from vethlab.model.journey import REPLY, REQUEST, Observed
from vethlab.observe.onlooker import Onlooker
from vethlab.probe.single import probe

pytestmark = pytest.mark.kernel

FLOOD = """
import socket, sys
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.connect(("10.9.2.80", int(sys.argv[1])))
payload = bytes(64)
print(flush=True)
while True:
    try:
        sender.send(payload)
    except OSError:  # its port is closed
        pass
"""


@contextmanager
def busy(lab: Lab, node: str, *commands: list[str]) -> Iterator[None]:
    """Programs that run in a node meanwhile; each says a line when it has begun."""
    with ExitStack() as stack:
        for command in commands:
            program = lab[node].popen(command, stdout=subprocess.PIPE)
            stack.callback(program.wait)
            stack.callback(program.kill)
            assert program.stdout is not None
            stack.enter_context(program.stdout)
            program.stdout.readline()
        yield


def received(lab: Lab) -> int:
    """Packets that came to the web server."""
    (told,) = json.loads(lab.namespaces.run("web", ["ip", "-s", "-j", "link", "show", "eth0"]).stdout)
    return int(told["stats64"]["rx"]["packets"])


@pytest.mark.parametrize(("kind", "port"), [("ping", None), (TCP, 80), (UDP, 80)])
def test_a_flood_costs_no_sighting(kind: str, port: int | None) -> None:
    """While others send as fast as the machine allows, pings and datagrams to the same port, our own probe is seen everywhere."""
    with routed() as lab, lab["web"].socket() as server, lab["web"].socket(type=socket.SOCK_DGRAM) as sink:
        server.bind(("10.9.2.80", 80))
        server.listen()
        sink.bind(("10.9.2.80", 80))
        ask(lab, "10.9.2.80", node="web")
        with busy(lab, "a", ["python3", "-c", FLOOD, "80"], ["ping", "-q", "-f", "10.9.2.80"]):
            before = received(lab)
            seen = [ask(lab, "10.9.2.80", kind=kind, node="web", port=port, ready=False) for _ in range(5)]
            passed = received(lab) - before
    assert 1000 < passed
    assert [0] * 5 == [one.lost for one in seen]
    assert [WAY] * 5 == [places(one, REQUEST) for one in seen]
    assert [True] * 5 == [one.ok for one in seen]
    assert all(sum(sighting.what == REQUEST for sighting in one.sightings) <= 3 * 4 * len(WAY) for one in seen)


def test_others_pings_between_the_same_hosts_are_not_ours() -> None:
    """A pinging neighbour neither answers for us nor is seen: 12 sightings, not one more."""
    with routed() as lab:
        ask(lab, "10.9.2.80", node="web")
        with busy(lab, "a", ["ping", "-q", "-i", "0.002", "10.9.2.80"]):
            seen = ask(lab, "10.9.2.80", node="web", ready=False)
    assert (WAY + BACK, 12) == (places(seen, REQUEST, REPLY), sum(one.about is None for one in seen.sightings))


def test_anothers_reply_is_no_answer_to_us() -> None:
    """Where our own pings are dropped, those of others that pass do not help."""
    rule = "table ip w {\n chain i { type filter hook input priority 0\n icmp type echo-request ip length 48 drop\n }\n}\n"
    with pair() as lab:
        run(lab, "b", "nft -f -", stdin=rule)
        with busy(lab, "a", ["ping", "-q", "-i", "0.01", "10.0.0.2"]):
            seen = ask(lab, "10.0.0.2", node="b", ready=False)
    assert (False, "no reply in 0.5 s", []) == (seen.ok, seen.reason, places(seen, REPLY))
    assert [REQUEST] == [one.what for one in seen.firewall]


def test_one_onlooker_looks_on_again() -> None:
    """The rings stay open between probes, and each sees its own packets only."""
    flow = Flow("ping", Side("a"), Side("b", None, IPv4Address("10.0.0.2")))
    with pair() as lab:
        ask(lab, "10.0.0.2", node="b")
        with Onlooker(lab.namespaces, ["a", "b"]) as onlooker:
            seen = [onlooker.look_on(flow, lambda mark: probe(lab.namespaces, flow, mark=mark)) for _ in range(3)]
    assert [4] * 3 == [sum(one.about is None for one in each.sightings) for each in seen]


def descriptors() -> list[str]:
    """What this process holds open, by what it is."""
    found = []
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # that of the listing itself
            found.append(str(one.readlink()).partition(":")[0])
    return sorted(found)


def closed() -> None:
    """Wait for the rings, which close behind the answer."""
    for thread in threading.enumerate():
        if thread.name == "vethlab-rings":
            thread.join(5)


LEFT = "ip -d link; ip address; ip route show table all; sysctl -a 2>/dev/null | grep ^net; nft list ruleset; ss -Hatuw; ss -Ha0; tc qdisc"


def state(lab: Lab) -> dict[str, str]:
    """Whatever a person would look at."""
    return {name: lab.namespaces.run(name, ["sh", "-c", LEFT]).stdout for name in sorted(lab.namespaces.names())}


@pytest.mark.parametrize(("kind", "port"), [("ping", None), (TCP, 80), (UDP, 80), ("arp", None)])
def test_nothing_is_left(kind: str, port: int | None) -> None:
    """No socket, no table, no setting, no thread: not of a probe that passed, nor of one that died."""
    rule = "table ip w {\n chain i { type filter hook input priority 0\n tcp dport 81 drop\n udp dport 81 drop\n }\n}\n"
    with pair() as lab:
        run(lab, "b", "nft -f -", stdin=rule)
        ask(lab, "10.0.0.2", kind=kind, node="b", port=port, interface="eth0", truth=True)
        closed()
        before, held = state(lab), descriptors()
        for target, to in (("10.0.0.2", port), ("10.0.0.9", port), ("10.0.0.2", port and 81)):
            ask(lab, target, kind=kind, node="b", port=to, interface="eth0", ready=False, truth=True, timeout=0.1)
        closed()
        assert held == descriptors()
        assert before == state(lab)


def test_a_connection_ends_with_its_probe() -> None:
    """The server meets an ordinary end of file, and the client's side does not linger."""
    with pair() as lab, lab["b"].socket() as server:
        server.bind(("10.0.0.2", 80))
        server.listen()
        assert ask(lab, "10.0.0.2", kind=TCP, node="b", port=80).ok
        accepted, _client = server.accept()
        with accepted:
            accepted.settimeout(5)
            assert b"" == accepted.recv(1)
        assert "" == lab.namespaces.run("a", ["ss", "-Htan"]).stdout


def test_a_probe_that_fails_leaves_nothing() -> None:
    """Whatever goes wrong within, the rings are closed."""

    def fails(_mark: object) -> Observed:
        raise RuntimeError("no probe")

    flow = Flow("ping", Side("a"), Side("b", None, IPv4Address("10.0.0.2")))
    with pair() as lab:
        ask(lab, "10.0.0.2", node="b")
        closed()
        held = descriptors()
        with pytest.raises(RuntimeError, match="no probe"), Onlooker(lab.namespaces, ["a", "b"]) as onlooker:
            onlooker.look_on(flow, fails)
        assert held == descriptors()
