"""A document as a tree of positioned values. Enters: what the YAML parser saw, or a plain Python document. Leaves: Items.

Rule of the file: an Item is one value with the place it was written at; every message about a lab file points at an Item.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_COLLECTIONS = frozenset((list, dict))
_SPELLED = (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network)  # Python objects that mean their text


class Item:
    """One value. `line` and `column` count from 1, `line` 0 means "from Python". `text` is a scalar as written, without quotes.

    `inset` is the number of characters between `column` and the first of `text` (1 for a quoted scalar), or -1 where the text does not
    stand in the file character by character (escapes, several lines). `keys` holds a mapping's keys as Items. `size` counts values below.
    """

    __slots__ = ("column", "inset", "keys", "line", "size", "text", "value", "width")

    def __init__(
        self, value: object, text: str = "", *, line: int = 0, column: int = 0, width: int = 1, inset: int = -1,
    ) -> None:
        self.value, self.text, self.line, self.column, self.width, self.inset = value, text, line, column, width, inset
        self.keys: dict[str, Item] = {}
        self.size = 1

    def mapping(self) -> dict[str, Item] | None:
        """The value if it is a mapping, else None."""
        return self.value if isinstance(self.value, dict) else None

    def sequence(self) -> list[Item] | None:
        """The value if it is a list, else None."""
        return self.value if isinstance(self.value, list) else None

    def is_scalar(self) -> bool:
        """True if the value is neither a list nor a mapping."""
        return type(self.value) not in _COLLECTIONS

    def described(self) -> str:
        """What stands here, in words for the reader of a message."""
        value = self.value
        if isinstance(value, dict):
            return "a mapping"
        if isinstance(value, list):
            return "a list"
        if value is None or not self.text.strip():
            return "empty"
        if isinstance(value, bool):
            return f"`{self.text}`, which is true or false"
        if isinstance(value, int | float):
            return f"the number {shown(self.text)}"
        return f"the text `{shown(self.text)}`"


def file_lines(text: str) -> list[str]:
    """The lines of a text as libyaml counts them; str.splitlines() knows more line breaks than YAML."""
    return _BREAK.split(text)


def shown(text: str, limit: int = 60) -> str:
    """`text` on one line and not longer than `limit`, for use inside a message."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else f"{flat[: limit - 3]}..."


def wrap(document: object, depth: int = 0) -> Item:
    """A plain Python document (dicts, lists, text, numbers, addresses) as Items without a position. ValueError names what cannot be one."""
    if depth > 32:
        raise ValueError("a lab document nests at most 32 levels")
    if document is None or isinstance(document, bool | int | float | str):
        text = "" if document is None else str(document)
        return Item(document, text)
    if isinstance(document, _SPELLED):
        return Item(str(document), str(document))
    if isinstance(document, dict):
        item = Item({str(key): wrap(value, depth + 1) for key, value in document.items()})
        item.keys = {str(key): Item(str(key), str(key)) for key in document}
        return item
    if isinstance(document, list | tuple):
        return Item([wrap(value, depth + 1) for value in document])
    raise ValueError(f"a lab document cannot hold a {type(document).__name__}")
