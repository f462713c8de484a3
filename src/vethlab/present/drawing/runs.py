"""Many names, or many addresses, in a few words: `host1..94`, `10.20.0.1 … 10.20.0.200/16`.

Enters: names or addresses; leaves: text. Rule of the file: nothing is left out silently; what does not fit a range is counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_interface

__all__ = ["between", "names", "runs", "split"]

NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)
MOST = 3  # ranges that are spelled out


def split(name: str) -> tuple[str, str]:
    """`host07` as `host` and `07`; a name without a number has an empty one."""
    found = NUMBERED.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


def runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Sorted numbers as first and last of each unbroken run."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def names(given: Sequence[str]) -> str:
    """`host1..47, 49..94`; names of several stems are counted behind the first."""
    parts = [split(name) for name in given]
    stems = {stem for stem, _ in parts}
    if len(given) == 1:
        return given[0]
    if len(stems) > 1 or any(not digits for _, digits in parts):
        return f"{given[0]} and {len(given) - 1} more"
    spelled = {int(digits): digits for _, digits in parts}
    texts = [spelled[a] if a == b else f"{spelled[a]}..{spelled[b]}" for a, b in runs(list(spelled))]
    more = f" and {len(texts) - MOST} more ranges" if len(texts) > MOST else ""
    return parts[0][0] + ", ".join(texts[:MOST]) + more


def between(given: Sequence[str]) -> str:
    """The lowest and the highest of addresses like `10.0.0.1/24`; the length of the prefix once, if it is one."""
    found = sorted({ip_interface(text) for text in given}, key=lambda one: (one.version, one))
    first, last = found[0], found[-1]
    if first == last:
        return str(first)
    same = len({(one.version, one.network.prefixlen) for one in found}) == 1
    return f"{first.ip if same else first} … {last}"
