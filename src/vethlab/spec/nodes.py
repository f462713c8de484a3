"""Reads `nodes`. Enters: a list of names, or a mapping of names to nodes. Leaves: one RawNode each, or None where there is no such key.

Rule of the file: what is written, checked value by value. Routes stay sentences until the node's interfaces are known.
"""

from __future__ import annotations

import re
from typing import Any

from vethlab.model.nat import Publish
from vethlab.spec import ranges
from vethlab.spec.fields import Fields, take
from vethlab.spec.keys import NODE
from vethlab.spec.mistakes import Mistakes, Wrong
from vethlab.spec.ports import parse as parse_port
from vethlab.spec.routes import parse_route
from vethlab.spec.tree import Item, shown

_SYSCTL = re.compile(r"[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_./-]+)+")
_STRINGS = re.compile(r'"[^"\n]*"|#[^\n]*')


class RawNode:
    """A node before its interfaces are known."""

    __slots__ = ("fields", "item", "name", "publish", "routes", "sysctl")

    def __init__(self, name: str, item: Item) -> None:
        self.name, self.item = name, item
        self.fields: Fields | None = None
        self.routes: list[tuple[Any, Item]] = []
        self.sysctl: list[tuple[str, str, Item]] = []
        self.publish: list[tuple[Publish, Item]] = []

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or `default`."""
        return self.fields.get(key, default) if self.fields else default


def read(item: Item | None, mistakes: Mistakes) -> dict[str, RawNode] | None:
    """The declared nodes in file order, or None if the file leaves them to be inferred."""
    if item is None or item.value is None:
        return None
    nodes: dict[str, RawNode] = {}
    mapped, listed = item.mapping(), item.sequence()
    if mapped is not None:
        for name, value in mapped.items():
            key = item.keys[name]
            _declare(nodes, _node(name, key, value, mistakes), key, mistakes)
    elif listed is not None:
        for entry in listed:
            if entry.is_scalar():
                _declare(nodes, RawNode(entry.text, entry), entry, mistakes)
                continue
            mistakes.nodes_lost = True
            mistakes.add(entry, "wrong-type", f"`nodes` is a list of names, this is {entry.described()}", why="expected a name",
                         topic="nodes",
                         help="write a mapping to say more of a node: `nodes: {r: {forward: true}}`")
    else:
        mistakes.nodes_lost = True
        mistakes.add(item, "wrong-type", f"`nodes` must be a list of names or a mapping, this is {item.described()}", why="expected names",
                     help="for example `nodes: [a, b]`", topic="nodes")
    return nodes


def _declare(nodes: dict[str, RawNode], node: RawNode, key: Item, mistakes: Mistakes) -> None:
    """Adds a node, or each node of a range."""
    try:
        names = ranges.names(key.text, mistakes)
    except Wrong as wrong:
        mistakes.nodes_lost = True
        mistakes.add(key, wrong.slug, wrong.why, why="not the name of a node", help=wrong.help, part=wrong.part, topic="nodes")
        return
    for name in names:
        if name in nodes:
            mistakes.add(key, "duplicate-node", f"node `{name}` is declared twice", why=f"declared in line {nodes[name].item.line} already",
                         help="remove it here, or let the ranges not overlap", topic="nodes")
            continue
        one = RawNode(name, key)
        one.fields, one.routes, one.sysctl, one.publish = node.fields, node.routes, node.sysctl, node.publish
        nodes[name] = one


def _node(name: str, key: Item, value: Item, mistakes: Mistakes) -> RawNode:
    """What the file says of one node (or of a whole range)."""
    what = f"node `{shown(name)}`"
    node = RawNode(name, key)
    node.fields = take(value, NODE, what, mistakes)
    entries = value.mapping() or {}
    if "routes" in entries:
        _routes(node, entries["routes"], what, mistakes)
    if "sysctl" in entries:
        _sysctl(node, entries["sysctl"], what, mistakes)
    if nft := node.get("nft"):
        _braces(nft, entries["nft"], what, mistakes)
    for port, where in zip(node.get("publish", ()), (entries["publish"].sequence() or []) if "publish" in entries else [], strict=False):
        try:
            node.publish.append((parse_port(port), where))
        except Wrong as wrong:
            mistakes.wrong(where, f"`publish` of {what}", wrong, "a port mapping", "nodes.publish")
    return node


def _routes(node: RawNode, item: Item, what: str, mistakes: Mistakes) -> None:
    """Routes as values, each with its place."""
    items = item.sequence()
    if items is None:
        if item.value is not None:
            mistakes.add(item, "wrong-type", f"`routes` of {what} must be a list, this is {item.described()}",
                         why="expected a list of routes",
                         help='for example `routes: ["default via 10.0.0.1"]`', topic="nodes.routes")
        return
    for entry in items:
        if not entry.is_scalar() or not entry.text:
            mistakes.add(entry, "wrong-type", f"a route of {what} is a sentence, this is {entry.described()}", why="expected a route",
                         help="for example `default via 10.0.0.1`", topic="nodes.routes")
            continue
        try:
            node.routes.append((parse_route(entry.text), entry))
        except Wrong as wrong:
            mistakes.add(entry, "bad-route", f"route of {what}: {wrong.why}", why="cannot be a route", help=wrong.help, part=wrong.part,
                         topic="nodes.routes")


def _sysctl(node: RawNode, item: Item, what: str, mistakes: Mistakes) -> None:
    """Settings below net., the only ones that belong to a network namespace."""
    entries = item.mapping()
    if entries is None:
        if item.value is not None:
            mistakes.add(item, "wrong-type", f"`sysctl` of {what} must be a mapping, this is {item.described()}",
                         why="expected `name: value`",
                         help="for example `sysctl: {net.ipv4.conf.all.rp_filter: 1}`", topic="nodes.sysctl")
        return
    for written, value in entries.items():
        name = _dotted(written)
        if not name:
            mistakes.add(item.keys[written], "bad-sysctl", f"`{shown(written)}` of {what} is not a setting of a network namespace",
                         why="expected a name below `net.`", help="for example `net.ipv4.conf.all.rp_filter`", topic="nodes.sysctl")
        elif not value.is_scalar() or isinstance(value.value, bool) or not value.text.strip() or not value.text.isprintable():
            mistakes.add(value, "wrong-type", f"the value of `{written}` of {what} must be a number or text, this is {value.described()}",
                         why="the kernel takes numbers and words", help="write 1 or 0" if isinstance(value.value, bool) else "",
                         topic="nodes.sysctl")
        else:
            # A number is given in decimal, as the kernel gives it back: a declared 0x10 would differ from the 16 that is read.
            given = str(value.value) if isinstance(value.value, int) else value.text.strip()
            node.sysctl.append((name, given, item.keys[written]))


def _dotted(name: str) -> str:
    """The setting's name with dots, or nothing.

    As in sysctl(8) the first separator decides: net/ipv4/conf/eth0.1 is net.ipv4.conf.eth0/1.
    """
    if not _SYSCTL.fullmatch(name):
        return ""
    if name.find("/") >= 0 and (name.find(".") < 0 or name.find("/") < name.find(".")):
        name = name.translate({ord("/"): ".", ord("."): "/"})
    parts = name.split(".")
    # A component of slashes only would become `.` or `..` in the path below /proc/sys and lead out of it.
    return name if parts[0] == "net" and len(parts) > 2 and all(part.strip("/") for part in parts) else ""


def _braces(ruleset: str, item: Item, what: str, mistakes: Mistakes) -> None:
    """Counts the braces of a ruleset: the slip that nft's own message locates worst. Everything else nft says itself."""
    depth = 0
    for character in _STRINGS.sub("", ruleset):
        depth += (character == "{") - (character == "}")
        if depth < 0:
            break
    if depth:
        mistakes.add(item, "nft-braces", f"the ruleset of {what} has {'an unclosed `{`' if depth > 0 else 'a `}` too many'}",
                     why="braces do not match", topic="nodes.nft")
