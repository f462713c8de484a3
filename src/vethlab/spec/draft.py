"""A lab declared from Python. Enters: the same sentences and keys as in a file. Leaves: the Topology, through the same code.

Rule of the file: a Draft only collects; it becomes a document like the one YAML gives, so Python and files cannot differ.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vethlab.errors import UsageError
from vethlab.model.topology import Topology
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.resolve import resolve
from vethlab.spec.tree import Item, wrap

PATH = "<python>"


class Draft:
    """A lab under construction. `keys` are further keys of the lab: addressing, routing, ipv6...

    Nodes may be declared and inferred side by side: unlike in a file, a declared node does not make the names of links mistakes.
    """

    def __init__(self, name: str, **keys: Any) -> None:
        self.lab: dict[str, Any] = {"name": name, **keys}
        self.nodes: dict[str, dict[str, Any]] = {}
        self.links: list[dict[str, Any]] = []
        self.networks: dict[str, dict[str, Any]] = {}
        self.checks: list[Any] = []

    @classmethod
    def of(cls, topology: Topology) -> Draft:
        """A Draft that begins as an existing lab."""
        from vethlab.spec.canonical import document  # noqa: PLC0415 - only a lab that grows needs it

        whole = document(topology)
        draft = cls(**{key: value for key, value in whole.items() if key not in {"nodes", "links", "networks", "checks"}})
        draft.nodes, draft.links, draft.networks, draft.checks = (whole["nodes"], whole["links"], whole["networks"], whole["checks"])
        return draft

    def node(self, name: str, **keys: Any) -> Draft:
        """Declares a node, or adds to what was said of it: forward, run, sysctl, nft, routes, private."""
        self.nodes.setdefault(name, {}).update(keys)
        return self

    def link(self, left: str, right: str, *, form: str = "ends", **keys: Any) -> Draft:
        """Adds a cable, or several with `form` mesh, zip or spread. `left` and `right` are ENDs, e.g. "b:eth1 10.0.0.2/24"."""
        self.links.append({form: f"{left} -- {right}", **keys})
        return self

    def network(self, name: str, **keys: Any) -> Draft:
        """Adds a shared segment, or adds to what was said of it, e.g. subnet="10.1.0.0/24", nodes={"a": 11, "b": 12}."""
        self.networks.setdefault(name, {}).update(keys)
        return self

    def check(self, text: str, **keys: Any) -> Draft:
        """Adds something to prove, e.g. "ping a -> b" with within="5ms"."""
        self.checks.append({text: keys} if keys else text)
        return self

    def document(self) -> dict[str, Any]:
        """The document a file would hold."""
        parts = {"nodes": self.nodes, "links": self.links, "networks": self.networks, "checks": self.checks}
        return {**self.lab, **{key: value for key, value in parts.items() if value}}

    def topology(self) -> Topology:
        """The lab in full. SpecErrors names every mistake, UsageError a value that no lab can hold."""
        try:
            root: Item = wrap(self.document())
        except ValueError as error:
            raise UsageError(str(error), slug="wrong-type") from None
        return replace(resolve(root, Mistakes(PATH, ""), infer=True), source="")
