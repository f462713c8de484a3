"""A probe that dies: how far it came, and who tells why."""

from __future__ import annotations

import errno
from ipaddress import ip_address

import pytest
from tests.kernel.observe.looking import BACK, WAY, ask, asked, pair, places, routed, run, star

from vethlab import Lab
from vethlab.kernel.bpf import tracer
from vethlab.model.flow import TCP, UDP
from vethlab.model.journey import ERROR, REPLY, REQUEST, SOLICIT, FirewallDrop, IcmpError, Observed

pytestmark = pytest.mark.kernel

with_bpf = pytest.mark.skipif(tracer.available() != "", reason=f"no BPF: {tracer.available()}")


def met(lab: Lab, target: str = "10.9.2.80", node: str = "web", **how: object) -> Observed:
    """Ask once, so that everybody knows his neighbours."""
    ask(lab, target, node=node)
    for key, text in how.items():
        run(lab, key, *str(text).splitlines())
    return ask(lab, target, node=node, ready=False)


def test_a_peer_that_is_down() -> None:
    """Nothing leaves, since a veth whose peer is down drops in its queue; the counter says so."""
    with pair() as lab:
        run(lab, "b", "ip link set eth0 down")
        seen = ask(lab, "10.0.0.2", node="b", ready=False)
    assert (False, "no reply in 0.5 s", []) == (seen.ok, seen.reason, list(seen.sightings))
    assert ("a", "eth0", "tx_dropped") in {(one.node, one.interface, one.name) for one in seen.counts}


def test_nobody_answers_arp() -> None:
    """The question arrives and is ignored (arp_ignore 8): two sightings and nothing more."""
    with pair() as lab:
        lab.namespaces.write_sysctls([("b", "net.ipv4.conf.all.arp_ignore", "8")])
        seen = ask(lab, "10.0.0.2", node="b")
    assert (False, ["a:eth0 > solicit 10.0.0.2", "b:eth0 < solicit 10.0.0.2"], []) == (seen.ok, asked(seen), places(seen, REQUEST))


def test_a_router_that_does_not_forward() -> None:
    """The request comes to the router and no further."""
    with routed() as lab:
        seen = met(lab, router="sysctl -qw net.ipv4.ip_forward=0")
    assert (WAY[:4], []) == (places(seen, REQUEST), places(seen, REPLY))


def test_no_way_back() -> None:
    """The request arrives, the reply never begins."""
    with routed() as lab:
        seen = met(lab, web="ip route del default")
    assert (WAY, []) == (places(seen, REQUEST), places(seen, REPLY))


def test_a_port_that_is_detached() -> None:
    """Seen at the bridge's port, not at the other one."""
    with star() as lab:
        seen = met(lab, "10.1.0.2", "b", host="ip link set p-b nomaster")
    assert ["a:eth0 >", "host:p-a <"] == places(seen, REQUEST)[:2]
    assert "host:p-b >" not in places(seen, REQUEST)


def test_larger_than_the_own_mtu() -> None:
    """The sender's own kernel refuses."""
    with pair() as lab:
        seen = ask(lab, "10.0.0.2", node="b", size=1473)
        six = ask(lab, "fd00::2", node="b", size=1453)
        assert ask(lab, "10.0.0.2", node="b", size=1472).ok
    assert ((errno.EMSGSIZE, []), errno.EMSGSIZE) == ((seen.errno, places(seen, REQUEST)), six.errno)
    assert "larger than the MTU" in seen.reason


@pytest.mark.parametrize(
    ("target", "kind", "code", "router"), [("10.9.2.80", 3, 4, "10.9.1.1"), ("fd09:2::80", 2, 0, "fd09:1::1")],
)
def test_larger_than_the_mtu_of_the_way(target: str, kind: int, code: int, router: str) -> None:
    """The router says what fits, and a path MTU that the sender remembers from it changes nothing: asked again, the same."""
    with routed() as lab:
        run(lab, "router", "ip link set wan mtu 1400")
        twice = [ask(lab, target, node="web", size=1420) for _ in range(2)]
    for seen in twice:
        assert (IcmpError(kind, code, ip_address(router), 1400),) == seen.errors
        assert (True, 0, WAY[:4], ["router:eth0 >", "host:p-router <", "host:p-a >", "a:eth0 <"]) == (
            seen.refused, seen.errno, places(seen, REQUEST), places(seen, ERROR),
        )


def test_a_reply_in_fragments_is_seen_in_all_of_its_pieces() -> None:
    """The way back has a smaller MTU at its first link, and a reply may be cut where a request may not."""
    with pair() as lab:
        run(lab, "b", "ip route change 10.0.0.0/24 dev eth0 mtu 600")
        seen = ask(lab, "10.0.0.2", node="b", size=1400)
    assert (True, 1, 3) == (
        seen.ok, sum(one.what == REQUEST for one in seen.sightings if one.node == "a"),
        sum(one.what == REPLY for one in seen.sightings if one.node == "a"),
    )


def test_the_ttl_runs_out() -> None:
    """The host's own default TTL is used, and the router's error is reported."""
    with routed() as lab:
        seen = met(lab, a="sysctl -qw net.ipv4.ip_default_ttl=1")
    assert ((IcmpError(11, 0, ip_address("10.9.1.1")),), WAY[:4]) == (seen.errors, places(seen, REQUEST))
    assert {1} == {one.hops for one in seen.sightings if one.what == REQUEST}


