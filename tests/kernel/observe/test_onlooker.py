"""A probe that arrives: every point of its way is seen, in order, in both directions."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from threading import Thread

import pytest
from tests.kernel.observe.looking import BACK, WAY, ask, asked, pair, places, routed, run, star

from vethlab import Lab
from vethlab.errors import NotFoundError
from vethlab.kernel.bpf import tracer
from vethlab.model.flow import ARP, TCP, UDP
from vethlab.model.journey import ANSWER, ERROR, REPLY, REQUEST, SOLICIT

pytestmark = pytest.mark.kernel


def forget(lab: Lab) -> None:
    """No node knows a neighbour, so that the next packet asks for them."""
    for node in sorted(lab.namespaces.names()):
        run(lab, node, "ip neighbour flush all")


def test_a_ping_over_a_cable() -> None:
    """The question, its answer, the request, the reply: two sightings each, and how long it took."""
    with pair() as lab:
        seen = ask(lab, "10.0.0.2", node="b")
    assert (True, ip_address("10.0.0.2"), ("a", "b", "host")) == (seen.ok, seen.answered_by, seen.watched)
    assert ([SOLICIT] * 2 + [ANSWER] * 2 + [REQUEST] * 2 + [REPLY] * 2) == [one.what for one in seen.sightings]
    assert (["a:eth0 >", "b:eth0 <"], ["b:eth0 >", "a:eth0 <"]) == (places(seen, SOLICIT, REQUEST), places(seen, ANSWER, REPLY))
    assert [0, *sorted(one.ns for one in seen.sightings)[1:]] == [one.ns for one in seen.sightings]
    assert seen.rtt_us is not None
    assert (0, (), "", 0) == (seen.errno, seen.errors, seen.reason, seen.lost)


def test_a_ping_over_a_bridge() -> None:
    """The question is flooded to everybody, the rest goes straight; the bridge's ports see what is for another MAC."""
    with star() as lab:
        ask(lab, "10.1.0.2", node="b")
        forget(lab)
        seen = ask(lab, "10.1.0.2", node="b")
    way = ["a:eth0 >", "host:p-a <", "host:p-b >", "b:eth0 <"]
    back = ["b:eth0 >", "host:p-b <", "host:p-a >", "a:eth0 <"]
    assert (way, back) == (places(seen, REQUEST), places(seen, REPLY))
    assert {*way, "host:br0 <", "host:p-c >", "c:eth0 <"} == set(places(seen, SOLICIT))
    assert {"host:p-a <", "host:p-b <"} == {f"{one.node}:{one.interface} <" for one in seen.sightings if one.foreign}


def test_a_ping_through_a_router() -> None:
    """Twelve points, the TTL one less behind the router, and neighbours asked for on both sides of it."""
    with routed() as lab:
        ask(lab, "10.9.2.80", node="web")
        forget(lab)
        seen = ask(lab, "10.9.2.80", node="web")
    assert (True, WAY, BACK) == (seen.ok, places(seen, REQUEST), places(seen, REPLY))
    assert [64] * 4 + [63] * 2 + [64] * 2 + [63] * 4 == [one.hops for one in seen.sightings if one.what in {REQUEST, REPLY}]
    first = ["a:eth0 > solicit 10.9.1.1", "host:p-a < solicit 10.9.1.1"]
    assert first == asked(seen)[:2]
    assert ["router:wan > solicit 10.9.2.80", "web:eth0 < solicit 10.9.2.80"] == [one for one in asked(seen) if "solicit 10.9.2.80" in one]
    assert {one.length for one in seen.sightings if one.what in {REQUEST, REPLY}} == {48}


def test_a_ping_of_ipv6() -> None:
    """Neighbour discovery instead of ARP, and the same way."""
    with routed() as lab:
        ask(lab, "fd09:2::80", node="web")
        forget(lab)
        seen = ask(lab, "fd09:2::80", node="web")
    assert (True, WAY, BACK) == (seen.ok, places(seen, REQUEST), places(seen, REPLY))
    assert ["a:eth0 > solicit fd09:1::1", "host:p-a < solicit fd09:1::1"] == asked(seen)[:2]
    assert "web:eth0 > answer fd09:2::80" in asked(seen)


