"""Reads YAML 1.2 (core schema) with positions. Enters: the text of a lab file. Leaves: one Item, the root.

Rule of the file: PyYAML only cuts the text into events; what a scalar means is decided by the table here, because PyYAML's own (YAML 1.1)
reads `no` as false, `22:22` as 1342 and `010` as 8. Anchors and aliases are followed within a budget; merge keys and tags are refused.
The tree is built with a stack of our own: input nested a million levels deep is an error message, not a crash.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import yaml

from vethlab.spec.mistakes import Mistakes
from vethlab.spec.tree import Item, file_lines, shown

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 32
MAX_VALUES = 500_000  # after following aliases: nine lines of aliases can stand for a billion values

# YAML 1.2, 10.3.2 (core schema). Two deviations, both contracts of the lab file: `010` is text, and so are integers of over 20 digits.
_PLAIN = re.compile(
    r"(?P<null>~|null|Null|NULL|)|(?P<true>true|True|TRUE)|(?P<false>false|False|FALSE)|(?P<int>[-+]?(?:0|[1-9][0-9]{0,19}))"
    r"|0o(?P<oct>[0-7]{1,20})|0x(?P<hex>[0-9a-fA-F]{1,16})"
    r"|(?P<float>[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*|(?=[eE])))(?:[eE][-+]?[0-9]{1,3})?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))",
)
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's parser is ten times as fast; the Python one gives the same events


def scalar(text: str) -> bool | int | float | str | None:
    """What an unquoted scalar means."""
    match = _PLAIN.fullmatch(text)
    if match is None:
        return text
    kind, found = match.lastgroup, match[0]
    if kind == "null":
        return None
    if kind in {"true", "false"}:
        return kind == "true"
    if kind == "int":
        return int(found)
    if kind == "float":
        return float(found.replace(".", "", 1) if found[-1] in "fFnN" else found)  # `.inf` and `.nan`
    return int(match["oct"], 8) if kind == "oct" else int(match["hex"], 16)


def parse(text: str, mistakes: Mistakes) -> Item:
    """The document of `text`. SpecErrors where the text is not one YAML document of the kind a lab file may be."""
    if len(text) > MAX_BYTES:
        _stop(mistakes, Item(None, line=1, column=1), "too-large", f"a lab file has at most {MAX_BYTES // 1024 // 1024} MiB")
    try:
        parser = _Parser(text)
        try:
            root = _Builder(parser, mistakes).document()
        finally:
            parser.dispose()
    except yaml.YAMLError as error:
        _syntax(error, text, mistakes)
    except UnicodeError:
        _stop(mistakes, Item(None, line=1, column=1), "not-utf8", "the text holds characters that UTF-8 cannot say")
    return root


def _stop(mistakes: Mistakes, item: Item, slug: str, message: str, why: str = "", help: str = "") -> NoReturn:  # noqa: A002 - as in errors
    """Ends the reading: what follows could not be trusted."""
    mistakes.add(item, slug, message, why=why, help=help)
    raise mistakes.report()


def _syntax(error: yaml.YAMLError, text: str, mistakes: Mistakes) -> NoReturn:
    """A parser's complaint as ours."""
    lines = file_lines(text)
    mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if context is not None and (mark is None or not "".join(lines[mark.line :]).strip()):
        mark = context  # what is missed at the end of the file was opened further up
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "this is not YAML"
    if mark is not None:
        line, column = mark.line + 1, mark.column + 1
    else:  # a character that YAML does not allow, known by its position only
        before = file_lines(text[: getattr(error, "position", 0)])
        line, column = len(before), len(before[-1]) + 1
    if line > len(lines):
        line, column = len(lines), len(lines[-1]) + 1
    written = lines[line - 1]
    helped = "quote the value, or write it in block form" if "{" in written or "[" in written else "check indentation, colons and quotes"
    if "\t" in written[:column]:
        helped = "YAML does not indent with tabs: use spaces"
    why = getattr(error, "context", None) or "this is where reading ended"
    mistakes.add(Item(None, line=line, column=column), "yaml-syntax", f"not YAML: {problem}", why=why, help=helped)
    raise mistakes.report()


