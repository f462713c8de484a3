"""What `vethlab explain` and the reference tell of a lab file's keys. Enters: the declarations of `keys`. Leaves: Words by place.

Rule of the file: a place is the way from the top of the file, e.g. "networks.subnet" or "networks.nodes.port".
"""

from __future__ import annotations

from typing import NamedTuple

from vethlab.spec.keys import NOUNS


class Word(NamedTuple):
    """One key: its place, what its value may be, what it means, what holds without it, an example, what it waits for, keys below it."""

    place: str
    value: str
    meaning: str
    default: str
    example: str
    later: str
    neutral: str
    keys: tuple[str, ...]


def all_words() -> dict[str, Word]:
    """Every key of the lab file in the order of the declarations."""
    below = {noun.path: tuple(noun.keys) for noun in NOUNS if noun.path}
    found: dict[str, Word] = {}
    for noun in NOUNS:
        for key in noun.keys.values():
            place = noun.topic(key.name)
            only = f" Only for networks of type {' or '.join(key.types)}." if key.types and key.types != ("bridge",) else ""
            neutral = ", ".join("[]" if value == () else str(value).lower() for value in key.neutral)
            found[place] = Word(
                place, key.kind.words, key.meaning + only, key.default, key.example, key.later, neutral, below.get(place, ()),
            )
    return found
