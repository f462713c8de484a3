"""Reads `checks`. Enters: sentences such as "ping a -> b". Leaves: Check values.

Rule of the file: the words only; whether the nodes and interfaces exist is for `rules`, which gets each Check with its place.
"""

from __future__ import annotations

import re

from vethlab.model.names import RESERVED, interface_name_problem, is_node
from vethlab.model.topology import Check, CheckEnd
from vethlab.spec import ranges
from vethlab.spec.addresses import parse_address
from vethlab.spec.fields import Fields, take
from vethlab.spec.keys import CHECK
from vethlab.spec.mistakes import Mistakes, Part, Wrong, did_you_mean
from vethlab.spec.tree import Item, shown

KINDS = ("ping", "tcp", "udp", "http")
_SENTENCE = re.compile(r"\s*(\S+)\s+(\S+)\s+->\s+(\S+)\s*")
_EXAMPLE = "for example `ping a -> b` or `tcp all -> web:80`"
_NO_BEGINNING = ("world", "localhost")


class RawCheck:
    """A check, the place of its sentence, and where in it each end stands."""

    __slots__ = ("check", "item", "options", "source", "target")

    def __init__(self, check: Check, item: Item, source: Part, target: Part, options: Fields | None) -> None:
        self.check, self.item, self.source, self.target, self.options = check, item, source, target, options


def read(item: Item | None, mistakes: Mistakes) -> list[RawCheck]:
    """All checks of the file, in file order."""
    checks: list[RawCheck] = []
    if item is None or item.value is None:
        return checks
    items = item.sequence()
    if items is None:
        mistakes.add(item, "wrong-type", f"`checks` must be a list, this is {item.described()}", why="expected a list of checks",
                     help="for example `- ping all -> all`", topic="checks")
        return checks
    for entry in items:
        check = _entry(entry, mistakes)
        if check is not None:
            checks.append(check)
    return checks


def _entry(item: Item, mistakes: Mistakes) -> RawCheck | None:
    """A sentence, {sentence: ok|blocked}, or {sentence: {more}}."""
    entries = item.mapping()
    if entries is None:
        if item.is_scalar() and item.text:
            return _check(item, {}, None, mistakes)
        mistakes.add(item, "wrong-type", f"a check is a sentence, this is {item.described()}", why="expected a check", help=_EXAMPLE,
                     topic="checks")
        return None
    if len(entries) != 1:
        mistakes.add(item, "wrong-type", f"an item of `checks` is one check, this has {len(entries)} keys", why="expected one sentence",
                     help="begin every check with `- `", topic="checks")
        return None
    text, value = next(iter(entries.items()))
    key = item.keys[text]
    if value.mapping() is not None:
        fields = take(value, CHECK, f"check `{shown(text)}`", mistakes)
        return _check(key, fields.values, fields, mistakes)
    if value.value is not None and value.text not in {"ok", "blocked"}:
        mistakes.add(value, "wrong-value", f"check `{shown(text)}` expects `ok` or `blocked`, this is {value.described()}",
                     why="not an expectation", help=did_you_mean(value.text, ("ok", "blocked")), topic="checks.expect")
        return None
    return _check(key, {"expect": value.text} if value.value is not None else {}, None, mistakes)


