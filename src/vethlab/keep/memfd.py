"""Texts of any length for the other side of a socket: a memfd, written and read without moving its offset.

Enter: a descriptor and bytes. Leave: bytes. Rule of the file: the offset is shared with the other side, and stays at 0.
"""

from __future__ import annotations

import os


def fill(descriptor: int, data: bytes) -> None:
    """Write all of it at the start of a memfd, whose offset (shared with the other side) stays at 0."""
    at = 0
    while at < len(data):
        at += os.pwrite(descriptor, data[at:], at)


def content(descriptor: int) -> bytes:
    """All of a memfd."""
    parts, at = [], 0
    while part := os.pread(descriptor, 1 << 20, at):
        parts.append(part)
        at += len(part)
    return b"".join(parts)