class _Builder:
    """Turns the parser's events into Items. `open` holds the collections not yet closed, each with the key that waits for its value."""

    def __init__(self, parser: Any, mistakes: Mistakes) -> None:
        self.parser, self.mistakes = parser, mistakes
        self.anchors: dict[str, Item] = {}
        self.open: list[tuple[Item, str]] = []  # (collection, its anchor)
        self.waiting: list[Item | None] = []  # for each open mapping the key whose value comes next
        self.values = 0

    def document(self) -> Item:
        """Reads the stream: exactly one document."""
        get = self.parser.get_event
        get()
        event = get()
        if isinstance(event, yaml.StreamEndEvent):
            return Item(None, line=1, column=1)
        root = None
        while not isinstance(event := get(), yaml.DocumentEndEvent):
            root = self._take(event) or root
        event = get()
        if not isinstance(event, yaml.StreamEndEvent):
            _stop(self.mistakes, _item(event, None), "several-documents", "a lab file holds one YAML document",
                  help="remove what follows `---`")
        assert root is not None  # noqa: S101 - a document has a root
        if root.value is None:
            root.line = root.column = 1  # an empty document ends behind its last line
        return root

    def _take(self, event: Any) -> Item | None:
        """Handles one event; the Item that is complete if it is a whole value at the top."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self._close(self._scalar(event), event.anchor)
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            item = _item(event, {} if kind is yaml.MappingStartEvent else [])
            self._no_tag(event, item)
            if len(self.open) >= MAX_DEPTH:
                _stop(self.mistakes, item, "too-deep", f"a lab file nests at most {MAX_DEPTH} levels")
            self.open.append((item, event.anchor))
            self.waiting.append(None)
            return None
        if kind is yaml.AliasEvent:
            return self._close(self._alias(event), None)
        item, anchor = self.open.pop()
        self.waiting.pop()
        return self._close(item, anchor)

    def _scalar(self, event: Any) -> Item:
        """A scalar: plain ones mean what the table says, quoted and block ones are text."""
        start, end, text, style = event.start_mark, event.end_mark, event.value, event.style
        item = _item(event, text)
        item.text = text
        if style is None or style == "":
            if event.tag is None:
                item.value = scalar(text)
            item.inset = 0 if end.column - start.column == len(text) else -1
        elif style in {"'", '"'}:
            item.inset = 1 if end.line == start.line and end.column - start.column == len(text) + 2 else -1
        self._no_tag(event, item)
        return item

    def _no_tag(self, event: Any, item: Item) -> None:
        """Tags other than "text" have no meaning in a lab file."""
        if event.tag not in {None, "!", "tag:yaml.org,2002:str"}:
            _stop(self.mistakes, item, "yaml-tag", f"a lab file has no YAML tags: `{shown(event.tag)}`", help="remove the tag")

    def _alias(self, event: Any) -> Item:
        """The anchored value, with the alias' own place for messages."""
        here = _item(event, None)
        anchored = self.anchors.get(event.anchor)
        if anchored is None:
            inside = any(event.anchor == anchor for _, anchor in self.open)
            why = "it stands inside what it means" if inside else "no `&` before it gives this name"
            _stop(self.mistakes, here, "yaml-alias", f"alias `*{shown(event.anchor)}` leads nowhere", why=why)
        here.value, here.text, here.keys, here.size = anchored.value, anchored.text, anchored.keys, anchored.size
        return here

    def _close(self, item: Item, anchor: str | None) -> Item | None:
        """Puts a complete value into the collection it belongs to."""
        if anchor:
            self.anchors[anchor] = item
        if not self.open:
            return item
        parent = self.open[-1][0]
        parent.size += item.size
        if parent.size > MAX_VALUES:
            _stop(self.mistakes, item, "too-large", f"a lab file holds at most {MAX_VALUES} values", why="counted with aliases followed")
        if isinstance(parent.value, list):
            parent.value.append(item)
        elif (key := self.waiting[-1]) is None:
            self.waiting[-1] = self._key(item)
        else:
            self.waiting[-1] = None
            self._pair(parent, key, item)
        return None

    def _key(self, item: Item) -> Item:
        """A key of a mapping is a scalar with a text."""
        if not item.is_scalar():
            _stop(self.mistakes, item, "yaml-key", "a key is a word, not a list or a mapping", help="quote it if it begins with `[` or `{`")
        if item.text == "<<" and item.inset == 0:
            _stop(self.mistakes, item, "yaml-merge", "merge keys (`<<`) are not part of YAML 1.2",
                  help="write the keys out, or use an alias")
        return item

    def _pair(self, parent: Item, key: Item, item: Item) -> None:
        """One key and its value; a key given twice is a mistake, because one of the values would be lost."""
        values: Any = parent.value
        name = key.text
        if name in values:
            first = parent.keys[name].line
            self.mistakes.add(
                key, "duplicate-key", f"the key `{shown(name)}` is given twice", why=f"first given in line {first}",
                help="keep one of them",
            )
            return
        values[name] = item
        parent.keys[name] = key


def _item(event: Any, value: object) -> Item:
    """An Item at the event's place; `width` ends at the line's end if the value goes on below."""
    start, end = event.start_mark, event.end_mark
    width = end.column - start.column if end.line == start.line else 1
    return Item(value, line=start.line + 1, column=start.column + 1, width=max(width, 1))
