"""Traces of nftables in real labs: every family and hook names the right rule, and nothing is left of the looking."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from tests.kernel.observe.nft_cases import CASES, Case, load, pair, ping

from vethlab import Lab
from vethlab.errors import KernelError
from vethlab.kernel import nft_trace
from vethlab.kernel.netlink.connection import Connection, Refused
from vethlab.kernel.netlink.nftables import NETLINK_NETFILTER, Place, tracing
from vethlab.kernel.nft_rules import rule_text
from vethlab.kernel.nft_trace import NftTrace, TraceEvent

pytestmark = pytest.mark.kernel


@pytest.fixture(params=["rootless", "root"])
def mode(request: pytest.FixtureRequest) -> str:
    """How the lab is held: in a user namespace, or by root."""
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("root mode needs root")
    return str(request.param)


def listing(lab: Lab, node: str, *options: str) -> str:
    """What nft says is in a node."""
    return lab.namespaces.run(node, ["nft", *options, "list", "ruleset"]).stdout


def comments(lab: Lab, node: str) -> dict[tuple[str, str, int], str]:
    """(family, table, handle) -> comment, as nft lists them."""
    found = {}
    for family, table, body in re.findall(r"^table (\w+) (\S+) {(.*?)^}", listing(lab, node, "-a"), re.MULTILINE | re.DOTALL):
        for comment, handle in re.findall(r'comment "(\w+)".*# handle (\d+)$', body, re.MULTILINE):
            found[family, table, int(handle)] = comment
    return found


def told(lab: Lab, trace: NftTrace, expected: list[str]) -> list[str]:
    """What the trace says of rules with a comment and of dropping policies, each once; waits for what is expected, 2 seconds at most."""
    said: dict[str, None] = {}
    names = {node: comments(lab, node) for node in trace.nodes}
    deadline = time.monotonic() + 2
    while not set(expected) <= set(said) and time.monotonic() < deadline:
        for one in trace.events():
            rule = names[one.node].get((one.family, one.table, one.handle)) if one.handle else None
            if rule or one.policy == "drop":
                said[f"{one.node} {one.family} {one.chain} {rule or one.kind} {one.verdict}"] = None
        time.sleep(0.005)
    return list(said)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_rule_is_named(mode: str, case: Case) -> None:
    """Each family and hook tells table, chain, handle and verdict, in the order in which the packet met them."""
    with case.shape(mode) as lab:
        load(lab, case.node, case.ruleset)
        before = listing(lab, case.node, "--stateless")
        with NftTrace(lab.namespaces, sorted(lab.namespaces.names())) as trace:
            case.send(lab)
            assert case.expected == told(lab, trace, case.expected)
            assert ((case.node,), 0) == (trace.nodes, trace.lost)
        assert before == listing(lab, case.node, "--stateless")


DROPS = """table ip t {
    chain i { type filter hook input priority 5; policy accept
        ip saddr 192.0.2.1 counter accept
        icmp type echo-request meta mark set 9
        icmp type echo-request counter drop
    }; }"""


def echoes(events: list[TraceEvent]) -> list[TraceEvent]:
    """Events of echo requests."""
    return [one for one in events if one.transport_header[:1] == b"\x08" and one.network_header[9:10] == b"\1"]


def test_every_event_has_interfaces_and_headers(mode: str) -> None:
    """The kernel tells them with the first event of a chain; each event has them, and the mark that the packet bore then."""
    with pair(mode) as lab:
        load(lab, "b", DROPS)
        with NftTrace(lab.namespaces, ["a", "b"]) as trace:
            ping(lab)
            first, second = echoes(trace.events())[:2]
        index = int(lab["b"].exec("cat /sys/class/net/eth0/ifindex").stdout)
        mac = bytes.fromhex(lab["b"].exec("cat /sys/class/net/eth0/address").stdout.strip().replace(":", ""))
        hooked = [(one.hook, one.priority, one.policy) for one in trace.chains["b"]]
    assert [("continue", 9), ("drop", 9)] == [(one.verdict, one.mark) for one in (first, second)]
    assert (index, 0, mac) == (second.iif, second.oif, second.link_header[:6])
    assert socket.inet_aton("10.0.0.1") + socket.inet_aton("10.0.0.2") == second.network_header[12:20]
    assert (first.link_header, first.network_header, first.id) == (second.link_header, second.network_header, second.id)
    assert [("input", 5, "accept")] == hooked


def test_the_rule_in_words(mode: str) -> None:
    """The rule, its place and its counter are told by nft itself; a rule that is gone is None."""
    with pair(mode) as lab:
        load(lab, "b", DROPS)
        with NftTrace(lab.namespaces, ["b"]) as trace:
            ping(lab)
            dropped = echoes(trace.events())[1]
        assert dropped.handle is not None
        rule = rule_text(lab.namespaces, "b", dropped.family, dropped.table, dropped.handle)
        lab.namespaces.run("b", ["nft", "flush", "chain", "ip", "t", "i"])
        gone = rule_text(lab.namespaces, "b", dropped.family, dropped.table, dropped.handle)
    assert rule is not None
    assert ("icmp type echo-request counter", "i", 2) == (rule.text.partition(" packets")[0], rule.chain, rule.position)
    assert (False, False, True) == (rule.rejects, rule.unconditional, (rule.packets or 0) > 0)
    assert None is gone


def test_nodes_without_rulesets_are_not_touched(mode: str) -> None:
    """No table is made where there is none, nor where all are dormant; without any, nothing is opened."""
    with pair(mode) as lab:
        load(lab, "b", "table ip t { flags dormant\n }")
        before = listing(lab, "a"), listing(lab, "b")
        descriptors = set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - descriptors
        with NftTrace(lab.namespaces, ["a", "b", "host"]) as trace:
            assert ((), []) == (trace.nodes, trace.events())
            assert before == (listing(lab, "a"), listing(lab, "b"))
        assert descriptors == set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - descriptors


def test_two_traces_at_once(mode: str) -> None:
    """Each sees the user's rules once and nothing of the other; an end of one leaves the other whole."""
    with pair(mode) as lab:
        load(lab, "b", DROPS)
        with NftTrace(lab.namespaces, ["a", "b"]) as one:
            with NftTrace(lab.namespaces, ["a", "b"]) as other:
                assert 2 == listing(lab, "b").count("vethlab-trace-")
                assert (("b",), ["i"]) == (other.nodes, [chain.name for chain in other.chains["b"]])
                ping(lab)
                heard = one.events()
                assert heard == other.events()
                assert {"t"} == {event.table for event in heard}
            ping(lab)
            assert echoes(one.events())


