"""Ranges of names: leaf1..4, rack01..12. Enters: a word. Leaves: the names it stands for, or Wrong.

Rule of the file: a word without `..` is one name. The first number's leading zero pads all of them. Of HOST/NODE both parts may be
ranges: h1..2/pod1..2 are four nodes.
"""

from __future__ import annotations

import re

from vethlab.model.names import HOST, RESERVED, is_node_name
from vethlab.spec.mistakes import Mistakes, Wrong
from vethlab.spec.tree import shown

MAX_NAMES = 10_000  # of one range; a slip such as h1..1000000 is an answer, not a machine that swaps
_RANGE = re.compile(r"([a-z0-9-]*?)([0-9]+)\.\.([0-9]+)")
_SUFFIXED = re.compile(r"([a-z0-9-]*?)([0-9]+)\.\.([a-z0-9-]+?)([0-9]+)")


def is_range(word: str) -> bool:
    """True if the word stands for several names."""
    return ".." in word


def names(word: str, mistakes: Mistakes) -> list[str]:
    """The names `word` stands for. They are legal names and not reserved. `mistakes` counts the names of the whole file."""
    host, nested, inner = word.rpartition("/")
    if nested:
        return [f"{one}/{other}" for one in _plain(host, mistakes) for other in names(inner, mistakes)]
    if mistakes.names > MAX_NAMES * 20:
        raise Wrong(f"the ranges of a lab stand for at most {MAX_NAMES * 20} names", slug="too-large")
    if ".." not in word:
        if not is_node_name(word):
            raise _bad(word)
        if word in RESERVED:
            helped = "to join nodes with the lab's host, give a network a `gateway`" if word == HOST else "choose another name"
            raise Wrong(f"`{word}` is reserved, a node cannot have this name", slug="reserved-name", help=helped)
        return [word]
    match = _RANGE.fullmatch(word)
    if match is None:
        other = _SUFFIXED.fullmatch(word)
        tidy = other is not None and other[1] == other[3]
        hint = f"write `{other[1]}{other[2]}..{other[4]}`" if other and tidy else "a range is written leaf1..4 or rack01..12"
        raise Wrong(f"`{shown(word)}` is not a range", help=hint, slug="bad-range")
    prefix, first, last = match.groups()
    if len(first) > 18 or len(last) > 18 or int(last) - int(first) >= MAX_NAMES:
        raise Wrong(f"`{shown(word)}` stands for more than {MAX_NAMES} names", slug="bad-range")
    if int(last) < int(first):
        raise Wrong(f"`{shown(word)}` counts downwards", help=f"write `{prefix}{last}..{first}`", slug="bad-range")
    width = len(first) if first.startswith("0") else 0
    mistakes.names += int(last) - int(first) + 1
    spelled = [f"{prefix}{number:0{width}d}" for number in range(int(first), int(last) + 1)]
    if not is_node_name(spelled[0]) or not is_node_name(spelled[-1]):
        raise _bad(spelled[-1])
    return spelled


def _plain(host: str, mistakes: Mistakes) -> list[str]:
    """The hosts that stand before a slash; hosts are in no host themselves."""
    if "/" in host:
        raise Wrong(f"`{shown(host)}` is inside a host, and nothing is inside of it", slug="bad-name", help="write HOST/NODE")
    return names(host, mistakes)


def _bad(word: str) -> Wrong:
    lowered = re.sub("[^a-z0-9-]+", "-", word.lower()).strip("-")[:63]
    hint = f"for example `{lowered}`" if lowered and lowered != word else ""
    return Wrong(
        f"`{shown(word)}` is not a name: lower-case letters, digits and hyphens, at most 63, not beginning with a hyphen",
        help=hint, slug="bad-name",
    )
