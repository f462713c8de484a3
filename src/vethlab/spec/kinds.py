"""Kinds of values a key may have. Enters: an Item. Leaves: the parsed value, or Wrong with the reason.

Rule of the file: one Kind holds all there is to know of it: its words for people, its JSON Schema and its parser. A parser looks at one
value only; what two values have to do with each other is for `rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from vethlab.model.names import interface_name_problem, is_node, is_node_name
from vethlab.spec.addresses import parse_address, parse_interface, parse_prefix
from vethlab.spec.mistakes import Wrong, suggest
from vethlab.spec.tree import Item, shown


class Kind(NamedTuple):
    """`words` complete the sentence "... must be"."""

    words: str
    schema: dict[str, Any]
    parse: Callable[[Item], Any]


def _refuse(item: Item, words: str, help: str = "", *, slug: str = "wrong-type") -> Wrong:  # noqa: A002 - as in errors
    return Wrong(f"must be {words}", help=help, slug=slug, there=f"this is {item.described()}")


def unfit(item: Item, words: str, help: str = "") -> Wrong:  # noqa: A002 - as in errors
    """Refuses text for its content, anything else for its type."""
    return _refuse(item, words, help, slug="wrong-value" if isinstance(item.value, str) else "wrong-type")


def raw(words: str, schema: dict[str, Any]) -> Kind:
    """A value that its noun's own module reads."""
    return Kind(words, schema, lambda item: item)


def choice(*options: str) -> Kind:
    """One of several words."""
    words = "one of " + ", ".join(f"`{option}`" for option in options)

    def parse(item: Item) -> str:
        if item.text in options and item.is_scalar():
            return item.text
        best = suggest(item.text, options) if item.text else ""
        raise unfit(item, words, f"did you mean `{best}`?" if best else "")

    return Kind(words, {"enum": list(options)}, parse)


def integer(low: int, high: int, also: str = "") -> Kind:
    """A whole number within bounds, or the word `also`."""
    words = f"a whole number from {low} to {high}" + (f", or `{also}`" if also else "")

    def parse(item: Item) -> int | str:
        value = item.value
        if also and value == also:
            return also
        if not isinstance(value, int) or isinstance(value, bool):
            raise _refuse(item, words)
        if not low <= value <= high:
            raise Wrong(f"must be {words}", there="out of bounds")
        return value

    number = {"type": "integer", "minimum": low, "maximum": high}
    return Kind(words, {"anyOf": [number, {"const": also}]} if also else number, parse)


def pattern(words: str, regex: str, hint: str = "") -> Kind:
    """Text of a given shape (the regular expression is also the JSON Schema's, so only what both dialects know)."""
    compiled: list[re.Pattern[str]] = []  # compiled when first used: most labs have no use for most kinds

    def parse(item: Item) -> str:
        if not compiled:
            compiled.append(re.compile(regex))
        if item.is_scalar() and compiled[0].fullmatch(item.text):
            return item.text
        raise unfit(item, words, hint)

    return Kind(words, {"type": "string", "pattern": f"^({regex})$"}, parse)


def list_of(kind: Kind, *, alone: bool = False) -> Kind:
    """A list of values of one kind; with `alone` a single value may stand without brackets."""
    words = ("one, or a list, of: " if alone else "a list, each item ") + kind.words

    def parse(item: Item) -> tuple[Any, ...]:
        items = item.sequence()
        if items is None:
            if not alone:
                raise _refuse(item, words)
            items = [item]
        values = []
        for part in items:
            try:
                values.append(kind.parse(part))
            except Wrong as wrong:
                wrong.there = wrong.there or f"expected {kind.words}"
                raise At(part, wrong) from None
        return tuple(values)

    many = {"type": "array", "items": kind.schema}
    return Kind(words, {"anyOf": [kind.schema, many]} if alone else many, parse)


class At(Wrong):
    """A Wrong that belongs to an item inside the value."""

    def __init__(self, item: Item, wrong: Wrong) -> None:
        super().__init__(wrong.why, help=wrong.help, part=wrong.part, slug=wrong.slug, there=wrong.there)
        self.item = item


def _flag(item: Item) -> bool:
    if isinstance(item.value, bool):
        return item.value
    hint = "YAML 1.2 knows only `true` and `false`" if item.text.lower() in {"yes", "no", "on", "off", "y", "n"} else ""
    raise _refuse(item, "`true` or `false`", hint)


def _text(item: Item) -> str:
    if isinstance(item.value, str) and item.value.strip() and "\0" not in item.value:
        return item.value
    raise _refuse(item, "text", "put it in quotes" if item.is_scalar() and item.text else "")


def _name(item: Item) -> str:
    if item.is_scalar() and is_node_name(item.text):
        return item.text
    if item.is_scalar() and item.text:
        raise Wrong(f"must be {_NAME}", slug="bad-name", there="not a name")
    raise _refuse(item, _NAME)