def test_a_traced_ruleset_is_unchanged(mode: str) -> None:
    """A lab that is looked at or brought up again during a trace finds no difference."""
    lab = pair(mode)
    lab.node("b", nft=DROPS)
    with lab, NftTrace(lab.namespaces, ["b"]) as trace:
        assert () == lab.plan()
        lab.up()
        ping(lab)
        assert echoes(trace.events())


def test_a_full_buffer_is_counted(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel could not tell is counted, and the trace goes on."""
    monkeypatch.setattr(nft_trace, "_BUFFER", 8192)  # some dozen events
    with pair(mode) as lab:
        load(lab, "b", DROPS)
        with NftTrace(lab.namespaces, ["b"]) as trace:
            lab["a"].exec("ping -q -c 50 -i 0.002 -W 0.01 10.0.0.2")
            trace.events()
            assert trace.lost > 0
            ping(lab)
            assert echoes(trace.events())


def test_a_refused_table_leaves_nothing(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the kernel takes one of our chains not, it takes none: an error that names the node, and no socket stays open."""
    monkeypatch.setattr(nft_trace, "places", lambda *_: [Place("inet", "output"), Place("netdev", "ingress", "a-name-of-sixteen")])
    with pair(mode) as lab:
        load(lab, "b", DROPS)
        before, descriptors = listing(lab, "b"), set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - descriptors
        with pytest.raises(KernelError) as refused, NftTrace(lab.namespaces, ["b"]):
            pass
        assert ("b", before) == (refused.value.subject, listing(lab, "b"))
        assert descriptors == set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - descriptors


def test_chains_on_a_prefix_of_devices(mode: str) -> None:
    """A chain on `eth*` (Linux 6.17) is traced on every device that the prefix means."""
    with pair(mode) as lab, lab.namespaces.sockets([("b", socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)])[0] as owner:
        try:
            Connection(owner).send(tracing("theirs", [Place("netdev", "ingress", "eth*")]))
        except Refused:
            pytest.skip("this kernel knows no prefixes of devices")
        with NftTrace(lab.namespaces, ["b"]) as trace:
            assert [("eth*",)] == [chain.devices for chain in trace.chains["b"]]
            ping(lab)
            assert {("netdev", "theirs", "on-ingress-0")} == {(one.family, one.table, one.chain) for one in echoes(trace.events())}


KILLED = """
import sys, time
from vethlab import Lab
from vethlab.kernel.nft_trace import NftTrace
lab = Lab.running(sys.argv[1])
with NftTrace(lab.namespaces, ["b"]) as trace:
    print(trace.name, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def standing(mode: str) -> Iterator[Lab]:
    """A lab that other processes can reach."""
    lab = Lab(f"traced-{os.getpid()}", mode=mode)
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
    lab.up(detach=True)
    yield lab
    lab.down()


def test_a_killed_trace_leaves_nothing(standing: Lab) -> None:
    """After SIGKILL of the process that traces, the ruleset is what it was: the kernel takes the table of a closed socket away."""
    load(standing, "b", DROPS)
    before = listing(standing, "b")
    with subprocess.Popen([sys.executable, "-c", KILLED, standing.name], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        assert f"table inet {name}" in listing(standing, "b")
        child.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while before != listing(standing, "b") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert before == listing(standing, "b")
