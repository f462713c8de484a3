"""What may concern one flow, as a program for packet sockets: the kernel throws away the rest before it costs anything.

Enters: a flow and the mark of its probe; leaves: classic BPF. Passed are ARP, ICMP and ICMPv6 (neighbour discovery and errors are in it;
echoes only with the probe's token, for a flood of others' pings is no news), and of TCP and UDP what address translation may leave of the
flow: one of our ports, else of TCP every SYN and RST, of UDP the token, or what comes from the address and port asked for. Rule of the
file: rather too much than too little; whose a packet is, is decided by observe.ours. IPv6 extension headers are not stepped over, except
that fragments pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from vethlab.kernel.classic import BYTE, HALF, NETWORK, PROTOCOL, WORD, Line, answer, any_bit, assemble, equal, go, index, load, size_of_ip
from vethlab.kernel.packet import Instruction
from vethlab.model.address import IP
from vethlab.model.flow import PING, TCP, UDP, Flow
from vethlab.model.mark import Mark
from vethlab.observe.decode import ARP, ICMP, ICMPV6, IPV4, IPV6
from vethlab.observe.decode import TCP as TCP_NUMBER
from vethlab.observe.decode import UDP as UDP_NUMBER

__all__ = ["SNAPLEN", "flow_filter", "nothing"]

SNAPLEN = 256  # an ICMP error with both IP headers and our token inside is shorter
_FRAGMENT = 44  # IPv6 next header
_TRANSPORT = {TCP: TCP_NUMBER, UDP: UDP_NUMBER}
_OFFSET, _SYN_RST = 0x1FFF, 0x06
_ECHO_TOKEN, _DATAGRAM_TOKEN = 8, 16  # where it stands behind the ICMP header's begin, behind the UDP header's (probe.echo, probe.marks)


def flow_filter(flow: Flow, mark: Mark, ports: Collection[int] = ()) -> list[Instruction]:
    """The program of a flow. `ports`: of UDP, whose packets may carry it: all of them pass."""
    number = _TRANSPORT.get(flow.kind)
    return assemble([
        load(WORD, PROTOCOL), equal(ARP, "pass"), equal(IPV4, "four"), equal(IPV6, "six", "drop"),
        "four", *_carriers4(ports), load(BYTE, NETWORK + 9), *_protocols(ICMP, "icmp4", number, "transport4"),
        "icmp4", load(HALF, NETWORK + 6), any_bit(_OFFSET, "pass"), size_of_ip(NETWORK), load(BYTE, NETWORK, indexed=True),
        equal(8, "echo"), equal(0, "echo", "pass"),
        "six", *_carriers6(ports), load(BYTE, NETWORK + 6), index(40),
        equal(_FRAGMENT, "pass"), *_protocols(ICMPV6, "icmp6", number, "transport"),
        "icmp6", load(BYTE, NETWORK, indexed=True), equal(128, "echo"), equal(129, "echo", "pass"),
        "echo", *(_has_token(mark.token, _ECHO_TOKEN) if flow.kind == PING else [go("drop")]),
        *([] if number is None else _transport(flow, mark, tcp=number == TCP_NUMBER)),
        "pass", answer(SNAPLEN), "drop", answer(0),
    ])


def _carriers4(ports: Collection[int]) -> Iterator[str | Line]:
    """A datagram to one of these ports, or a later piece of one, which shows no port."""
    if ports:
        yield from (load(BYTE, NETWORK + 9), equal(UDP_NUMBER, "", "bare4"), load(HALF, NETWORK + 6), any_bit(_OFFSET, "bare4"))
        yield from (size_of_ip(NETWORK), load(HALF, NETWORK + 2, indexed=True))
        yield from (equal(port, "pass") for port in sorted(ports))
        yield "bare4"


def _carriers6(ports: Collection[int]) -> Iterator[str | Line]:
    if ports:
        yield from (load(BYTE, NETWORK + 6), equal(UDP_NUMBER, "", "bare6"), load(HALF, NETWORK + 42))
        yield from (equal(port, "pass") for port in sorted(ports))
        yield "bare6"


def nothing() -> list[Instruction]:
    """The program that passes nothing, for a ring that waits for its flow."""
    return assemble([answer(0)])


def _protocols(icmp: int, to_icmp: str, number: int | None, to_transport: str) -> list[Line]:
    if number is None:
        return [equal(icmp, to_icmp, "drop")]
    return [equal(icmp, to_icmp), equal(number, to_transport, "drop")]


def _has_token(token: bytes, offset: int) -> Iterator[Line]:
    """Does the token stand that far behind the header that the index register leads to? Without a token: let it pass."""
    if not token:
        yield go("pass")
        return
    yield load(WORD, NETWORK + offset, indexed=True)
    yield equal(int.from_bytes(token[:4], "big"), "", "drop")
    yield load(WORD, NETWORK + offset + 4, indexed=True)
    yield equal(int.from_bytes(token[4:8], "big"), "pass", "drop")


def _transport(flow: Flow, mark: Mark, *, tcp: bool) -> Iterator[str | Line]:
    yield "transport4"
    yield load(HALF, NETWORK + 6)
    yield any_bit(_OFFSET, "later")
    yield size_of_ip(NETWORK)
    yield "transport"
    yield load(HALF, NETWORK + 2, indexed=True)
    yield from (equal(port, "pass") for port in sorted(mark.ports))
    yield load(HALF, NETWORK, indexed=True)
    yield from (equal(port, "pass") for port in sorted(mark.ports))
    if tcp:
        yield from (load(BYTE, NETWORK + 13, indexed=True), any_bit(_SYN_RST, "pass", "drop"))
    else:
        yield equal(flow.port or 0, "", "other")
        yield from _from(flow.dst.address, "pass", "other")
        yield "other"
        yield from _has_token(mark.token, _DATAGRAM_TOKEN)
    yield "later"  # fragments have no ports: by their address
    yield from _from(flow.dst.address, "pass", "onwards")
    yield "onwards"
    yield from _from(flow.src.address, "pass", "drop")


def _from(address: IP | None, yes: str, no: str) -> Iterator[Line]:
    """Is this the packet's source? An unknown address is nobody's."""
    if address is None:
        yield go(no)
        return
    packed, start = address.packed, 12 if address.version == 4 else 8
    for at in range(0, len(packed), 4):
        last = at + 4 == len(packed)
        yield load(WORD, NETWORK + start + at)
        yield equal(int.from_bytes(packed[at : at + 4], "big"), yes if last else "", no)