def _node(item: Item) -> str:
    if item.is_scalar() and is_node(item.text):
        return item.text
    if item.is_scalar() and item.text:
        raise Wrong(f"must be {_NODE}", slug="bad-name", there="not the name of a node")
    raise _refuse(item, _NODE)


def _interface_name(item: Item) -> str:
    if not item.is_scalar() or item.value is None:
        raise _refuse(item, "the name of an interface")
    if problem := interface_name_problem(item.text):
        raise Wrong(problem, slug="bad-interface-name")
    if item.text == "lo":
        raise Wrong("`lo` is the loopback interface, which every namespace has already", slug="bad-interface-name")
    return item.text


def _mac(item: Item) -> str:
    octets = item.text.lower().split(":")
    if not item.is_scalar() or len(octets) != 6 or not all(re.fullmatch("[0-9a-f]{2}", octet) for octet in octets):
        raise unfit(item, "a MAC address such as 02:00:00:00:00:01")
    if int(octets[0], 16) & 1 or item.text == "00:00:00:00:00:00":  # net/core eth is_valid_ether_addr
        raise Wrong(f"{item.text} cannot be the address of one interface", help="the first octet of a unicast address is even, e.g. 02")
    return item.text.lower()


def _duration(item: Item) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?(?:[eE]-?[0-9]{1,2})?) ?(us|ms|s)", item.text)
    if not match:
        raise unfit(item, "a time such as 5ms")
    seconds = float(match[1]) / {"us": 1e6, "ms": 1e3, "s": 1.0}[match[2]]
    if not 1e-6 <= seconds <= 3600:
        raise Wrong(f"`{shown(item.text)}` is not between 1us and 3600s")
    return seconds


def _path(item: Item) -> str:
    if isinstance(item.value, str) and item.text.startswith("/") and item.text.strip("/") and "\0" not in item.text and (
        not {".", ".."} & set(item.text.split("/"))
    ):
        return "/" + "/".join(part for part in item.text.split("/") if part)
    raise unfit(item, "an absolute path such as /var/lib/dnsmasq")


def of_text(parse: Callable[[str], Any], words: str) -> Callable[[Item], Any]:
    """A parser of text as a parser of Items."""

    def parse_item(item: Item) -> Any:
        if not item.is_scalar() or not item.text:
            raise _refuse(item, words)
        return parse(item.text)

    return parse_item


_NAME = "a name of lower-case letters, digits and hyphens (at most 63, not beginning with a hyphen)"
_NODE = "the name of a node, or HOST/NODE"
_STRING = {"type": "string"}
FLAG = Kind("`true` or `false`", {"type": "boolean"}, _flag)
TEXT = Kind("text", {"type": "string", "minLength": 1}, _text)
NAME = Kind(_NAME, {"type": ["string", "integer"], "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"}, _name)
NODE = Kind(_NODE, {"type": ["string", "integer"], "pattern": "^[a-z0-9][a-z0-9-]{0,62}(/[a-z0-9][a-z0-9-]{0,62})?$"}, _node)
IFNAME = Kind("an interface name of at most 15 bytes", {"type": ["string", "integer"], "pattern": "^[^/:%\\s]{1,15}$"}, _interface_name)
MAC = Kind("a MAC address such as 02:00:00:00:00:01", {**_STRING, "pattern": "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$"}, _mac)
DURATION = Kind("a time such as 5ms", {**_STRING, "pattern": "^[0-9]+(\\.[0-9]+)?([eE]-?[0-9]{1,2})? ?(us|ms|s)$"}, _duration)
PATH = Kind("an absolute path", {**_STRING, "pattern": "^/"}, _path)
PREFIX = Kind("a prefix such as 10.0.0.0/24", _STRING, of_text(parse_prefix, "a prefix such as 10.0.0.0/24"))
ADDRESS = Kind("an address such as 10.0.0.1", _STRING, of_text(parse_address, "an address such as 10.0.0.1"))
INTERFACE = Kind("an address with its prefix such as 10.0.0.1/24", _STRING, of_text(parse_interface, "an address with prefix"))


def _host(item: Item) -> Any:
    if isinstance(item.value, int) and not isinstance(item.value, bool):
        if item.value < 0:
            raise Wrong("a host number is not negative")
        return item.value
    if not item.is_scalar() or not item.text:
        raise _refuse(item, "a host number or an address")
    if item.text.isdecimal():
        raise Wrong(f"`{shown(item.text)}` is text, not a host number", help="write the number without quotes and leading zeros")
    return parse_interface(item.text) if "/" in item.text else parse_address(item.text)


HOST = Kind(
    "a host number in the subnet, or an address",
    {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}, _host,
)
HOSTS = list_of(HOST, alone=True)