def test_a_ping_from_an_interface() -> None:
    """Bound to a device, and from an address of its own choice."""
    with pair() as lab:
        assert ask(lab, "10.0.0.2", node="b", interface="eth0").ok
        assert not ask(lab, "10.0.0.2", node="b", interface="lo", timeout=0.1).ok


@pytest.mark.parametrize("target", ["127.0.0.1", "10.0.0.1", "::1", "fd00::1"])
def test_a_ping_of_oneself(target: str) -> None:
    """Over lo, where each packet is seen once."""
    with pair() as lab:
        seen = ask(lab, target, node="a")
    assert (True, ["a:lo <"], ["a:lo <"], 2) == (seen.ok, places(seen, REQUEST), places(seen, REPLY), len(seen.sightings))


@pytest.mark.parametrize("target", ["10.9.2.80", "fd09:2::80"])
def test_a_large_ping_is_as_large_as_asked_for(target: str) -> None:
    """Bytes of payload, and of the IP packet as it was seen."""
    size = 1400
    with routed() as lab:
        seen = ask(lab, target, node="web", size=size)
    assert (True, {size + (28 if "." in target else 48)}) == (
        seen.ok, {one.length for one in seen.sightings if one.what in {REQUEST, REPLY}},
    )


@pytest.mark.parametrize("target", ["10.9.2.80", "fd09:2::80"])
def test_tcp_refused_by_a_closed_port(target: str) -> None:
    """There and back: the answer is a RST."""
    with routed() as lab:
        seen = ask(lab, target, kind=TCP, node="web", port=80)
    assert (False, True, 0, ip_address(target)) == (seen.ok, seen.refused, seen.errno, seen.answered_by)
    assert (WAY, BACK) == (places(seen, REQUEST), places(seen, REPLY))


@pytest.mark.parametrize(("target", "family"), [("10.9.2.80", socket.AF_INET), ("fd09:2::80", socket.AF_INET6)])
def test_tcp_connected(target: str, family: int) -> None:
    """SYN there, SYN-ACK back."""
    with routed() as lab, lab["web"].socket(family) as server:
        server.bind((target, 80))
        server.listen()
        seen = ask(lab, target, kind=TCP, node="web", port=80)
    assert (True, WAY, BACK) == (seen.ok, places(seen, REQUEST), places(seen, REPLY)[:6])


@pytest.mark.parametrize("target", ["10.9.2.80", "fd09:2::80"])
def test_udp_to_a_closed_port(target: str) -> None:
    """The ICMP error comes back the same way."""
    with routed() as lab:
        seen = ask(lab, target, kind=UDP, node="web", port=53)
    (error,) = seen.errors
    assert (False, True, ip_address(target)) == (seen.ok, seen.refused, error.sender)
    assert (WAY, BACK, []) == (places(seen, REQUEST), places(seen, ERROR), places(seen, REPLY))


def test_udp_delivered_without_an_answer() -> None:
    """A listener that keeps silent has got it all the same."""
    with routed() as lab, lab["web"].socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("10.9.2.80", 53))
        seen = ask(lab, "10.9.2.80", kind=UDP, node="web", port=53)
    assert (True, None, WAY, []) == (seen.ok, seen.rtt_us, places(seen, REQUEST), places(seen, REPLY))


def answer(server: socket.socket) -> None:
    """Answer one datagram."""
    _data, sender = server.recvfrom(99)
    server.sendto(b"answer", sender)


def test_udp_answered() -> None:
    """The answer carries nothing of ours, and is known by its ports."""
    with routed() as lab, lab["web"].socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("10.9.2.80", 53))
        server.settimeout(5)
        thread = Thread(target=answer, args=(server,))
        thread.start()
        seen = ask(lab, "10.9.2.80", kind=UDP, node="web", port=53)
        thread.join()
    assert (True, WAY, BACK) == (seen.ok, places(seen, REQUEST), places(seen, REPLY))
    assert seen.rtt_us is not None


