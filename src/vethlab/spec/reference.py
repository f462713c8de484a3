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
    keys: tuple[str, ...]


def all_words() -> dict[str, Word]:
    """Every key of the lab file in the order of the declarations."""
    below = {noun.path: tuple(noun.keys) for noun in NOUNS if noun.path}
    found: dict[str, Word] = {}
    for noun in NOUNS:
        for key in noun.keys.values():
            place = noun.topic(key.name)
            only = f" Only for networks of type {' or '.join(key.types)}." if key.types and key.types != ("bridge",) else ""
            found[place] = Word(place, key.kind.words, key.meaning + only, key.default, key.example, below.get(place, ()))
    return found


def markdown() -> str:
    """The reference of all keys for the documentation, one table for each noun."""
    parts = []
    for noun in NOUNS:
        parts.append(f"## {noun.title[:1].upper()}{noun.title[1:]}{f' (`{noun.path}`)' if noun.path else ''}\n")
        parts.append("| key | value | meaning | default |\n|---|---|---|---|")
        for key in noun.keys.values():
            cells = (f"`{key.name}`", key.kind.words, f"{key.meaning} Example: `{_one_line(key.example)}`", key.default)
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append("")
    return "\n".join(parts)


def _one_line(example: str) -> str:
    return example.split("\n", 1)[0]
