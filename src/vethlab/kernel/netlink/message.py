"""Netlink framing: headers and attributes, to bytes and from bytes.

Enters: numbers and payloads; leaves: bytes the kernel takes, or (type, offset, end) spans of what it sent. Rule of the file: no
sockets, no meaning; sizes and padding as in netlink(7), numbers from include/uapi/linux/netlink.h. Decoding works on offsets into
one bytes object, because copying every attribute of a thousand interfaces would cost as much as the kernel does.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR = 0x1, 0x4, 0x10
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND, NLM_F_DUMP = 0x100, 0x200, 0x400, 0x800, 0x300
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLA_F_NESTED, NLA_TYPE_MASK = 0x8000, 0x3FFF
NLMSGERR_ATTR_MSG = 1

HEADER = Struct("=IHHII")  # length, type, flags, sequence, port
_ATTRIBUTE = Struct("=HH")  # length, type
_U8 = Struct("=HHBxxx")
_U32 = Struct("=HHI")
_I32 = Struct("=i")
_UINT32 = Struct("=I")
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


class Request(NamedTuple):
    """A message without its header: the sequence number is given when a batch is sent."""

    type: int
    flags: int
    body: bytes


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    length = len(payload)
    return _ATTRIBUTE.pack(length + 4, kind) + payload + _PADDING[length & 3]


def nested(kind: int, *parts: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | NLA_F_NESTED, b"".join(parts))


def u8(kind: int, value: int) -> bytes:
    """An attribute of one byte."""
    return _U8.pack(5, kind, value)


def u32(kind: int, value: int) -> bytes:
    """An attribute of four bytes, host order."""
    return _U32.pack(8, kind, value)


def text(kind: int, value: str) -> bytes:
    """A NUL-terminated string."""
    return attribute(kind, value.encode() + b"\0")


def frame(request: Request, sequence: int) -> bytes:
    """The whole message."""
    return HEADER.pack(16 + len(request.body), request.type, request.flags | NLM_F_REQUEST, sequence, 0) + request.body


def messages(data: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Every message in `data` as (type, flags, sequence, start of its payload, end)."""
    offset, size = 0, len(data)
    while offset + 16 <= size:
        length, kind, flags, sequence, _port = HEADER.unpack_from(data, offset)
        if length < 16 or offset + length > size:
            return
        yield kind, flags, sequence, offset + 16, offset + length
        offset += (length + 3) & ~3


def attributes(data: bytes, offset: int, end: int) -> dict[int, tuple[int, int]]:
    """The attributes between two offsets: type -> (start, end) of the payload; of a repeated type the last one wins."""
    found: dict[int, tuple[int, int]] = {}
    unpack = _ATTRIBUTE.unpack_from
    while offset + 4 <= end:
        length, kind = unpack(data, offset)
        if length < 4 or offset + length > end:
            break
        found[kind & NLA_TYPE_MASK] = (offset + 4, offset + length)
        offset += (length + 3) & ~3
    return found


def get_u32(data: bytes, span: tuple[int, int]) -> int:
    """The number in a four-byte attribute."""
    value: int = _UINT32.unpack_from(data, span[0])[0]
    return value


def get_text(data: bytes, span: tuple[int, int]) -> str:
    """The string in an attribute, without its final NUL."""
    return data[span[0] : span[1]].rstrip(b"\0").decode(errors="replace")


def error_of(data: bytes, flags: int, start: int, end: int) -> tuple[int, str]:
    """The errno (0 for an acknowledgement) and the kernel's sentence of an NLMSG_ERROR payload."""
    errno: int = -_I32.unpack_from(data, start)[0]
    if not flags & NLM_F_ACK_TLVS:
        return errno, ""
    inner: int = _UINT32.unpack_from(data, start + 4)[0]
    offset = start + 4 + (16 if flags & NLM_F_CAPPED else (inner + 3) & ~3)
    span = attributes(data, offset, end).get(NLMSGERR_ATTR_MSG)
    return errno, get_text(data, span) if span else ""
