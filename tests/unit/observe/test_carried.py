"""Frames that travel in UDP packets between hosts (VXLAN): let through, looked into, and recognized where a rule ends them."""

from __future__ import annotations

from ipaddress import ip_address
from struct import pack

import pytest
from tests.unit.observe.machine import run
from tests.unit.observe.traffic import ECHO, A, B, datagram, echo, flow, frame

from vethlab.kernel.netlink.nftables import Chain, TraceEvent
from vethlab.kernel.packet import ARPHRD_ETHER, PACKET_OUTGOING, Held
from vethlab.model.flow import PING
from vethlab.model.journey import OUTER, REQUEST, Outer
from vethlab.observe.correlate import sightings
from vethlab.observe.decode import decode, unwrapped
from vethlab.observe.drops import firewall_drops
from vethlab.observe.flow_filter import SNAPLEN, flow_filter
from vethlab.observe.ours import Ours

H1, H2 = "192.168.50.1", "192.168.50.2"
SIX1, SIX2 = "fd00:50::1", "fd00:50::2"
VXLAN = 4789


def carrying(data: bytes, source: str = H1, target: str = H2, *, port: int = VXLAN, vni: int = 42, flags: int = 8) -> bytes:
    """A frame inside a VXLAN packet, in a frame of the underlay."""
    body = pack("!II", flags << 24, vni << 8) + data
    return frame(source, target, 17, pack("!HHHH", 50000, port, 8 + len(body), 0) + body)


@pytest.mark.parametrize(("source", "target"), [(H1, H2), (SIX1, SIX2)])
def test_the_load_of_a_packet_is_a_frame(source: str, target: str) -> None:
    """It is found behind IPv4 and IPv6; another port, another flag or too few bytes carry nothing."""
    outer = carrying(echo(), source, target)
    assert (decode(echo()), echo(), 42) == unwrapped(decode(outer), outer, {VXLAN})
    others = [carrying(echo(), port=99), carrying(echo(), flags=0), carrying(b"")[:-4], echo()]
    assert [None] * 4 == [unwrapped(decode(one), one, {VXLAN}) for one in others]


@pytest.mark.parametrize(("data", "passes"), [
    (carrying(echo()), True), (carrying(echo(), SIX1, SIX2), True), (carrying(echo(), port=99), False),
    (carrying(echo(), SIX1, SIX2, port=99), False), (echo(), True),
])
def test_what_may_carry_the_probe_passes_the_filter(data: bytes, passes: bool) -> None:
    """Datagrams to the port of the tunnel, whatever is in them, and of other traffic what passed before."""
    assert (SNAPLEN if passes else 0) == run(flow_filter(flow(PING), ECHO, {VXLAN}), data)


def test_a_carried_probe_is_seen_with_what_carries_it() -> None:
    """The sighting is the probe's, and says in what and to whom it travels."""
    frames = (echo(), carrying(echo()))
    held = [Held(number, 0, number, PACKET_OUTGOING, ARPHRD_ETHER, len(data), data) for number, data in enumerate(frames)]
    found = sightings(held, lambda _ring, index: ("h1", str(index)), Ours(flow(), ECHO), ports={VXLAN})
    assert [(REQUEST, "", None), (REQUEST, f"VXLAN 42 to {H2}", ip_address(H2))] == [
        (one.seen.what, one.seen.carried, one.seen.towards) for one in found
    ]


def test_a_rule_that_ends_what_may_carry_the_probe() -> None:
    """A trace shows the ends of such a packet and its port, and no more."""
    outer = Outer("h1", "h2", ip_address(H1), ip_address(H2), VXLAN, 42)
    chains = {"r": [Chain("ip", "t", "f", "filter", "forward", 0, "drop", ())]}
    events = [
        TraceEvent("r", number, "ip", "t", "f", "rule", 5, "drop", "", "", 2, 3, data[:14], data[14:34], data[34:54], 0)
        for number, data in enumerate((carrying(echo()), carrying(echo(), H2, H1), datagram((A, 1), (B, 2))))
    ]
    found = firewall_drops(events, chains, Ours(flow(), ECHO), lambda _node, index: str(index), lambda *_: None, [outer])
    assert [(OUTER, outer)] == [(one.what, one.outer) for one in found]
