"""Blocked paths and paths by way of a node: what must be proven before they pass."""

from __future__ import annotations

import pytest
from tests.kernel.probe.breaking import STAR, Up, do, rule

pytestmark = pytest.mark.kernel

SERVED = STAR + "nodes:\n  a: {}\n  b: {run: 'exec python3 -m http.server 80'}\n  c: {}\n"
RING = """
name: ring
links:
- a 10.1.0.2/24 -- r 10.1.0.1/24
- r 10.2.0.1/24 -- b 10.2.0.2/24
- a 10.3.0.2/24 -- b 10.3.0.3/24
nodes:
  a: {routes: ['10.2.0.0/24 via 10.1.0.1']}
  b: {routes: ['10.1.0.0/24 via 10.2.0.1'], run: 'exec python3 -m http.server 80'}
  r: {forward: true}
"""


def test_blocked_passes_where_the_block_is_proven(up: Up) -> None:
    """B drops what comes from a: ping and tcp are blocked, since requests left a and b answers itself and listens."""
    lab = up(f"{SERVED}checks:\n- ping a -> b: blocked\n- tcp a -> b:80: blocked\n- http c -> b\n")
    rule(lab, "b", "ip", "input", "ip saddr 10.5.0.1 drop")
    assert [(True, False), (True, False), (True, True)] == [(one.passed, one.ok) for one in lab.check(timeout=0.4).results]


def test_blocked_by_rejection(up: Up) -> None:
    """A firewall that answers with a reset blocks as well: somebody listens there, and the client was refused."""
    lab = up(f"{SERVED}checks:\n- tcp a -> b:80: blocked\n")
    rule(lab, "b", "ip", "input", "ip saddr 10.5.0.1 tcp dport 80 reject with tcp reset")
    assert [True] == [one.passed for one in lab.check(timeout=0.4).results]


def test_blocked_by_isolation(up: Up) -> None:
    """Ports that are isolated from each other let not even ARP pass: it left the source, so the block is proven."""
    lab = up(f"{STAR}checks:\n- ping a -> b: blocked\n- ping a -> c\n")
    do(lab, "host", "bridge link set dev p-a isolated on; bridge link set dev p-b isolated on")
    assert [True, True] == [one.passed for one in lab.check(timeout=0.4).results]


def test_blocked_by_the_sources_own_kernel(up: Up) -> None:
    """No route, and an output rule, are blocks too: the source's kernel says so."""
    lab = up("name: r\nlinks:\n- a 10.1.0.2/24 -- r 10.1.0.1/24\n- r 10.2.0.1/24 -- b 10.2.0.2/24\nchecks:\n- ping a -> b: blocked\n")
    assert [True] == [one.passed for one in lab.check(timeout=0.4).results]


def test_what_gets_through_is_not_blocked(up: Up) -> None:
    """An answer where none was expected fails."""
    (one,) = up(f"{STAR}checks:\n- ping a -> b: blocked\n").check(timeout=0.4).results
    assert (False, True, "expected to be blocked, but b answered") == (one.passed, one.ok, one.reason)


@pytest.mark.parametrize(
    ("check", "breaking", "doubt"),
    [
        ("tcp a -> c:80", [], "nobody listens on port 80 of c"),
        ("udp a -> c:53", [], "nobody listens on port 53 of c"),
        ("ping a -> c", [("c", "ip link set eth0 down")], "c:eth0 is not up"),
        ("ping a -> c", [("c", "ip address flush dev eth0")], "c does not have the address 10.5.0.3"),
        ("ping a -> c", [("c", "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all")], "c does not even answer its own ping"),
        ("ping a -> c", [("a", "ip link set eth0 down")], "a has no link that is up"),
    ],
)
def test_a_broken_instrument_proves_nothing(up: Up, check: str, breaking: list[tuple[str, str]], doubt: str) -> None:
    """Silence for another reason than a block fails, and the reason is named."""
    lab = up(f"{STAR}checks:\n- {check}: blocked\n")
    for node, command in breaking:
        do(lab, node, command)
    (one,) = lab.check(timeout=0.4).results
    assert (False, f"not proven to be blocked: {doubt}") == (one.passed, one.reason)


@pytest.mark.parametrize("kind", ["ping a -> {}", "tcp a -> {}:80", "http a -> {}:80"])
def test_via(up: Up, kind: str) -> None:
    """A path passes by the router or not: an answer that came another way does not pass."""
    checks = "".join(f"- {{{kind.format(target)}: {{via: r}}}}\n" for target in ("10.2.0.2", "10.3.0.3"))
    by_router, direct = up(f"{RING}checks:\n{checks}").check().results
    assert (True, True) == (by_router.ok, by_router.passed)
    assert (True, False, "an answer came, but the request did not pass r") == (direct.ok, direct.passed, direct.reason)
