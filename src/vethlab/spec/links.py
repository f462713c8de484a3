"""Reads `links`. Enters: the list as Items. Leaves: one RawLink for each cable, meshes and ranges spelled out.

Rule of the file: a link is a sentence, END -- END; an END is [host/]node[:interface] and any number of addresses with prefix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vethlab.model.names import interface_name_problem
from vethlab.spec import ranges
from vethlab.spec.addresses import parse_interface
from vethlab.spec.amounts import shaping
from vethlab.spec.fields import Fields, take
from vethlab.spec.keys import LINK
from vethlab.spec.mistakes import Mistakes, Part, Wrong
from vethlab.spec.raw import Place, RawLink, Settings
from vethlab.spec.tree import Item, shown

MAX_CABLES = 20_000
_FORMS = ("ends", "mesh", "zip", "spread")
_SEPARATOR = re.compile(r"(?:^|(?<=\s))--(?=\s|$)")
_WORD = re.compile(r"\S+")


class End:
    """One side of a sentence: the nodes it names, the interface and addresses it gives them, and where each word stands."""

    __slots__ = ("addresses", "interface", "names", "part", "parts", "word")

    def __init__(self, word: str, part: Part) -> None:
        self.word, self.part = word, part
        self.names: list[str] = []
        self.interface = ""
        self.addresses: list[object] = []
        self.parts: list[Part] = []


def read(item: Item | None, mistakes: Mistakes) -> list[RawLink]:
    """All cables of the file, in file order."""
    cables: list[RawLink] = []
    if item is None or item.value is None:
        return cables
    items = item.sequence()
    if items is None:
        mistakes.lost = True
        mistakes.add(item, "wrong-type", f"`links` must be a list, this is {item.described()}", why="expected a list of links",
                     help="write `- a -- b` for each link", topic="links")
        return cables
    for entry in items:
        cables.extend(_entry(entry, mistakes, MAX_CABLES - len(cables)))
    return cables


def _entry(item: Item, mistakes: Mistakes, room: int) -> list[RawLink]:
    """The cables of one item of the list: a sentence, or a mapping with one sentence and more."""
    if item.mapping() is None:
        if not item.is_scalar() or not item.text:
            mistakes.lost = True
            mistakes.add(item, "wrong-type", f"a link is a sentence or a mapping, this is {item.described()}", why="expected END -- END",
                         help="for example `a 10.0.0.1/24 -- b 10.0.0.2/24`", topic="links")
            return []
        return _sentence(item, "", Settings(), mistakes, room)
    fields = take(item, LINK, "this link", mistakes)
    forms = [form for form in _FORMS if form in (item.mapping() or {})]
    if len(forms) == 1 and forms[0] in fields.values:
        settings = Settings(fields.get("mtu", 1500), shaping(fields), fields.get("tuned", False))
        return _sentence(fields.at(forms[0]), forms[0], settings, mistakes, room)
    mistakes.lost = True
    if len(forms) != 1:
        _not_one_form(fields, forms, mistakes)
    return []


def _not_one_form(fields: Fields, forms: list[str], mistakes: Mistakes) -> None:
    if forms:
        mistakes.add(
            fields.item.keys[forms[1]], "several-forms", f"a link has one of `ends`, `mesh`, `zip` and `spread`, this has {len(forms)}",
            why=f"`{forms[0]}` is given already", help="write an item for each", topic="links",
        )
    elif not fields.spoiled or not fields.item.keys:
        mistakes.add(fields.item, "missing-key", "this link does not say what it joins",
                     why="one of `ends`, `mesh`, `zip`, `spread` is needed",
                     help="for example `ends: a -- b`", topic="links.ends")


def _sentence(item: Item, form: str, settings: Settings, mistakes: Mistakes, room: int) -> list[RawLink]:
    """The cables of one sentence."""
    ends = read_ends(item, mistakes)
    if ends is None:
        return []
    if form in {"", "ends"}:
        for end in ends:
            if ranges.is_range(end.word):
                mistakes.add(
                    item, "range-in-link", f"`{shown(end.word)}` is a range, and a link joins two nodes", part=end.part, topic="links.mesh",
                    why="which with which?",
                    help="say `mesh:` (every left with every right), `zip:` (in step) or `spread:` (dealt out over the right)",
                )
                mistakes.vague.update(ends[0].names, ends[1].names)
                return []
    try:
        pairs = list(_pairs(form, ends[0], ends[1], room))
    except Wrong as wrong:
        mistakes.vague.update(ends[0].names, ends[1].names)
        mistakes.add(item, wrong.slug, wrong.why, why="cannot be joined so", help=wrong.help, part=wrong.part, topic=f"links.{form}")
        return []
    return [RawLink(_place(left, ends[0], item), _place(right, ends[1], item), settings, item) for left, right in pairs]


def _pairs(form: str, left: End, right: End, room: int) -> Iterator[tuple[str, str]]:
    """Which node is joined with which."""
    if form in {"", "ends"}:
        yield left.names[0], right.names[0]
        return
    for end in (left, right):
        if end.addresses:
            raise Wrong(f"`{form}` makes several links, they cannot share an address", part=end.parts[0], slug="address-in-range",
                        help="use `addressing: {links: PREFIX}` to hand out addresses")
    count = len(left.names) * (len(right.names) if form == "mesh" else 1)
    if count > room:
        raise Wrong(f"a lab has at most {MAX_CABLES} links", part=left.part, slug="too-large")
    if form == "zip":
        if len(left.names) != len(right.names):
            raise Wrong(
                f"`zip` joins in step, but there are {len(left.names)} on the left and {len(right.names)} on the right", part=right.part,
                slug="unequal-zip", help="`spread:` deals the left out over the right, `mesh:` joins every left with every right",
            )
        yield from zip(left.names, right.names, strict=True)
    elif form == "spread":
        yield from ((name, right.names[index % len(right.names)]) for index, name in enumerate(left.names))
    else:
        yield from _mesh(left.names, right.names)


def _mesh(left: list[str], right: list[str]) -> Iterator[tuple[str, str]]:
    """Every left with every right. Where a name stands on both sides it is not joined to itself, and no two nodes are joined twice."""
    both = set(left) & set(right)
    done = set()
    for one in left:
        for other in right:
            if one in both and other in both:
                if one == other or (other, one) in done:
                    continue
                done.add((one, other))
            yield one, other


def _place(name: str, end: End, item: Item) -> Place:
    place = Place(name, item, end.part)
    place.interface, place.named = end.interface, bool(end.interface)
    place.addresses = list(end.addresses)  # type: ignore[arg-type]
    place.parts = [(item, part) for part in end.parts]
    return place


def read_ends(item: Item, mistakes: Mistakes) -> tuple[End, End] | None:
    """Both ENDs of a sentence, or None after a mistake."""
    text = item.text
    separators = list(_SEPARATOR.finditer(text))
    if len(separators) != 1:
        tight = "--" in text and not separators
        mistakes.lost = True
        mistakes.add(
            item, "bad-link", f"a link is END -- END, this is `{shown(text)}`", topic="links.ends",
            why="` -- ` is missing" if not separators else "` -- ` stands more than once",
            help="put a space on both sides of `--`" if tight else "for example `a 10.0.0.1/24 -- b 10.0.0.2/24`",
        )
        return None
    middle = separators[0]
    left = _read_end(item, 0, middle.start(), mistakes)
    right = _read_end(item, middle.end(), len(text), mistakes)
    if left and right:
        return left, right
    for end in (left, right):
        mistakes.vague.update(end.names if end else ())
    return None


def _read_end(item: Item, start: int, stop: int, mistakes: Mistakes) -> End | None:
    """One END: text[start:stop]."""
    words = [(match[0], (match.start(), len(match[0]))) for match in _WORD.finditer(item.text, start, stop)]
    if not words:
        mistakes.lost = True
        mistakes.add(item, "bad-link", f"a link is END -- END, one side of `{shown(item.text)}` is empty", why="no node here",
                     help="for example `a -- b`", topic="links.ends")
        return None
    end = End(*words[0])
    good = _read_node(item, end, mistakes)
    for word, part in words[1:]:
        try:
            end.addresses.append(parse_interface(word))
            end.parts.append(part)
        except Wrong as wrong:
            good = False
            mistakes.add(item, "bad-address", wrong.why, why="expected an address with prefix", help=wrong.help, part=part,
                         topic="links.ends")
    if good:
        return end
    mistakes.vague.update(end.names)
    mistakes.lost = mistakes.lost or not end.names
    return None


def _read_node(item: Item, end: End, mistakes: Mistakes) -> bool:
    """[host/]node[:interface] into the End; False after a mistake."""
    word, (start, length) = end.word, end.part
    name, colon, interface = word.partition(":")
    try:
        end.names = ranges.names(name, mistakes)
    except Wrong as wrong:
        mistakes.add(item, wrong.slug, wrong.why, why="not the name of a node", help=wrong.help, part=(start, max(len(name), 1)),
                     topic="nodes")
        return False
    end.word, end.part = name, (start, len(name))
    problem = interface_name_problem(interface) if colon else ""
    if interface == "lo":
        problem = "`lo` is the loopback interface, which every namespace has already"
    if problem:
        mistakes.add(item, "bad-interface-name", f"`{shown(word)}`: {problem}", why="not an interface name", topic="links.ends",
                     part=(start + len(name) + 1, length - len(name) - 1))
        return False
    end.interface = interface
    return True
