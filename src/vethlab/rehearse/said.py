"""What the kernel said of an object, made into what says it back: one netlink message, attribute by attribute.

Enters: the payload of a dump's message; leaves: the payload of a request that makes the same object. Rule of the file: attributes are
carried over as bytes, whole and in order of their number, so that two objects are equal if their payloads are; only what the kernel
counts, times or decides by itself is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from struct import Struct

from vethlab.kernel.netlink.message import NLA_TYPE_MASK, attribute

Parts = dict[int, bytes]

_ATTRIBUTE = Struct("=HH")  # length, type
_U32 = Struct("=I")


def parts(body: bytes, offset: int = 0) -> Parts:
    """The attributes from `offset` on, whole: header, payload and padding."""
    found: Parts = {}
    while offset + 4 <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if length < 4 or offset + length > len(body):
            break
        padded = (length + 3) & ~3
        found[kind & NLA_TYPE_MASK] = body[offset : offset + padded].ljust(padded, b"\0")
        offset += padded
    return found


def payload(part: bytes) -> bytes:
    """What is inside a whole attribute."""
    length, _ = _ATTRIBUTE.unpack_from(part)
    return part[4:length]


def number(found: Mapping[int, bytes], kind: int, default: int = 0) -> int:
    """The value of an attribute of four bytes."""
    value: int = _U32.unpack_from(found[kind], 4)[0] if kind in found else default
    return value


def string(found: Mapping[int, bytes], kind: int) -> str:
    """The value of a NUL-terminated attribute; empty if there is none."""
    return payload(found[kind]).rstrip(b"\0").decode(errors="replace") if kind in found else ""


def joined(found: Mapping[int, bytes], kinds: Collection[int] | None = None) -> bytes:
    """These attributes (None: all), in order of their number."""
    return b"".join(found[kind] for kind in sorted(found) if kinds is None or kind in kinds)


def masked(found: Parts, kind: int, mask: int) -> Parts:
    """The same with only these bits left of a four-byte attribute, which goes if none is."""
    rest = number(found, kind) & mask
    others = {one: part for one, part in found.items() if one != kind}
    return {**others, kind: attribute(kind, _U32.pack(rest))} if rest else others
