"""A pcapng reader written from the draft alone, to judge the writer: it shares no line and no constant with it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field


@dataclass
class Seen:
    """One file: section options, interfaces (options by code), names by address, packets, statistics by interface."""

    section: dict[int, list[bytes]] = field(default_factory=dict)
    interfaces: list[dict[int, list[bytes]]] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    names: dict[str, list[str]] = field(default_factory=dict)
    packets: list[Packet] = field(default_factory=list)
    statistics: dict[int, dict[int, list[bytes]]] = field(default_factory=dict)

    def name(self, number: int) -> str:
        """The name of an interface."""
        return self.interfaces[number][2][0].decode()

    def where(self) -> list[tuple[str, str]]:
        """(interface, direction) of each packet."""
        return [(self.name(one.interface), {1: "in", 2: "out"}[one.flags & 3]) for one in self.packets]


@dataclass
class Packet:
    """One enhanced packet block. `ns` has been scaled by the interface's own resolution."""

    interface: int
    ns: int
    length: int
    data: bytes
    flags: int
    comments: list[str]
    identity: int | None = None


def number(data: bytes) -> int:
    """An unsigned little-endian number."""
    return int.from_bytes(data, "little")


def options(data: bytes) -> dict[int, list[bytes]]:
    """The options of a block, by code."""
    found: dict[int, list[bytes]] = {}
    while data:
        code, size = number(data[:2]), number(data[2:4])
        if code == 0:
            assert size == 0
            assert len(data) == 4, "something follows the end of options"
            break
        found.setdefault(code, []).append(data[4 : 4 + size])
        assert not any(data[4 + size : 4 + (size + 3) // 4 * 4]), "padding is not zero"
        data = data[4 + (size + 3) // 4 * 4 :]
    return found


def read(data: bytes) -> Seen:
    """Read one whole section; an assertion fails where a reader would be right to refuse it."""
    seen = Seen()
    while data:
        kind, size = number(data[:4]), number(data[4:8])
        assert size % 4 == 0
        assert size == number(data[size - 4 : size]), "a block's two lengths differ"
        block(seen, kind, data[8 : size - 4])
        data = data[size:]
    return seen


def block(seen: Seen, kind: int, body: bytes) -> None:
    """Take in one block."""
    if kind == 0x0A0D0D0A:
        assert (0x1A2B3C4D, 1, 0) == (number(body[:4]), number(body[4:6]), number(body[6:8]))
        assert number(body[8:16]) == 2**64 - 1
        seen.section = options(body[16:])
    elif kind == 1:
        seen.links.append(number(body[:2]))
        seen.interfaces.append(options(body[8:]))
    elif kind == 4:
        resolve(seen, body)
    elif kind == 5:
        seen.statistics[number(body[:4])] = options(body[12:])
    elif kind == 6:
        packet(seen, body)
    else:
        raise AssertionError(f"unknown block {kind}")


def resolve(seen: Seen, body: bytes) -> None:
    """A name resolution block."""
    for kind, records in options(body).items():
        for record in records:
            size = {1: 4, 2: 16}[kind]
            assert record.endswith(b"\0")
            seen.names[str(ipaddress.ip_address(record[:size]))] = record[size:-1].decode().split("\0")


def packet(seen: Seen, body: bytes) -> None:
    """An enhanced packet block."""
    interface, high, low, captured, length = (number(body[at : at + 4]) for at in range(0, 20, 4))
    found = options(body[20 + (captured + 3) // 4 * 4 :])
    resolution = seen.interfaces[interface].get(9, [b"\x06"])[0][0]
    comments = [one.decode() for one in found.get(1, [])]
    ns = (high << 32 | low) * 10 ** (9 - resolution)
    identity = number(found[5][0]) if 5 in found else None
    seen.packets.append(Packet(interface, ns, length, body[20 : 20 + captured], number(found[2][0]), comments, identity))
