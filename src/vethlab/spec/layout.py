"""Where everything stands in a lab file, and cuts into its text. Enters: a text that loads. Leaves: the text with one thing changed.

Rule of the file: nothing is dumped anew: a cut touches the characters of its own thing, so comments, order and layout stay. Nothing here
knows what a lab is; whoever cuts reads the result again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from vethlab.spec.read import scalar
from vethlab.spec.tree import Item

Step = str | int  # a key of a mapping, or a place in a list
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # as in `read`
_BREAK = re.compile("\r\n|[\r\n]")
_BARE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ./:_@-]*[A-Za-z0-9/._-])?")
_NUMBER = re.compile("-?(?:0|[1-9][0-9]{0,18})")


class Unsaid(Exception):  # noqa: N818 - a thing that a file cannot say, not a failure of ours
    """Raised where a lab file, or this one, cannot say something. Its text is the reason, part of a sentence."""


class Span:
    """One value: `kind` is map, seq, scalar or alias, text[start:end] what it takes, without blank lines and comments behind it."""

    __slots__ = ("colon", "column", "end", "flow", "items", "kind", "line", "null", "pairs", "start", "style", "text")

    def __init__(self, kind: str, event: Any) -> None:
        self.kind = kind
        self.start: int = event.start_mark.index
        self.end: int = event.end_mark.index
        self.line: int = event.start_mark.line + 1
        self.column: int = event.start_mark.column
        self.flow = bool(getattr(event, "flow_style", False))
        self.text: str = getattr(event, "value", "")
        self.style: str = getattr(event, "style", None) or ""
        self.null = kind == "scalar" and not self.style and scalar(self.text) is None
        self.colon = 0  # behind the colon of the key whose value this is; 0 where there is none
        self.pairs: list[tuple[Span, Span]] = []
        self.items: list[Span] = []

    def get(self, key: str) -> Span | None:
        """The value of a key of a mapping."""
        return next((value for one, value in self.pairs if one.text == key), None)

    def last(self) -> Span | None:
        """The last value inside."""
        inside = [value for _, value in self.pairs] or self.items
        return inside[-1] if inside else None


def word(text: str) -> str:
    """Text as YAML in one line, in block and flow style: without quotes where it means itself, and numbers as numbers."""
    if _NUMBER.fullmatch(text) or (_BARE.fullmatch(text) and ": " not in text and isinstance(scalar(text), str)):
        return text
    return json.dumps(text, ensure_ascii=False)


def nested(path: Sequence[Step], leaf: str) -> str:
    """`leaf` below keys that are not there yet: `{sysctl: {KEY: 1}}`."""
    return leaf if not path else f"{{{word(str(path[0]))}: {nested(path[1:], leaf)}}}"


class Layout:
    """A text and its Spans. Every cut leaves the new text; the Layout itself does not change."""

    def __init__(self, text: str) -> None:
        self.text = text
        found = _BREAK.search(text)
        self.newline = found[0] if found else "\n"
        self._scalars: dict[tuple[int, int], Span] = {}
        events: Iterator[Any] = iter(yaml.parse(text, Loader=_Loader))
        try:
            next(events)  # the stream begins
            next(events)  # the document begins
            self.root = self._read(events, next(events))
        except yaml.YAMLError:
            raise Unsaid("the lab file is written in a way that cannot be edited") from None

    def at(self, item: Item) -> Span:
        """The scalar that a reader of the file knows as an Item."""
        return self._scalars[item.line, item.column - 1]

    def find(self, path: Sequence[Step]) -> Span | None:
        """What stands there, or None. Unsaid where an alias leads there: the same text stands for several places."""
        span = self.root
        for step in path:
            below = span.items[step] if isinstance(step, int) else span.get(step)
            if below is None:
                return None
            if below.kind == "alias":
                raise Unsaid(f"the lab file shares it with another place: `{self.source(below)}`")
            span = below
        return span

    def there(self, path: Sequence[Step]) -> Span:
        """What stands there, for those who have seen it."""
        span = self.find(path)
        assert span is not None  # noqa: S101 - see above
        return span

    def source(self, span: Span) -> str:
        """A value as written."""
        return self.text[span.start : span.end]

    def swap(self, start: int, end: int, text: str) -> str:
        """The text with another text between two places."""
        return self.text[:start] + text + self.text[end:]

    def put(self, path: Sequence[Step], leaf: str) -> str:
        """Gives a value to the place a path leads to, and makes the mappings on the way that are missing."""
        for depth in range(len(path)):
            below = path[depth + 1 :]
            found = self.find(path[: depth + 1])
            if found is None:
                return self._add(path[:depth], f"{word(str(path[depth]))}: {nested(below, leaf)}")
            if found.null:
                return self._fill(found, nested(below, leaf))
        whole = self.there(path)
        return self.swap(whole.start, whole.end, leaf)

    def append(self, path: Sequence[Step], leaf: str) -> str:
        """Adds an item to a list, which is made if it is missing."""
        found = self.find(path)
        if found is None or found.null:
            return self.put(path, f"[{leaf}]")
        return self._grow(found, leaf, f"- {leaf}")

    def remove(self, path: Sequence[Step], index: int) -> str:
        """Takes an item out of a list. Its own comment stays, on a line of its own."""
        whole = self.there(path)
        extents = [(item.start, item.end) for item in whole.items]
        return self._pluck(extents, index) if whole.flow else self._drop(whole, self._dash(whole.items[index]), extents[index][1])

    def drop(self, path: Sequence[Step]) -> str:
        """Takes a key and its value out of a mapping. A comment behind the value stays, on a line of its own."""
        whole = self.there(path[:-1])
        extents = [(key.start, max(value.end, value.colon, key.end)) for key, value in whole.pairs]
        index = [key.text for key, _ in whole.pairs].index(str(path[-1]))
        return self._pluck(extents, index) if whole.flow else self._drop(whole, *extents[index])

    def mapped(self, path: Sequence[Step]) -> str:
        """Makes a list of names a mapping of names to `{}`, name by name where it stands."""
        whole = self.there(path)
        cuts = [(item.end, item.end, ": {}") for item in whole.items]
        if whole.flow:
            opening = self.text.index("[", whole.start)
            cuts += [(opening, opening + 1, "{"), (whole.end - 1, whole.end, "}")]
        else:
            dashes = [self._dash(item) for item in whole.items]
            width = whole.items[0].start - dashes[0]
            cuts += [(dash, item.start, " " * width) for dash, item in zip(dashes, whole.items, strict=True)]
        return self.cut(cuts)

    def cut(self, cuts: Sequence[tuple[int, int, str]]) -> str:
        """Several swaps at once; the places are those of the text as it is."""
        text = self.text
        for start, end, new in sorted(cuts, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def line_end(self, at: int) -> int:
        """The end of a line, before its line break."""
        found = _BREAK.search(self.text, at)
        return found.start() if found else len(self.text)

    def _line_start(self, at: int) -> int:
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def _read(self, events: Iterator[Any], event: Any) -> Span:
        if isinstance(event, yaml.AliasEvent):
            return Span("alias", event)
        if isinstance(event, yaml.ScalarEvent):
            span = Span("scalar", event)
            self._scalars[span.line, span.column] = span
            span.end = self._block_end(span) if span.style in {"|", ">"} else span.end
            return span
        closing = yaml.MappingEndEvent if isinstance(event, yaml.MappingStartEvent) else yaml.SequenceEndEvent
        span = Span("map" if closing is yaml.MappingEndEvent else "seq", event)
        while not isinstance(event := next(events), closing):
            one = self._read(events, event)
            if span.kind == "seq":
                span.items.append(one)
            else:
                span.pairs.append((one, self._value(one, self._read(events, next(events)))))
        last = span.last()
        closed: Any = event.end_mark
        span.end = closed.index if span.flow or last is None else last.end
        return span

    def _value(self, key: Span, value: Span) -> Span:
        """A value that knows its key's colon; one that is not written stands behind it."""
        found = re.compile(r"\s*:").match(self.text, key.end)
        if found:
            value.colon = found.end()
            if value.start == value.end and value.null:
                value.start = value.end = value.colon
        return value

    def _block_end(self, span: Span) -> int:
        """A block scalar ends with its last line, or, where `+` keeps them, with the blank lines behind it."""
        text = self.source(span)
        kept = "+" in text[: self.line_end(span.start) - span.start]
        return span.start + len(re.sub("(?:\r\n|[\r\n])\\Z", "", text) if kept else text.rstrip())

    def _fill(self, span: Span, leaf: str) -> str:
        """Writes the value of a key that has none."""
        if span.start < span.end:
            return self.swap(span.start, span.end, leaf)
        return self.swap(span.end, span.end, f" {leaf}" if span.colon else f": {leaf}")

    def _add(self, path: Sequence[Step], entry: str) -> str:
        """Adds an entry to a mapping."""
        whole = self.there(path)
        if whole.kind != "map":
            raise Unsaid(f"what the lab file says there leaves no room: `{self.source(whole)}`")
        return self._grow(whole, entry, entry)

    def _grow(self, whole: Span, inline: str, block: str) -> str:
        """Adds to the end of a collection: in its line, or a line of its own."""
        last = whole.last()
        if not whole.flow:
            assert last is not None  # noqa: S101 - an empty collection has brackets
            column = whole.pairs[0][0].column if whole.pairs else self._dash(last) - self._line_start(last.start)
            end = self.line_end(last.end)
            return self.swap(end, end, f"{self.newline}{' ' * column}{block}")
        if last is not None:
            return self.swap(last.end, last.end, f"{' ' if last.start == last.end else ''}, {inline}")
        opening = self.text.rindex("{" if whole.kind == "map" else "[", whole.start, whole.end)
        inside = self.text[opening + 1 : whole.end - 1]
        return self.swap(whole.end - 1 if inside.strip() else opening + 1, whole.end - 1, inline)

    def _dash(self, item: Span) -> int:
        """The dash of an item of a block list."""
        begin = self._line_start(item.start)
        found = re.search(r"-[ \t]*$", self.text[begin : item.start])
        if not found:
            raise Unsaid("the list is written in a way that cannot be edited")
        return begin + found.start()

    def _pluck(self, extents: list[tuple[int, int]], index: int) -> str:
        """Takes one of several things out of brackets, with one comma."""
        (first, last), before, behind = extents[index], extents[index - 1 : index], extents[index + 1 : index + 2]
        start, end = first, last
        if behind:
            end = behind[0][0]
        elif before:
            start = before[0][1]
        elif comma := re.compile(r"\s*,").match(self.text, end):
            end = comma.end()
        if "#" in self.text[start:first] + self.text[last:end]:
            raise Unsaid("a comment stands inside the brackets")
        return self.swap(start, end, "")

    def _drop(self, whole: Span, start: int, stop: int) -> str:
        """Takes what begins and ends there out of a block list or mapping, with its line."""
        begin, end = self._line_start(start), self.line_end(stop)
        comment = self.text[stop:end].lstrip()
        if comment:
            begin = start
        elif broken := _BREAK.match(self.text, end):
            end = broken.end()
        else:
            begin = len(self.text[:begin].removesuffix("\n").removesuffix("\r"))
        empty = " []" if whole.kind == "seq" else " {}"
        return self.cut([(begin, end, comment), *([(whole.colon, whole.colon, empty)] if len(whole.items or whole.pairs) == 1 else [])])
