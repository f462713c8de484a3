"""The database of Open vSwitch (ovsdb-server(1), ovs-vswitchd.conf.db(5)) over its unix socket, as RFC 7047 has it.

Enters: operations; leaves: their results. Rule of the file: a set of changes is one transaction, and it counts only when ovs-vswitchd has
said, by cur_cfg, that it has carried it out; what it could not do it writes into Interface.error, and that is read then.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Any

from vethlab.errors import KernelError
from vethlab.kernel.jsonrpc import Peer

DATABASE = "Open_vSwitch"
CONFIGURED_MS = 10_000
Operation = dict[str, Any]
ALL: list[Any] = []


class Database:
    """A connection to one ovsdb-server."""

    def __init__(self, path: str) -> None:
        self._peer = Peer(path, "ovsdb-server")

    @property
    def pid(self) -> int:
        """Its server, 0 if that is not seen from here."""
        return self._peer.pid

    def close(self) -> None:
        """End the connection."""
        self._peer.close()

    def transact(self, operations: Sequence[Operation]) -> list[Any]:
        """All operations or none; the result of each. KernelError with the server's words, which name the operation that failed."""
        results: list[Any] = self._peer.call("transact", [DATABASE, *operations])
        for at, result in enumerate(results):
            if result is not None and "error" in result:
                what = operations[at]["op"] if at < len(operations) else "commit"
                says = ": ".join(str(result[key]) for key in ("error", "details") if result.get(key))
                raise KernelError(what, "the Open vSwitch database", errno.EINVAL, says)
        return results

    def change(self, operations: Sequence[Operation]) -> int:
        """A transaction that ovs-vswitchd is to carry out; the number to give to `carried_out`."""
        counted = [mutate(DATABASE, ALL, [["next_cfg", "+=", 1]]), select(DATABASE, ALL, ["next_cfg"])]
        return int(self.transact([*operations, *counted])[-1]["rows"][0]["next_cfg"])

    def carried_out(self, number: int) -> dict[str, str]:
        """Wait until ovs-vswitchd has reached that configuration; what it could not do, by interface."""
        waiting = {
            "op": "wait", "timeout": CONFIGURED_MS, "table": DATABASE, "where": [["cur_cfg", "<", number]], "columns": ["cur_cfg"],
            "until": "==", "rows": [],
        }
        rows = self.transact([waiting, select("Interface", ALL, ["name", "error", "ofport"])])[1]["rows"]
        return {row["name"]: trouble for row in rows if (trouble := trouble_of(row))}


def select(table: str, where: list[Any], columns: list[str]) -> Operation:
    """An operation that reads rows."""
    return {"op": "select", "table": table, "where": where, "columns": columns}


def insert(table: str, row: Mapping[str, Any], name: str) -> Operation:
    """An operation that makes a row, called `name` within its transaction."""
    return {"op": "insert", "table": table, "row": dict(row), "uuid-name": name}


def update(table: str, where: list[Any], row: Mapping[str, Any]) -> Operation:
    """An operation that writes columns."""
    return {"op": "update", "table": table, "where": where, "row": dict(row)}


def mutate(table: str, where: list[Any], mutations: list[Any]) -> Operation:
    """An operation that adds to and takes from columns."""
    return {"op": "mutate", "table": table, "where": where, "mutations": mutations}


def named(name: str) -> list[Any]:
    """The condition for the row of that name."""
    return [["name", "==", name]]


def mapping(values: Mapping[str, str]) -> list[Any]:
    """A map column's value on the wire."""
    return ["map", [[key, value] for key, value in values.items()]]


def read_mapping(value: Any) -> dict[str, str]:
    """A map column's value as a mapping."""
    return {str(key): str(one) for key, one in value[1]}


def read_set(value: Any) -> list[Any]:
    """A set column's value as a list: a set of one comes as that one."""
    return list(value[1]) if isinstance(value, list) and value and value[0] == "set" else [value]


def trouble_of(row: Mapping[str, Any]) -> str:
    """Why an interface is no working port: the switch's own words, empty if it is one. -1 says that it could not be added."""
    words = read_set(row["error"])
    if words:
        return str(words[0])
    return "ovs-vswitchd could not add it" if -1 in read_set(row["ofport"]) else ""