def _check(item: Item, options: dict[str, object], fields: Fields | None, mistakes: Mistakes) -> RawCheck | None:
    """One sentence with its options."""
    match = _SENTENCE.fullmatch(item.text)
    if match is None:
        mistakes.add(item, "bad-check", f"a check is KIND FROM -> TO, this is `{shown(item.text)}`", why="not a check", help=_EXAMPLE,
                     topic="checks")
        return None
    kind, source, target = match.groups()
    parts = [(match.start(group), len(match[group])) for group in (1, 2, 3)]
    if kind not in KINDS:
        mistakes.add(item, "bad-check", f"`{shown(kind)}` is not a kind of check", why=f"one of {', '.join(KINDS)}", part=parts[0],
                     topic="checks",
                     help=did_you_mean(kind, KINDS, _EXAMPLE))
        return None
    try:
        part = parts[1]
        start = _source(source, mistakes)
        part = parts[2]
        end = _target(target, kind, mistakes)
    except Wrong as wrong:
        mistakes.add(item, wrong.slug, f"check `{shown(item.text)}`: {wrong.why}", why="not an end of a check", help=wrong.help, part=part,
                     topic="checks")
        return None
    expect, within = str(options.get("expect", "ok")), options.get("within")
    if expect == "blocked" and within is not None and fields is not None:
        mistakes.add(fields.at("within"), "wrong-value", "a blocked check has no round trip to bound", why="nothing comes back",
                     help="remove `within`, or expect `ok`", topic="checks.within")
    check = Check(
        kind, start, end, expect, options.get("sample"), options.get("via"), within,  # type: ignore[arg-type]
        " ".join(item.text.split()), item.line,
    )
    return RawCheck(check, item, parts[1], parts[2], fields)


def _source(word: str, mistakes: Mistakes) -> CheckEnd:
    """FROM: a node, node:interface, a range, all or host."""
    if word.partition(":")[0] in _NO_BEGINNING:
        raise Wrong(f"a check cannot begin at `{shown(word)}`", help="it begins at a node, a range, `all` or `host`", slug="bad-check")
    return _end(word, None, mistakes)


def _target(word: str, kind: str, mistakes: Mistakes) -> CheckEnd:
    """TO: as FROM, or an address, `world`, `localhost`; with a port for everything but ping."""
    subject, port = _split_port(word)
    if port is not None and not 1 <= port <= 65535:
        raise Wrong(f"port {port} is outside 1 to 65535", slug="bad-check")
    if kind == "ping" and port is not None:
        raise Wrong("`ping` has no port", help=f"write `tcp` or `udp` to ask port {port}", slug="bad-check")
    if kind in {"tcp", "udp"} and port is None:
        raise Wrong(f"`{kind}` needs a port", help=f"for example `{shown(word)}:80`", slug="bad-check")
    if kind == "http" and port is None:
        port = 80
    if subject.startswith("[") and subject.endswith("]"):
        return CheckEnd(address=parse_address(subject[1:-1]), port=port)
    if _looks_like_address(subject):
        return CheckEnd(address=parse_address(subject), port=port)
    return _end(subject, port, mistakes)


def _split_port(word: str) -> tuple[str, int | None]:
    """Digits after the last colon are a port, unless the whole word is an IPv6 address."""
    head, colon, tail = word.rpartition(":")
    if not colon or not tail.isdecimal() or not tail.isascii() or len(tail) > 9 or (_looks_like_address(word) and not head.endswith("]")):
        return word, None
    return head, int(tail)


def _looks_like_address(word: str) -> bool:
    """IPv6 has two colons in a row or seven, IPv4 four numbers: a node's name and an interface have neither."""
    return "::" in word or word.count(":") == 7 or re.fullmatch(r"[0-9]+(?:\.[0-9]+){3}", word) is not None


def _end(word: str, port: int | None, mistakes: Mistakes) -> CheckEnd:
    """node, node:interface, a range, or a reserved word."""
    name, colon, interface = word.partition(":")
    if colon and (problem := interface_name_problem(interface)):
        raise Wrong(problem, slug="bad-interface-name")
    if name in RESERVED:
        if colon and name != "host":
            raise Wrong(f"`{name}` is not one node, it has no interface", slug="bad-check")
        return CheckEnd(interface=interface or None, port=port, word=name)
    if ranges.is_range(name):
        return CheckEnd(tuple(ranges.names(name, mistakes)), interface or None, port=port)
    if not is_node(name):
        raise Wrong(f"`{shown(name)}` is neither a node nor an address", slug="bad-check", help=_EXAMPLE)
    return CheckEnd((name,), interface or None, port=port)
