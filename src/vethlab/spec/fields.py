"""Reads one mapping by its declaration. Enters: an Item and a Noun. Leaves: the parsed values of the keys that are there.

Rule of the file: the same walk for every noun: unknown keys, keys of another network type, values.
"""

from __future__ import annotations

from typing import Any

from vethlab.spec.keys import Key, Noun
from vethlab.spec.kinds import At
from vethlab.spec.mistakes import Mistakes, Wrong, did_you_mean
from vethlab.spec.tree import Item, shown


class Fields:
    """The parsed values of one mapping. A key that is absent, or whose value was wrong, has no value here; `spoiled` tells them apart."""

    __slots__ = ("item", "spoiled", "values")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.values: dict[str, Any] = {}
        self.spoiled = False

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`, or `default`."""
        return self.values.get(key, default)

    def at(self, key: str) -> Item:
        """Where the value of `key` stands, else the mapping itself."""
        values = self.item.mapping() or {}
        return values.get(key, self.item)


def take(item: Item, noun: Noun, what: str, mistakes: Mistakes) -> Fields:
    """Reads the mapping `item` as `noun`. `what` names it in messages, e.g. "network `br0`"."""
    fields = Fields(item)
    entries = item.mapping()
    if entries is None and item.value is not None:
        fields.spoiled = True
        mistakes.add(
            item, "wrong-type", f"{what} must be a mapping of keys, this is {item.described()}", topic=noun.path,
            why="expected `key: value`", help=f"keys: {', '.join(noun.keys)}",
        )
        return fields
    entries = entries or {}
    of_type = _type(entries, noun)
    for name, value in entries.items():
        key = noun.keys.get(name)
        if key is None:
            _unknown(item.keys[name], name, noun, what, of_type, mistakes)
            fields.spoiled = True
        elif key.types and of_type not in key.types:
            mistakes.add(
                item.keys[name], "wrong-network-type",
                f"`{name}` is a key of networks of type {' or '.join(key.types)}, {what} is of type {of_type}",
                why=f"not a key of {_network(of_type)}", help=f"add `type: {key.types[0]}`, or remove `{name}`", topic=noun.topic(name),
            )
        else:
            _value(fields, key, value, noun, what, mistakes)
    for key in noun.keys.values():
        if key.required and key.name not in entries:
            fields.spoiled = True
            mistakes.add(item, "missing-key", f"{what} has no `{key.name}`", why=f"`{key.name}` is needed",
                         help=f"for example `{key.example}`",
                         topic=noun.topic(key.name))
    return fields


def _type(entries: dict[str, Item], noun: Noun) -> str:
    """The type of a network, on which depends what its keys may be."""
    declared = entries.get("type")
    if noun.path != "networks" or declared is None or declared.text not in {"ovs", "vxlan", "macvlan"}:
        return "bridge"
    return declared.text


def _network(of_type: str) -> str:
    return f"{'an' if of_type == 'ovs' else 'a'} {of_type} network"


def _unknown(where: Item, name: str, noun: Noun, what: str, of_type: str, mistakes: Mistakes) -> None:
    title = _network(of_type) if noun.path == "networks" else noun.title
    best = did_you_mean(name, noun.keys)
    meant = best.removeprefix("did you mean `").removesuffix("`?")
    mistakes.add(
        where, "unknown-key", f"unknown key `{shown(name)}` in {what}", why=f"not a key of {title}",
        help=best or f"keys: {', '.join(noun.keys)}", topic=noun.topic(meant) if meant else noun.path,
    )


def _value(fields: Fields, key: Key, value: Item, noun: Noun, what: str, mistakes: Mistakes) -> None:
    """Parses one value."""
    try:
        parsed = key.kind.parse(value)
    except Wrong as wrong:
        where = wrong.item if isinstance(wrong, At) else value
        mistakes.wrong(where, f"`{key.name}` of {what}", wrong, key.kind.words, noun.topic(key.name))
        fields.spoiled = True
        return
    fields.values[key.name] = parsed
