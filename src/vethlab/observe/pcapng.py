"""Writes pcapng (draft-ietf-opsawg-pcapng): one section, interfaces with names, nanosecond times, directions, names of addresses, comments.

Enters: facts about interfaces and frames; leaves: blocks as bytes, to be written one after the other. Rule of the file: no files, no
sockets, no clock. Numbers are the draft's; everything is little-endian, as the byte-order magic tells the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from struct import Struct

__all__ = ["ETHERNET", "INBOUND", "OUTBOUND", "RAW_IP", "Writer", "flags_of", "names", "section"]

ETHERNET, RAW_IP = 1, 101  # LINKTYPE_ETHERNET, LINKTYPE_RAW
INBOUND, OUTBOUND = 1, 2
UNICAST, MULTICAST, BROADCAST, PROMISCUOUS = 1 << 2, 2 << 2, 3 << 2, 4 << 2

_SECTION, _INTERFACE, _NAMES, _STATISTICS, _PACKET = 0x0A0D0D0A, 1, 4, 5, 6
_MAGIC, _LENGTH_UNKNOWN = 0x1A2B3C4D, b"\xff" * 8
_END, _COMMENT, _FLAGS, _PACKET_ID = 0, 1, 2, 5
_IF_NAME, _IF_DESCRIPTION, _IF_MAC, _IF_RESOLUTION, _IF_FILTER = 2, 3, 6, 9, 11
_SYSTEM, _PROGRAM = 3, 4
_ISB_START, _ISB_END, _ISB_DELIVERED = 2, 3, 8
_NANOSECONDS = b"\x09"
_RECORD_IPV4, _RECORD_IPV6 = 1, 2
_MOST_TEXT = 4096  # option lengths are 16 bits; nothing that we say needs a fraction of it

_HEAD = Struct("<II")
_OPTION = Struct("<HH")
_U32, _U64 = Struct("<I"), Struct("<Q")
_SECTION_BODY = Struct("<IHH8s")
_INTERFACE_BODY = Struct("<HHI")
_STATISTICS_BODY = Struct("<III")
_PACKET_HEAD = Struct("<7I")  # type, length, interface, time high, time low, captured, original
_FLAGS_TAIL = Struct("<HHIHHI")  # epb_flags, end of options, length again
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")
_PLAIN = 28 + _FLAGS_TAIL.size


def section(*, program: str, system: str, comment: str = "") -> bytes:
    """The section header: which program on which system wrote what follows."""
    options = [*_comments([comment] if comment else []), _option(_SYSTEM, _text(system)), _option(_PROGRAM, _text(program))]
    return _block(_SECTION, _SECTION_BODY.pack(_MAGIC, 1, 0, _LENGTH_UNKNOWN) + _options(options))


def names(records: Iterable[tuple[IPv4Address | IPv6Address, Sequence[str]]]) -> bytes:
    """A name resolution block: readers show names where the addresses stand."""
    parts = [
        _option(_RECORD_IPV4 if address.version == 4 else _RECORD_IPV6, address.packed + b"".join(name.encode() + b"\0" for name in called))
        for address, called in records if called
    ]
    return _block(_NAMES, b"".join(parts) + _OPTION.pack(_END, 0))


def flags_of(kind: int) -> int:
    """epb_flags for sll_pkttype (linux/if_packet.h: host, broadcast, multicast, otherhost, outgoing)."""
    return (INBOUND | UNICAST, INBOUND | BROADCAST, INBOUND | MULTICAST, INBOUND | PROMISCUOUS, OUTBOUND)[kind] if 0 <= kind <= 4 else 0


class Writer:
    """The blocks of one section. Interfaces are numbered in the order in which they are told."""

    def __init__(self, *, snaplen: int = 0) -> None:
        self.snaplen, self.interfaces = snaplen, 0

    def interface(
        self, name: str, *, link: int = ETHERNET, description: str = "", mac: bytes = b"", capture_filter: str = "",
    ) -> tuple[int, bytes]:
        """An interface: its number for `packet`, and the block, to be written before the first frame that refers to it."""
        options = [_option(_IF_NAME, _text(name)), _option(_IF_RESOLUTION, _NANOSECONDS)]
        if description:
            options.append(_option(_IF_DESCRIPTION, _text(description)))
        if len(mac) == 6:
            options.append(_option(_IF_MAC, mac))
        if capture_filter:
            options.append(_option(_IF_FILTER, b"\0" + _text(capture_filter)))
        number = self.interfaces
        self.interfaces += 1
        return number, _block(_INTERFACE, _INTERFACE_BODY.pack(link, 0, self.snaplen) + _options(options))

    @staticmethod
    def packet(
        interface: int, ns: int, length: int, data: bytes, flags: int, comments: Sequence[str] = (), identity: int | None = None,
    ) -> bytes:
        """A frame seen at `ns` (Unix time): `length` bytes long of which `data` was kept. `identity`: the same at all interfaces."""
        captured = len(data)
        if not comments and identity is None:  # the path of every frame: one pack before, one behind
            total = (_PLAIN + captured + 3) & ~3
            head = _PACKET_HEAD.pack(_PACKET, total, interface, ns >> 32, ns & 0xFFFFFFFF, captured, length)
            return b"".join((head, data, _PADDING[captured & 3], _FLAGS_TAIL.pack(_FLAGS, 4, flags, _END, 0, total)))
        body = _PACKET_HEAD.pack(_PACKET, 0, interface, ns >> 32, ns & 0xFFFFFFFF, captured, length)[8:] + data + _PADDING[captured & 3]
        same = [] if identity is None else [_option(_PACKET_ID, _U64.pack(identity))]
        return _block(_PACKET, body + _options([*_comments(comments), _option(_FLAGS, _U32.pack(flags)), *same]))

    @staticmethod
    def statistics(interface: int, *, start: int, end: int, delivered: int, comment: str = "") -> bytes:
        """What became of an interface's frames, for the end of the section. Times are Unix time in ns."""
        options = [
            *_comments([comment] if comment else []), _option(_ISB_START, _time(start)), _option(_ISB_END, _time(end)),
            _option(_ISB_DELIVERED, _U64.pack(delivered)),
        ]
        return _block(_STATISTICS, _STATISTICS_BODY.pack(interface, end >> 32, end & 0xFFFFFFFF) + _options(options))


def _time(ns: int) -> bytes:
    return _U32.pack(ns >> 32) + _U32.pack(ns & 0xFFFFFFFF)


def _text(text: str) -> bytes:
    return text.encode("utf-8", "replace")[:_MOST_TEXT].decode("utf-8", "ignore").encode()  # no character is cut in two


def _comments(texts: Iterable[str]) -> list[bytes]:
    return [_option(_COMMENT, _text(one)) for one in texts]


def _option(code: int, value: bytes) -> bytes:
    return _OPTION.pack(code, len(value)) + value + _PADDING[len(value) & 3]


def _options(options: Sequence[bytes]) -> bytes:
    return b"".join((*options, _OPTION.pack(_END, 0))) if options else b""


def _block(kind: int, body: bytes) -> bytes:
    total = 12 + len(body)
    return b"".join((_HEAD.pack(kind, total), body, _U32.pack(total)))
