"""The kernel's reasons as deaths: what is real, what every good packet does, and what the configuration decides."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from tests.unit.observe.frames import icmp, ipv4, ipv6, udp

from vethlab.kernel.bpf.tracer import Event
from vethlab.model.finding import INFERRED, PROVEN
from vethlab.observe.deaths import KERNEL, KernelWord
from vethlab.observe.freed import LinkState, death_of

UP = LinkState("eth0", "veth", up=True, carrier=True)
TO_ALL = bytes.fromhex("60000000000d3a01") + ip_address("fe80::1").packed + ip_address("ff02::2").packed


def event(reason: str, data: bytes = ipv4(1, icmp(8)), protocol: int = 0x0800) -> Event:
    """A drop at eth0."""
    return Event(5, 0xAB, "drop", 4026532000, "eth0", 7, len(data), protocol, reason, 0xFFFF, data)


def said(one: Event, function: str, state: LinkState | None = UP) -> tuple[str, str, str] | None:
    """Type, finding and grade."""
    death = death_of(one, "a", function, 77, lambda: state)
    return None if death is None else (death.type, death.reason, death.grade)


@pytest.mark.parametrize(
    ("reason", "function", "expected"),
    [
        ("IP_RPFILTER", "ip_rcv_finish_core", ("dropped", "rp-filter", PROVEN)),
        ("NO_SOCKET", "tcp_v4_rcv", ("refused", "port-closed", PROVEN)),
        ("NOT_SPECIFIED", "ip_error", ("dropped", "route-blackhole", PROVEN)),
        ("NOT_SPECIFIED", "neigh_invalidate", ("dropped", "neighbour-unresolved", PROVEN)),
        ("IP_INADDRERRORS", "ip_error", ("dropped", "forwarding-off", INFERRED)),
        ("NETFILTER_DROP", "nft_do_chain", ("dropped", "nft-drop", PROVEN)),
        ("NOT_SPECIFIED", "somewhere_else", ("dropped", "unknown", INFERRED)),
        ("0x30005", "", ("dropped", "unknown", INFERRED)),
    ],
)
def test_reasons_lead_to_findings(reason: str, function: str, expected: tuple[str, str, str]) -> None:
    """The pair of reason and function decides; where it can mean several things it is inferred, and honest where it means nothing."""
    assert expected == said(event(reason), function)


@pytest.mark.parametrize(
    ("one", "function"),
    [
        (event("NO_SOCKET"), "ping_rcv"), (event("OTHERHOST"), "ip_rcv_core"), (event("QUEUE_PURGE"), "sk_stream_kill_queues"),
        (event("NOT_SPECIFIED", ipv4(2, bytes(8))), "ip_mc_input"), (event("NOT_SPECIFIED", TO_ALL + icmp(133), 0x86DD), "ip6_mc_input"),
        (event("NETFILTER_DROP", TO_ALL + icmp(143), 0x86DD), "nft_do_chain"), (event("NO_SOCKET", TO_ALL + udp(b"x"), 0x86DD), "udpv6"),
        (event("UNHANDLED_PROTO", b"\x42\x42", 4), "__netif_receive_skb_core"), (event("NOT_SPECIFIED", b"\x42\x42", 4), "stp_pdu_rcv"),
    ],
)
def test_what_good_packets_do_too_is_left_out(one: Event, function: str) -> None:
    """Every ping's copy, what a bridge floods, what goes with its owner, IGMP, what IPv6 says to everybody, spanning tree."""
    assert said(one, function) is None


def test_a_group_can_be_dropped_on_purpose() -> None:
    """A packet to many is no chatter where a rule drops it."""
    assert ("dropped", "nft-drop", PROVEN) == said(event("NETFILTER_DROP", TO_ALL + udp(b"x"), 0x86DD), "nft_do_chain")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (UP, ("queue-drop", PROVEN)), (LinkState("eth0", "veth", up=False, carrier=False), ("link-down", PROVEN)),
        (LinkState("lo", "loopback", up=False, carrier=False), ("lo-down", PROVEN)),
        (LinkState("eth0", "veth", up=True, carrier=False), ("no-carrier", PROVEN)), (None, ("queue-drop", INFERRED)),
    ],
)
def test_a_queue_that_drops_or_a_link_that_is_down(state: LinkState | None, expected: tuple[str, str]) -> None:
    """Both show QDISC_DROP: the interface itself decides."""
    assert ("dropped", *expected) == said(event("QDISC_DROP"), "__dev_queue_xmit", state)


def test_the_death_holds_what_the_kernel_said() -> None:
    """Reason, function, time, place and packet."""
    death = death_of(event("IP_RPFILTER", ipv6(17, udp(b"x")), 0x86DD), "a", "f", 77, lambda: None)
    assert death is not None
    assert death.packet is not None
    assert (77, "a", "eth0", KERNEL, KernelWord("IP_RPFILTER", "f")) == (death.ns, death.node, death.interface, death.source, death.kernel)
    assert death.packet.udp is not None
