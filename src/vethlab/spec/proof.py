"""A lab file under an edit, and the proof of the edit. Enters: a text, and the Topology it should mean. Leaves: the text, or Unsaid.

Rule of the file: no edit counts before its result was read again and says exactly what was wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vethlab.errors import SpecErrors
from vethlab.model.names import HOST
from vethlab.model.topology import Node, Topology
from vethlab.spec import nodes, ranges
from vethlab.spec.layout import Layout, Step, Unsaid
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.nodes import RawNode
from vethlab.spec.read import parse
from vethlab.spec.resolve import resolve
from vethlab.spec.tree import Item


class Lab:
    """A text with what it means and where everything stands. SpecErrors if it is no lab file."""

    __slots__ = ("entries", "layout", "text", "topology")

    def __init__(self, text: str) -> None:
        mistakes = self.mistakes(text)
        root = parse(text, mistakes)
        self.topology = resolve(root, mistakes)
        self.text, self.layout = text, Layout(text)
        self.entries: dict[str, Item] = root.mapping() or {}

    @staticmethod
    def mistakes(text: str = "") -> Mistakes:
        """A list for a reader that will find none."""
        return Mistakes("", text)

    def node(self, name: str) -> Node:
        """What the file says of a node, all told."""
        if name == HOST:
            raise Unsaid("a lab file has no settings, routes or rules of `host`")
        found = next((node for node in self.topology.nodes if node.name == name), None)
        if found is None:
            raise Unsaid(f"the lab file has no node `{name}`")
        return found

    def declared(self) -> dict[str, RawNode]:
        """The nodes that have a word in `nodes`, of their own or in a range."""
        return nodes.read(self.entries.get("nodes"), self.mistakes()) or {}

    def written(self, name: str) -> RawNode | None:
        """A declared node as it is written, with its places; None where it is inferred."""
        raw = self.declared().get(name)
        if raw is None:
            return None
        if len(ranges.names(raw.item.text, self.mistakes())) > 1:
            raise Unsaid(f"`{name}` is one of `{raw.item.text}` in the lab file, and what is said there is said of all of them")
        return raw


def way(raw: RawNode, *steps: Step) -> tuple[Step, ...]:
    """The way to a key of a node that has an entry of its own."""
    return ("nodes", raw.item.text, *steps)


def with_node(topology: Topology, name: str, **changes: Any) -> Topology:
    """The lab with one node changed."""
    return replace(topology, nodes=tuple(replace(node, **changes) if node.name == name else node for node in topology.nodes))


def proved(text: str, wanted: Topology) -> str:
    """The text, if it is a lab file that means `wanted`: neither more nor less."""
    other = list(_differences(read(text).topology, wanted))
    if other:
        raise Unsaid(f"the lab file would say something else as well of {', '.join(other)}")
    return text


def read(text: str) -> Lab:
    """An edited text. Unsaid if it is no lab file any more."""
    try:
        return Lab(text)
    except SpecErrors as errors:
        raise Unsaid(f"the lab file would have a mistake: {errors.errors[0].message}") from None


def _differences(found: Topology, wanted: Topology) -> Iterator[str]:
    """What is not as wanted, each in a word."""
    if _frame(found) != _frame(wanted):
        yield "the whole lab"
        return
    for one, node in zip(found.nodes, wanted.nodes, strict=True):
        if _unordered(one) != _unordered(node):
            yield f"node `{node.name}`"
    for link, cable in zip(found.cables, wanted.cables, strict=True):
        if link != cable:
            yield f"link `{cable.left} -- {cable.right}`"
    for segment, network in zip(found.networks, wanted.networks, strict=True):
        if segment != network:
            yield f"network `{network.name}`"


def _frame(topology: Topology) -> tuple[object, ...]:
    """What no edit changes."""
    names = [node.name for node in topology.nodes], [network.name for network in topology.networks], len(topology.cables)
    return topology.name, topology.checks, topology.routing, topology.ipv6, names


def _unordered(node: Node) -> Node:
    """A node with its routes and settings sorted: nothing depends on their order."""
    return replace(node, sysctl=tuple(sorted(node.sysctl)), routes=tuple(sorted(node.routes, key=repr)))
