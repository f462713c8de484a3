"""What is remembered of a lab besides its namespaces: JSON in a memfd that the keeper holds.

Enters: a Record; leaves: bytes, and back. Rule of the file: tolerant towards the future. A key this version does not know is kept and
written again, a missing one has its default; a record of another `schema`, or a damaged one, is an error that says what to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vethlab.errors import LabError

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Record:
    """One lab as it was brought up.

    `file` is the lab file's absolute path ("" if there is none) and `text` what it said; `since` is Unix time; `nodes` and `links` count,
    for `ls`; `baseline` are the sysctls written in every new namespace (what it inherits from the machine put back), `recorded` the
    watched ones at creation, both by key; `rulesets` holds for each node the nft text as declared and the kernel's listing of it;
    `tables` the same of the table of ours beside it (family, name, text, listing);
    `live` is the lab as text where it was changed since and no file says so, `before` what it was before the last such change;
    `machine` is the name under which it has interfaces in the machine's own namespace, empty if it has none, `joins` what that namespace is
    in the lab (`host: machine`: its host, `uplink: machine`: its world), and `switch` the directory of the sockets of the machine's Open
    vSwitch, where it has bridges on that;
    `way` holds the addresses between the lab's host and the real world, the near and the far ones;
    `question` is the last one whose answer was no, `undo` the command lines (node, words) that take the last fix back; `unknown` what a
    later version wrote.
    """

    lab: str
    mode: str
    file: str = ""
    text: str = ""
    since: float = 0.0
    nodes: int = 0
    links: int = 0
    baseline: Mapping[str, str] = field(default_factory=dict)
    recorded: Mapping[str, str] = field(default_factory=dict)
    rulesets: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    tables: Mapping[str, tuple[str, str, str, str]] = field(default_factory=dict)
    machine: str = ""
    switch: str = ""
    joins: str = "host"
    way: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    question: Mapping[str, Any] = field(default_factory=dict)
    undo: tuple[tuple[str, tuple[str, ...]], ...] = ()
    live: str = ""
    before: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        """As the keeper holds it."""
        known = {
            "schema": SCHEMA, "lab": self.lab, "mode": self.mode, "file": self.file, "text": self.text, "since": self.since,
            "nodes": self.nodes, "links": self.links,
            "baseline": dict(self.baseline), "recorded": dict(self.recorded),
            "rulesets": {node: list(one) for node, one in self.rulesets.items()},
            "tables": {node: list(one) for node, one in self.tables.items()}, "machine": self.machine,
            "switch": self.switch, "joins": self.joins, "way": [list(side) for side in self.way],
            "question": dict(self.question), "undo": [[node, list(words)] for node, words in self.undo],
            "live": self.live, "before": self.before,
        }
        return json.dumps({**self.unknown, **known}).encode()

    @classmethod
    def decode(cls, data: bytes) -> Record:
        """From what a keeper holds. LabError (record) if it cannot be read."""
        try:
            keys = json.loads(data)
            schema = keys.pop("schema")
            if schema != SCHEMA:
                raise _unreadable(f"it has schema {schema}, this vethlab writes {SCHEMA}")
            rulesets = {str(node): (str(text), str(listing)) for node, (text, listing) in keys.pop("rulesets", {}).items()}
            tables = {str(node): (str(a), str(b), str(c), str(d)) for node, (a, b, c, d) in keys.pop("tables", {}).items()}
            return cls(
                lab=str(keys.pop("lab")), mode=str(keys.pop("mode")), file=str(keys.pop("file", "")), text=str(keys.pop("text", "")),
                since=float(keys.pop("since", 0.0)), nodes=int(keys.pop("nodes", 0)), links=int(keys.pop("links", 0)),
                baseline=_texts(keys.pop("baseline", {})), recorded=_texts(keys.pop("recorded", {})),
                rulesets=rulesets, tables=tables, machine=str(keys.pop("machine", "")), switch=str(keys.pop("switch", "")),
                joins=str(keys.pop("joins", "host")), way=_way(*keys.pop("way", ((), ()))), question=dict(keys.pop("question", {})),
                undo=tuple((str(node), tuple(map(str, words))) for node, words in keys.pop("undo", [])),
                live=str(keys.pop("live", "")), before=str(keys.pop("before", "")), unknown=keys,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unreadable(f"{type(error).__name__}: {error}") from error


def _texts(value: dict[str, Any]) -> dict[str, str]:
    return {str(key): str(text) for key, text in value.items()}


def _way(near: list[str], far: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(map(str, near)), tuple(map(str, far))


def _unreadable(why: str) -> LabError:
    return LabError("the record of this lab cannot be read", why=why, slug="record", help="bring the lab down and up again")
