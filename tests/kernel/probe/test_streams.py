"""TCP, HTTP and UDP over real namespaces: answers, refusals and silence told apart."""

from __future__ import annotations

import pytest
from tests.kernel.probe.breaking import STAR, Up, do, result, rule

pytestmark = pytest.mark.kernel

SERVED = STAR + """
nodes:
  a: {}
  b: {run: "exec python3 -m http.server 80"}
  c: {run: "exec python3 -c 'import socket\\ns=socket.socket(2,2); s.bind((\\"\\",53))\\nwhile 1: d,p=s.recvfrom(99); s.sendto(d,p)'"}
"""
SILENT = STAR + """
nodes:
  a: {}
  b: {run: "exec python3 -c 'import socket,time; s=socket.socket(2,2); s.bind((\\"\\",53)); time.sleep(99)'"}
  c: {}
"""


def test_a_server_that_is_starting_is_waited_for(up: Up) -> None:
    """Right after `up` nobody listens yet: tcp and http wait for the listener of the `run:` and pass."""
    report = up(f"{SERVED}checks:\n- tcp a -> b:80\n- http c -> b:80\n- http c -> b\n").check()
    assert [True, True, True] == [one.passed for one in report.results]
    assert all(one.rtt_us for one in report.results)


def test_a_closed_port(up: Up) -> None:
    """Nobody listens: refused at once, port-closed."""
    report = up(f"{STAR}checks:\n- tcp a -> b:81\n").check()
    (one,) = report.results
    assert ("port-closed", "b refuses port 81: nobody listens, or a firewall rejects") == (one.finding, one.reason)
    assert report.seconds < 0.9


def test_silence_and_rejection(up: Up) -> None:
    """A dropped SYN is silence, a rejected one is unreachable."""
    lab = up(f"{STAR}checks:\n- tcp a -> b:80\n")
    rule(lab, "b", "ip", "input", "tcp dport 80 drop")
    assert "no answer to SYN in 0.3 s" == lab.check(timeout=0.3).results[0].reason
    do(lab, "b", "nft flush ruleset")
    rule(lab, "b", "ip", "input", "tcp dport 80 reject with icmp type admin-prohibited")
    assert lab.check(timeout=0.3).results[0].reason.startswith("10.5.0.2 is unreachable from a")


def test_a_dead_run_is_reported_at_once(up: Up) -> None:
    """A `run:` that has ended is not waited for, and its status is told."""
    lab = up(f"{STAR}nodes:\n  a: {{}}\n  b: {{run: exit 3}}\n  c: {{}}\nchecks:\n- http a -> b\n")
    report = lab.check()
    assert "nobody listens on port 80 of b: its `run: exit 3` ended with status 3" == report.results[0].reason
    assert report.seconds < 1.0


def test_a_server_that_says_no(up: Up) -> None:
    """An HTTP status that is no success fails with that status."""
    python = (
        "exec python3 -c 'import socket\\ns=socket.create_server((\\\"\\\",80))\\n"
        "while 1: c,_=s.accept(); c.recv(99); c.send(b\\\"HTTP/1.1 503 Busy\\\\r\\\\n\\\\r\\\\n\\\"); c.close()'"
    )
    lab = up(f'{STAR}nodes:\n  a: {{}}\n  b: {{run: "{python}"}}\n  c: {{}}\nchecks:\n- http a -> b\n')
    assert "the server answered with status 503 Busy" == lab.check().results[0].reason


def test_many_clients_of_a_small_server(up: Up) -> None:
    """Twenty nodes ask one single-threaded server with a short listen queue: none is reported lost."""
    lab = up(
        "name: crowd\nnetworks:\n  br0: {subnet: 10.5.0.0/24, nodes: [web, c1..20]}\n"
        "nodes:\n  web: {run: 'exec python3 -m http.server 80'}\n  c1..20: {}\nchecks:\n- http c1..20 -> web\n- tcp c1..20 -> web:80\n",
    )
    assert [] == [(one.path.src, one.reason) for one in lab.check().results if not one.passed]


def test_udp_with_an_answer(up: Up) -> None:
    """A datagram that is answered passes with a round trip."""
    (one,) = up(f"{SERVED}checks:\n- udp a -> c:53\n").check().results
    assert one.passed
    assert one.rtt_us is not None


def test_udp_without_an_answer(up: Up) -> None:
    """A datagram that a silent listener got passes, without a round trip: delivery was proven."""
    lab = up(f"{SILENT}checks:\n- udp a -> b:53\n")
    assert [(True, None)] == [(one.passed, one.rtt_us) for one in lab.check().results]


def test_udp_behind_a_firewall_is_not_delivered(up: Up) -> None:
    """A listener behind an input rule gets nothing, though the datagram reached its interface."""
    lab = up(f"{SILENT}checks:\n- udp a -> b:53\n")
    rule(lab, "b", "ip", "input", "udp dport 53 drop")
    assert "the datagram did not arrive in 0.3 s" == lab.check(timeout=0.3).results[0].reason


@pytest.mark.parametrize("hidden", [False, True])
def test_a_closed_udp_port(up: Up, hidden: bool) -> None:
    """Nobody listens: port-closed, whether or not the ICMP error comes back."""
    lab = up(f"{STAR}checks:\n- udp a -> b:53\n")
    if hidden:
        rule(lab, "b", "ip", "output", "icmp type destination-unreachable drop")
    (one,) = lab.check(timeout=0.3).results
    assert (False, "port-closed") == (one.passed, one.finding)


def test_tcp_and_udp_over_ipv6(up: Up) -> None:
    """The same over IPv6."""
    text = "name: six\nlinks:\n- a fd00::1/64 -- b fd00::2/64\nnodes:\n  a: {}\n  b: {run: 'exec python3 -m http.server --bind :: 80'}\n"
    report = up(f"{text}checks:\n- http a -> b\n- udp a -> b:53\n").check(timeout=0.5)
    assert [(True, None), (False, "port-closed")] == [(one.passed, one.finding) for one in report.results]
    assert "b" == result(report, "a", "b").path.target