@pytest.mark.parametrize("target", ["10.1.0.2", "fd01::2"])
def test_asking_for_a_neighbour_alone(target: str) -> None:
    """Only the question and its answer; the asker's own table stays as it was."""
    with star() as lab:
        ask(lab, target, node="b")
        run(lab, "a", "ip neighbour flush all")
        seen = ask(lab, target, kind=ARP, node="b", interface="eth0")
        assert "" == lab.namespaces.run("a", ["ip", "neighbour", "show", target]).stdout.replace("\n", "")
    assert (True, [], ip_address(target)) == (seen.ok, places(seen, REQUEST, REPLY), seen.answered_by)
    assert [f"a:eth0 > solicit {target}", f"host:p-a < solicit {target}"] == asked(seen)[:2]
    assert ["b:eth0 >", "host:p-b <", "host:p-a >", "a:eth0 <"] == places(seen, ANSWER)


MASQUERADE = """table ip nat {
    chain before { type nat hook prerouting priority -100
        ip daddr 10.9.1.1 tcp dport 8080 dnat to 10.9.2.80:80
        ip daddr 10.9.1.1 udp dport 8080 dnat to 10.9.2.80:80
        ip daddr 10.9.1.1 icmp type echo-request dnat to 10.9.2.80
    }
    chain behind { type nat hook postrouting priority 100
        oif "wan" masquerade fully-random
    }
}
"""


@pytest.mark.parametrize("kind", ["ping", TCP, UDP])
@pytest.mark.parametrize("target", ["10.9.2.80", "10.9.1.1"])
def test_translated_packets_are_ours(kind: str, target: str) -> None:
    """Source or both ends translated, ports made up anew: the whole way is seen all the same."""
    with routed() as lab, lab["web"].socket() as server:
        server.bind(("10.9.2.80", 80))
        server.listen()
        run(lab, "router", "nft -f -", stdin=MASQUERADE)
        port = None if kind == "ping" else 80 if target.endswith("80") else 8080
        seen = ask(lab, target, kind=kind, node="web" if kind == UDP else None, port=port)
    assert (WAY, BACK) == (places(seen, REQUEST), places(seen, REPLY, ERROR)[:6])
    assert kind == UDP or seen.ok
    assert {"10.9.1.11", "10.9.2.1"} == {str(one.sender) for one in seen.sightings if one.what == REQUEST}


@pytest.mark.parametrize(("kind", "port"), [("ping", None), (TCP, 80), (UDP, 80), (ARP, None)])
@pytest.mark.parametrize("target", ["10.1.0.2", "fd01::2"])
def test_the_kernel_has_nothing_to_say_of_a_good_probe(kind: str, port: int | None, target: str) -> None:
    """With BPF: no drop, though the bridge floods, sockets close and connections end; where it may not be loaded, that is said."""
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with star() as lab, lab["b"].socket(family) as server, lab["b"].socket(family, socket.SOCK_DGRAM) as sink:
        server.bind((target, 80))
        server.listen()
        sink.bind((target, 80))
        seen = ask(lab, target, kind=kind, node="b", port=port, interface="eth0", truth=True)
    assert (True, tracer.available() == "", ()) == (seen.ok, seen.truth, seen.drops)


def test_a_namespace_that_is_not_there() -> None:
    """Nothing is sent, and nothing is left open."""
    with pair() as lab, pytest.raises(NotFoundError):
        ask(lab, "10.0.0.2", node="b", netns=["a", "nobody"])


def test_somewhere_only() -> None:
    """Only the namespaces named are looked at."""
    with routed() as lab:
        seen = ask(lab, "10.9.2.80", node="web", netns=["web", "a"])
    assert (("web", "a"), {"web", "a"}) == (seen.watched, {one.node for one in seen.sightings})
