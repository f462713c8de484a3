"""What a trace and the kernel say of packets, as drops of the probe."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from tests.unit.observe.traffic import DATAGRAM, ECHO, PORT, SEGMENT, SYN, A, B, arp, datagram, echo, error, flow, segment

from vethlab.kernel.bpf.tracer import Event
from vethlab.kernel.netlink.nftables import Chain, TraceEvent
from vethlab.kernel.nft_rules import RuleText
from vethlab.model.flow import TCP, UDP
from vethlab.model.journey import ANSWER, ERROR, REQUEST, SOLICIT, FirewallDrop, KernelDrop
from vethlab.observe.decode import decode
from vethlab.observe.drops import firewall_drops, kernel_drops, untracked
from vethlab.observe.ours import Ours

CHAINS = {"r": [Chain("ip", "t", "f", "filter", "forward", 0, "drop", ()), Chain("ip", "t", "o", "filter", "output", 0, "accept", ())]}
NAMES = {2: "left", 3: "right"}


def event(
    data: bytes, *, chain: str = "f", verdict: str = "drop", handle: int | None = 5, number: int = 1, family: str = "ip",
) -> TraceEvent:
    """What the kernel tells of a rule and a packet: 20 bytes of the transport header."""
    network, transport = (data[14:], b"") if family == "arp" else (data[14:34], data[34:54])
    kind, policy = ("policy", verdict) if handle is None else ("rule", "")
    return TraceEvent("r", number, family, "t", chain, kind, handle, verdict, "", policy, 2, 3, data[:14], network, transport, 0)


def dropped(*events: TraceEvent, ours: Ours | None = None, rule: RuleText | None = None) -> list[FirewallDrop]:
    """The drops of a ping."""
    return firewall_drops(
        events, CHAINS, ours or Ours(flow(), ECHO), lambda _node, index: NAMES[index], lambda _node, _family, _table, _handle: rule,
    )


def test_a_rule_is_named_with_its_words() -> None:
    """Family, table, chain, hook, handle, text and place."""
    rule = RuleText("ip ttl 1 drop", "f", rejects=False, unconditional=False, position=2, packets=None)
    assert [
        FirewallDrop(
            "r", "ip", "t", "f", "forward", REQUEST, "left", 5, "ip ttl 1 drop", rejects=False, specific=True, position=2,
            source=ip_address("10.0.0.1"), target=ip_address("10.0.0.2"),
        ),
    ] == dropped(event(echo()), rule=rule)


def test_a_policy_has_no_handle() -> None:
    """The chain itself ended the packet."""
    (one,) = dropped(event(echo(), handle=None))
    assert (None, "", False, True) == (one.handle, one.text, one.rejects, one.specific)


def test_a_bare_drop_and_a_reject() -> None:
    """What the rule's words tell: it matches nothing, it answers."""
    (one,) = dropped(event(echo()), rule=RuleText("reject", "f", rejects=True, unconditional=True, position=0, packets=None))
    assert (True, False) == (one.rejects, one.specific)


def test_the_hook_of_a_chain_without_one_is_that_of_the_chain_that_jumped() -> None:
    """A rule of a chain that was jumped into; packets that took turns are told apart."""
    jumped = [event(echo(), chain="f", verdict="jump"), event(echo(), chain="o", verdict="jump", number=2)]
    ends = [event(echo(), chain="x"), event(echo(), chain="y", number=2)]
    assert [("x", "forward", "left"), ("y", "output", "right")] == [(one.chain, one.hook, one.interface) for one in dropped(*jumped, *ends)]


def test_a_repeated_probe_is_dropped_once() -> None:
    """Three requests that one rule ends are one drop."""
    assert 1 == len(dropped(event(echo()), event(echo(), number=2), event(echo(), number=3)))


def test_others_packets_and_other_verdicts_are_no_drops() -> None:
    """Accepted, or not ours."""
    assert [] == dropped(event(echo(), verdict="accept"), event(echo(token=b"of-ether")))


