"""How much a lab holds, in words.

Rule of the file: what is not there is not said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vethlab.present.cli.terminal import plural

if TYPE_CHECKING:
    from vethlab.model.topology import Topology

__all__ = ["described"]


def described(topology: Topology, *, checks: bool = True) -> str:
    """`2 nodes, 1 link, 1 network, 3 checks`. Links are cables between nodes; a network's own cables are part of it."""
    counts = [("link", len(topology.cables)), ("network", len(topology.networks))]
    if checks:
        counts.append(("check", len(topology.checks)))
    return ", ".join([plural(len(topology.nodes), "node"), *(plural(count, noun) for noun, count in counts if count)])
