"""Edits of a lab file's links, places and nodes as wholes: what is said of one, one more, one less. Leaves: the text, or Unsaid.

Rule of the file: as in segment_edits; comments and the rest of the file stay as they are, and each edit proves itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vethlab.model.topology import Topology
from vethlab.spec import ranges
from vethlab.spec.layout import Layout, Unsaid, word
from vethlab.spec.membership import Gone
from vethlab.spec.node_edits import named, shortened
from vethlab.spec.pins import pinned, spelled
from vethlab.spec.proof import Lab, proved, read
from vethlab.spec.segment_edits import LINKS, NETWORKS, Spot, entry

__all__ = ["add", "remove", "set_keys"]


def set_keys(text: str, where: Spot, said: Mapping[str, str], wanted: Topology) -> str:
    """Say these keys (mtu, rate, delay, loss) of a link or a network."""
    for key, value in said.items():
        lab = Lab(text)
        if where.kind == NETWORKS:
            text = lab.layout.put([NETWORKS, lab.topology.networks[where.number].name, key], value)
            continue
        number = entry(lab, where)
        span = lab.layout.there([LINKS, number])
        leaf = f"{{ends: {lab.layout.source(span)}, {key}: {value}}}"
        text = lab.layout.put([LINKS, number, key], value) if span.kind == "map" else lab.layout.put([LINKS, number], leaf)
    return proved(text, wanted)


def add(text: str, joined: str, said: Mapping[str, str], wanted: Topology) -> str:
    """One link more, after the others, or (`joined`) one place more on a network.

    Nodes that are new are declared where the file declares its nodes.
    """
    lab = Lab(text)
    known = {node.name for node in lab.topology.nodes}
    for node in wanted.nodes:
        if node.name not in known and "nodes" in lab.entries:
            listed = Layout(text).there(["nodes"]).kind == "seq"
            text = Layout(text).append(["nodes"], word(node.name)) if listed else Layout(text).put(["nodes", node.name], "{}")
    text = _placed(text, lab, joined, wanted) if joined else _linked(text, said, wanted)
    # Where nodes are inferred a new one stands where its link does: their order says nothing more than their numbers, which are proved.
    order = {node.name: at for at, node in enumerate(read(text).topology.nodes)}
    ordered = sorted(wanted.nodes, key=lambda node: order.get(node.name, len(order)))
    return pinned(text, replace(wanted, nodes=tuple(ordered)))


def _linked(text: str, said: Mapping[str, str], wanted: Topology) -> str:
    """With the last link, its interfaces named: unnamed ones would be numbered before those of networks, and rename them."""
    cable = wanted.cables[-1]
    ends = " -- ".join(" ".join([str(end), *map(str, end.addresses)]) for end in (cable.left, cable.right))
    leaf = f"{{ends: {ends}{''.join(f', {key}: {value}' for key, value in said.items())}}}" if said else ends
    return Layout(text).append([LINKS], leaf)


def _placed(text: str, lab: Lab, joined: str, wanted: Topology) -> str:
    """With the places of a network that the file does not have yet."""
    network = next(one for one in wanted.networks if one.name == joined)
    there = {port.endpoint.node for one in lab.topology.networks if one.name == joined for port in one.ports}
    path = [NETWORKS, joined, "nodes"]
    for end in (port.endpoint for port in network.ports if port.endpoint.node not in there):
        layout = Layout(text)
        found = layout.find(path)
        if found is None or found.kind != "map":
            text = layout.append(path, word(end.node))
            continue
        words = [spelled(end, at, network) for at in range(len(end.addresses))]
        text = layout.put([*path, end.node], words[0] if len(words) == 1 else f"[{', '.join(words)}]" if words else "{}")
    return text


def remove(text: str, gone: Gone, wanted: Topology) -> str:
    """Without these. What the file leaves to be counted, and would now be counted otherwise, is written out."""
    lab = Lab(text)
    text = _unlinked(lab, gone)
    for name in sorted(gone.networks):
        text = Layout(text).drop([NETWORKS, name])
    for network, node in sorted(gone.places):
        text = _off(text, network, node)
    if "nodes" in lab.entries:
        for node in sorted(gone.nodes & {*lab.declared()}):
            text = _struck(text, ["nodes"], node)
    elif [node.name for node in read(text).topology.nodes] != [node.name for node in wanted.nodes]:
        text = named(read(text), wanted.nodes)  # some node is named by nobody any more
    return pinned(text, wanted)


def _unlinked(lab: Lab, gone: Gone) -> str:
    """One of a range stands with others in one line, which has to stay."""
    items = [entry(lab, Spot(LINKS, number, 0)) for number in range(len(lab.topology.cables))]
    lines = {items[number] for number in gone.cables}
    if any(items[number] in lines for number in {*range(len(items))} - gone.cables):
        raise Unsaid("the link is one of several that stand in one line of the lab file")
    text = lab.text
    for line in sorted(lines, reverse=True):
        text = Layout(text).remove([LINKS], line)
    return text


def _off(text: str, network: str, node: str) -> str:
    """A node off a network, with its tag and its isolation."""
    text = _struck(text, [NETWORKS, network, "nodes"], node)
    for key in ("isolated", "tags"):
        found = Layout(text).find([NETWORKS, network, key])
        if found is not None and node in [one.text for one in (*found.items, *[name for name, _ in found.pairs])]:
            text = _struck(text, [NETWORKS, network, key], node)
    return text


def _struck(text: str, path: list[str], name: str) -> str:
    """A name out of a list or mapping of names; a range is cut shorter, or in two."""
    layout = Layout(text)
    found = layout.there(path)
    written = [*found.items, *[key for key, _ in found.pairs]]
    at = next(number for number, one in enumerate(written) if name in ranges.names(one.text, Lab.mistakes()))
    listed = found.kind == "seq" and found.flow
    left = [one for one in ranges.names(written[at].text, Lab.mistakes()) if one != name]
    rest = [word(one) for one in shortened(left, 3 if listed else 2)]
    if not rest:
        return layout.drop([*path, name]) if found.kind == "map" else layout.remove(path, at)
    if len(rest) > 1 and not listed:
        raise Unsaid(f"`{name}` stands within `{written[at].text}` in {'.'.join(path)}")
    return layout.swap(written[at].start, written[at].end, ", ".join(rest))