@pytest.mark.parametrize(
    ("priority", "text", "expected"),
    [
        (-300, "ip daddr 10.0.0.2 notrack", ["ip daddr 10.0.0.2 notrack"]), (-200, "notrack", []),
        (-300, "counter", []), (-300, 'log prefix "notracks"', []),
    ],
)
def test_a_rule_that_takes_out_of_tracking(priority: int, text: str, expected: list[str]) -> None:
    """It ends nothing, and counts only before connection tracking."""
    chains = {"r": [Chain("ip", "t", "f", "filter", "prerouting", priority, "accept", ())]}
    rule = RuleText(text, "f", rejects=False, unconditional=False, position=0, packets=None)
    on = "continue"
    events = [event(echo(), verdict=on), event(echo(), verdict=on, handle=None), event(echo(token=b"of-ether"), verdict=on)]
    found = untracked(events, chains, Ours(flow(), ECHO), lambda _node, index: NAMES[index], lambda *_: rule)
    assert expected == [one.text for one in found]


def test_a_cut_header_is_enough() -> None:
    """Twenty bytes of the transport header hold ports, or the token of an echo."""
    sent = datagram((A, PORT), (B, 80))
    assert [REQUEST] == [one.what for one in dropped(event(sent), ours=Ours(flow(UDP), DATAGRAM))]
    assert [REQUEST] == [one.what for one in dropped(event(segment((A, PORT), (B, 80), SYN)), ours=Ours(flow(TCP), SEGMENT))]


def test_arp_and_errors_are_dropped_too() -> None:
    """ARP always counts; an error whose quotation is cut is known from the ring's frame."""
    ours, said = Ours(flow(), ECHO), error("10.0.0.254", A, echo())
    assert [] == dropped(event(said), ours=ours)
    assert ERROR == ours.what(decode(said), said)
    assert [ERROR, SOLICIT, ANSWER] == [
        one.what for one in dropped(event(said), event(arp(1, A, B), family="arp", handle=6), event(arp(2, B, A), family="arp"), ours=ours)
    ]


def freed(data: bytes, *, reason: str = "NETFILTER_DROP", kind: str = "drop", netns: int = 1, location: int = 0, ns: int = 1500) -> Event:
    """What BPF tells of a packet."""
    return Event(ns, 1, kind, netns, "eth0", 2, 0, 0, reason, location, data[14:])


def told(*events: Event) -> list[KernelDrop]:
    """The kernel's drops of a ping."""
    functions = {0: "nft_do_chain", 1: "ping_rcv", 2: "tcp_v4_rcv"}
    return kernel_drops(events, {1: "b"}, Ours(flow(), ECHO), lambda location: functions[location], since=1000)


def test_the_kernel_says_why_and_where() -> None:
    """Reason, function, and the time since the first sighting; each place once."""
    assert [KernelDrop("b", "eth0", "NETFILTER_DROP", "nft_do_chain", REQUEST, 500)] == told(freed(echo()), freed(echo(), ns=2500))


@pytest.mark.parametrize(
    "one", [
        freed(echo(B, A, kind=0), reason="NO_SOCKET", location=1), freed(echo(), reason="OTHERHOST"), freed(echo(), reason="QUEUE_PURGE"),
        freed(echo(), kind="consume"), freed(echo(), netns=2), freed(echo(token=b"of-ether")), freed(b""),
    ],
)
def test_what_is_no_drop(one: Event) -> None:
    """What happens to every good packet, what happens elsewhere, and others' packets."""
    assert [] == told(one)


def test_no_socket_is_a_reason_elsewhere() -> None:
    """Only where an echo reply looks for ping sockets it is none."""
    assert 1 == len(told(freed(echo(), reason="NO_SOCKET", location=2)))


def test_a_dropped_arp_packet_is_told() -> None:
    """It has no IP header."""
    assert [SOLICIT] == [one.what for one in told(freed(arp(1, A, B), reason="QDISC_DROP"))]
