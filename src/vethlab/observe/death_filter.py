"""Which frames may tell of a death, as a program for packet sockets: the kernel throws away the rest before it costs anything.

Leaves: classic BPF. Passed are ARP, ICMP errors, ICMPv6 errors with neighbour solicitations and advertisements, and TCP segments with RST.
Rule of the file: rather too much than too little; IPv6 extension headers are not stepped over.
"""

from __future__ import annotations

from vethlab.kernel.classic import BYTE, HALF, NETWORK, PROTOCOL, WORD, answer, any_bit, assemble, equal, index, load, size_of_ip
from vethlab.kernel.packet import Instruction
from vethlab.observe.decode import ARP, ICMP, ICMPV6, IPV4, IPV6, TCP

__all__ = ["SNAPLEN", "death_filter"]

SNAPLEN = 256  # an ICMP error with both IP headers and the transport header that it quotes is shorter
_RST, _OFFSET = 0x04, 0x1FFF
_ERRORS4, _NAMED6 = (3, 11, 12), (1, 2, 3, 4, 135, 136)


def death_filter() -> list[Instruction]:
    """The program."""
    return assemble([
        load(WORD, PROTOCOL), equal(ARP, "pass"), equal(IPV4, "four"), equal(IPV6, "six", "drop"),
        "four", load(HALF, NETWORK + 6), any_bit(_OFFSET, "drop"), load(BYTE, NETWORK + 9),
        equal(ICMP, "icmp4"), equal(TCP, "tcp4", "drop"),
        "icmp4", size_of_ip(NETWORK), load(BYTE, NETWORK, indexed=True), *(equal(kind, "pass") for kind in _ERRORS4[:-1]),
        equal(_ERRORS4[-1], "pass", "drop"),
        "tcp4", size_of_ip(NETWORK), load(BYTE, NETWORK + 13, indexed=True), any_bit(_RST, "pass", "drop"),
        "six", index(40), load(BYTE, NETWORK + 6), equal(ICMPV6, "icmp6"), equal(TCP, "tcp6", "drop"),
        "icmp6", load(BYTE, NETWORK, indexed=True), *(equal(kind, "pass") for kind in _NAMED6[:-1]), equal(_NAMED6[-1], "pass", "drop"),
        "tcp6", load(BYTE, NETWORK + 13, indexed=True), any_bit(_RST, "pass", "drop"),
        "pass", answer(SNAPLEN), "drop", answer(0),
    ])
