"""Edits of the links of a lab file as wholes: what is said of one, one more, one less. Leaves: the text that says it, or Unsaid.

Rule of the file: as in segment_edits; comments and the rest of the file stay as they are, and each edit proves itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vethlab.model.topology import Topology
from vethlab.spec.layout import word
from vethlab.spec.proof import Lab, proved
from vethlab.spec.segment_edits import LINKS, NETWORKS, Spot, entry

__all__ = ["add_link", "remove_link", "set_keys"]


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


def add_link(text: str, ends: str, said: Mapping[str, str], wanted: Topology) -> str:
    """One more, after the others; nodes that are new are declared where the file declares its nodes."""
    lab = Lab(text)
    known = {node.name for node in lab.topology.nodes}
    leaf = f"{{ends: {ends}{''.join(f', {key}: {value}' for key, value in said.items())}}}" if said else ends
    for node in wanted.nodes:
        if node.name not in known and "nodes" in lab.entries:
            nodes = lab.layout.there(["nodes"])
            path = ["nodes"] if nodes.kind == "seq" else ["nodes", node.name]
            changed = lab.layout.append(path, word(node.name)) if nodes.kind == "seq" else lab.layout.put(path, "{}")
            lab = Lab(changed)
    changed = lab.layout.append([LINKS], leaf)
    # Where nodes are inferred a new one stands where its link does: their order says nothing more than their numbers, which are proved.
    order = {node.name: at for at, node in enumerate(Lab(changed).topology.nodes)}
    ordered = sorted(wanted.nodes, key=lambda node: order.get(node.name, len(order)))
    return proved(changed, replace(wanted, nodes=tuple(ordered)))


def remove_link(text: str, number: int, wanted: Topology) -> str:
    """The link of that number is taken out. One of a range stands with others in one line, which has to stay."""
    lab = Lab(text)
    changed = lab.layout.remove([LINKS], entry(lab, Spot(LINKS, number, 0)))
    return proved(changed, wanted)



