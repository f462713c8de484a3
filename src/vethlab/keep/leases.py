"""Whose what is made in the machine's namespace is, and whether that somebody lives.

Enters: an owner (a lab, or a lab of one process), the name of its abstract socket in that namespace; leaves: who is alive. Rule of the
file: the kernel keeps the books. The socket is bound by the keeper in the very namespace that holds the marked objects, and ends with it
in every way, so that an object whose owner has none is left over.
"""

from __future__ import annotations

import re

_PREFIX = "vethlab/machine/"
_BOUND = re.compile(rf" @{_PREFIX}(\S+)$", re.MULTILINE)


def lease_name(owner: str) -> str:
    """The abstract unix socket that is bound while `owner` lives, without the leading NUL."""
    return _PREFIX + owner


def alive() -> frozenset[str]:
    """The owners that live, of those who share this process's network namespace."""
    with open("/proc/thread-self/net/unix", encoding="utf-8", errors="replace") as file:
        return frozenset(_BOUND.findall(file.read()))