@pytest.mark.parametrize(
    ("command", "code"), [
        ("ip route del default", errno.ENETUNREACH), ("ip route add unreachable 10.9.2.80", errno.EHOSTUNREACH),
        ("ip route add blackhole 10.9.2.80", errno.EINVAL), ("ip route add prohibit 10.9.2.80", errno.EACCES),
    ],
)
@pytest.mark.parametrize("kind", ["ping", TCP, UDP])
def test_the_own_kernel_refuses(kind: str, command: str, code: int) -> None:
    """Its errno is the answer, at once, and nothing is seen."""
    with routed() as lab:
        run(lab, "a", command)
        seen = ask(lab, "10.9.2.80", kind=kind, node="web", port=None if kind == "ping" else 80, ready=False)
    assert (False, code, ()) == (seen.ok, seen.errno, seen.sightings)


DROP = """table inet walls {
    chain pass { type filter hook forward priority 0; policy accept
        jump inner
    }
    chain inner {
        ip saddr 10.9.2.80 ip protocol icmp counter drop comment "no replies"
        tcp dport 81 reject with tcp reset
        udp dport 81 reject
    }
}
"""


def test_a_rule_that_drops_the_reply() -> None:
    """Its node, chain, hook and words; and how far both directions came."""
    with routed() as lab:
        run(lab, "router", "nft -f -", stdin=DROP)
        seen = ask(lab, "10.9.2.80", node="web")
        assert "vethlab" not in lab.namespaces.run("router", ["nft", "list", "ruleset"]).stdout
    (drop,) = seen.firewall
    assert ("router", "inet", "walls", "inner", "forward", REPLY, "wan", False, True) == (
        drop.node, drop.family, drop.table, drop.chain, drop.hook, drop.what, drop.interface, drop.rejects, drop.specific,
    )
    assert drop.text.startswith("ip saddr 10.9.2.80 ip protocol icmp counter packets")
    assert (WAY, BACK[:2]) == (places(seen, REQUEST), places(seen, REPLY))


@pytest.mark.parametrize(("kind", "what"), [(TCP, REPLY), (UDP, ERROR)])
def test_a_rule_that_rejects(kind: str, what: str) -> None:
    """The answer comes from the router, and the rule is named."""
    with routed() as lab:
        run(lab, "router", "nft -f -", stdin=DROP)
        seen = ask(lab, "10.9.2.80", kind=kind, node="web", port=81)
    assert (True, [True], "router:eth0 >") == (seen.refused, [one.rejects for one in seen.firewall], places(seen, what)[0])


def test_a_policy_in_a_bridge() -> None:
    """A chain of the bridge's own namespace drops what passes the bridge, ARP included; it has no handle."""
    table = "table bridge walls {\n chain pass { type filter hook forward priority 0; policy drop; }\n}\n"
    with star() as lab:
        run(lab, "host", "nft -f -", stdin=table)
        seen = ask(lab, "10.1.0.2", node="b", ready=False)
    assert {FirewallDrop("host", "bridge", "walls", "pass", "forward", SOLICIT, "p-a")} == set(seen.firewall)


def test_the_own_firewall() -> None:
    """A drop at the output hook is an errno, and a rule; nothing is seen on any interface."""
    with pair() as lab:
        run(lab, "a", "nft -f -", stdin="table ip o {\n chain o { type filter hook output priority 0; policy drop; }\n}\n")
        seen = ask(lab, "10.0.0.2", node="b", ready=False)
    assert (errno.EPERM, [("o", "output", "eth0")], []) == (
        seen.errno, [(one.chain, one.hook, one.interface) for one in seen.firewall], places(seen, REQUEST),
    )


@pytest.mark.parametrize("kind", ["ping", TCP, UDP])
def test_a_lost_first_packet_is_no_loss(kind: str) -> None:
    """A rule drops the first and lets the second pass: the probe passes, and the loss is told."""
    rule = "table ip q {\n chain i { type filter hook input priority 0\n ip saddr 10.0.0.1 quota until 80 bytes drop\n }\n}\n"
    with pair() as lab, lab["b"].socket() as server:
        server.bind(("10.0.0.2", 80))
        server.listen()
        run(lab, "b", "nft -f -", stdin=rule)
        seen = ask(lab, "10.0.0.2", kind=kind, node="b", port=None if kind == "ping" else 80)
    assert ([REQUEST], True) == ([one.what for one in seen.firewall], seen.ok or (kind == UDP and seen.refused))
    assert 1 < sum(one.what == REQUEST for one in seen.sightings if one.node == "b")


def test_a_queue_that_drops() -> None:
    """A queue without room shows in its counter."""
    with pair() as lab:
        seen = met(lab, "10.0.0.2", "b", a="tc qdisc add dev eth0 root pfifo limit 0")
    assert ("a", "eth0", "qdisc_dropped") in {(one.node, one.interface, one.name) for one in seen.counts}
    assert not seen.ok


@with_bpf
def test_the_kernel_says_where_it_dropped() -> None:
    """With BPF: reason and function, in the namespace where it happened, on the clock of the sightings."""
    with routed() as lab:
        ask(lab, "10.9.2.80", node="web")
        run(lab, "router", "sysctl -qw net.ipv4.ip_forward=0")
        seen = ask(lab, "10.9.2.80", node="web", ready=False, truth=True)
    (drop,) = seen.drops
    assert (True, "router", "eth0", REQUEST, "IP_INADDRERRORS") == (seen.truth, drop.node, drop.interface, drop.what, drop.reason)
    arrived = next(one.ns for one in seen.sightings if (one.node, one.interface) == ("router", "eth0"))
    assert arrived < drop.ns < arrived + 50_000_000


def test_the_neighbour_table_was_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's counter moved while the probe ran."""
    from vethlab.kernel.netlink import neighbour_table as table

    fulls = iter([table.Fill(1, 1024, 5), table.Fill(1, 1024, 6)])
    monkeypatch.setattr(table, "fill", lambda _connection: {2: next(fulls)})
    with pair() as lab:
        assert ask(lab, "10.0.0.2", node="b", ready=False).table_full
