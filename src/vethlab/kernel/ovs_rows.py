"""Changes of a switch <-> rows of its database. Nothing is sent from here.

Enters: changes, or what a dump of four tables gave; leaves: the operations of one transaction, or bridges. Rule of the file: every row we
make bears our mark in external_ids, so that ours are told from others in a database that is not ours alone. There each operation names the
mark beside the name, so that it can meet no row of others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from vethlab import change as ops
from vethlab.kernel.ovsdb import (
    ALL,
    DATABASE,
    Operation,
    insert,
    mapping,
    mutate,
    named,
    read_mapping,
    read_set,
    select,
    trouble_of,
    update,
)
from vethlab.model.link import Link
from vethlab.model.switch import AUTO, KERNEL, USERSPACE, SwitchBridge, SwitchPort

MARK = "vethlab"  # external_ids:vethlab=LAB
FLOWS, LISTED = "vethlab-flows", "vethlab-listed"  # the rules as declared, and the digest of how the switch listed them then
DATAPATHS = {KERNEL: "system", USERSPACE: "netdev"}
FORWARDS = {"": KERNEL, "system": KERNEL, "netdev": USERSPACE}

PORT = ("tag", "trunks", "vlan_mode", "protected", "status", "rstp_status")
WAITING = frozenset({"listening", "learning", "blocking", "discarding"})  # the states of a spanning tree in which a port forwards nothing

SETTINGS = select(DATABASE, ALL, ["other_config", "datapath_types"])
DUMP: tuple[Operation, ...] = (
    select("Bridge", ALL, ["_uuid", "name", "datapath_type", "ports", "external_ids", "fail_mode"]),
    select("Port", ALL, ["_uuid", "name", "interfaces", "external_ids", *PORT]),
    select("Interface", ALL, ["_uuid", "name", "type", "error", "ofport"]),
    SETTINGS,
)


@dataclass(frozen=True, slots=True)
class Whose:
    """Which rows are ours: `mark` is what they bear; `alone`: the database is ours alone, and a name is enough."""

    mark: str
    alone: bool = True

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is one that we may change."""
        return self.alone or read_mapping(row["external_ids"]).get(MARK) == self.mark

    def named(self, name: str) -> list[Any]:
        """The condition for our row of that name."""
        return named(name) if self.alone else [*named(name), *bearing(self.mark)]


class Offer(NamedTuple):
    """What a daemon can do: the types of its datapaths, empty while it has not said; whether in user space it fills checksums in."""

    datapaths: frozenset[str]
    fills: bool

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> Self:
        """From what SETTINGS gave."""
        (row,) = rows
        return cls(frozenset(read_set(row["datapath_types"])), read_mapping(row["other_config"]).get("userspace-tso-enable") == "true")

    def datapath(self, wanted: str, *, module: bool) -> str:
        """The datapath that a bridge gets. `module`: the kernel has one."""
        if wanted != AUTO:
            return wanted
        return KERNEL if module and (not self.datapaths or DATAPATHS[KERNEL] in self.datapaths) else USERSPACE


class Rows:
    """What DUMP gave; of the bridges those that are ours."""

    def __init__(self, results: Sequence[Any], whose: Whose) -> None:
        bridges, ports, interfaces, settings = (result["rows"] for result in results[: len(DUMP)])
        self.whose = whose
        self.ports: dict[str, dict[str, Any]] = {row["_uuid"][1]: row for row in ports}
        self.interfaces: dict[str, dict[str, Any]] = {row["_uuid"][1]: row for row in interfaces}
        self.bridges: dict[str, dict[str, Any]] = {row["name"]: row for row in bridges if whose.holds(row)}
        self.offer = Offer.of(settings)

    def members(self, bridge: str) -> dict[str, str]:
        """The ports of a bridge, its own among them: uuid by name."""
        return {self.ports[one[1]]["name"]: one[1] for one in read_set(self.bridges[bridge]["ports"])}

    def troubled(self, port: str) -> bool:
        """Whether a port's interface does not work."""
        return any(trouble_of(self.interfaces[one[1]]) for one in read_set(self.ports[port]["interfaces"]))

    def secure(self, bridge: str) -> bool:
        """Whether a bridge forwards by its rules alone."""
        return read_set(self.bridges[bridge]["fail_mode"]) == ["secure"]

    def notes(self, bridge: str) -> dict[str, str]:
        """The external_ids of a bridge."""
        return read_mapping(self.bridges[bridge]["external_ids"])


def bearing(mark: str) -> list[Any]:
    """The condition for rows with a mark."""
    return [["external_ids", "includes", mapping({MARK: mark})]]


def bridges_of(rows: Rows, links: Iterable[str], listings: Mapping[str, tuple[str, ...]]) -> dict[str, SwitchBridge]:
    """The bridges that work: with an interface among `links`, and their ports that work. `listings`: the rules by bridge, as declared."""
    there, mark = set(links), rows.whose.mark
    found = {}
    for name, row in rows.bridges.items():
        ports = {}
        for port, uuid in rows.members(name).items():
            one = rows.ports[uuid]
            if port != name and port in there and not rows.troubled(uuid):
                ports[port] = port_of(one, owned=read_mapping(one["external_ids"]).get(MARK) == mark)
        if name in there:
            owned = rows.notes(name).get(MARK) == mark
            found[name] = SwitchBridge(FORWARDS.get(row["datapath_type"], KERNEL), ports, listings.get(name, ()), owned)
    return found


def port_of(row: Mapping[str, Any], *, owned: bool = True) -> SwitchPort:
    """A port as its row says."""
    told = ("stp", read_mapping(row["status"]).get("stp_state")), ("rstp", read_mapping(row["rstp_status"]).get("rstp_port_state"))
    held = next((f"{protocol} {state.lower()}" for protocol, state in told if state is not None and state.lower() in WAITING), "")
    tag, mode = (next(iter(read_set(row[column])), None) for column in ("tag", "vlan_mode"))
    return SwitchPort(tag, row["protected"], owned, frozenset(read_set(row["trunks"])), mode or "", held)


def operations(changes: Sequence[ops.SwitchChange], rows: Rows, *, otherwise: str) -> list[Operation]:
    """The one transaction that carries changes out; `otherwise` is the datapath of a bridge that leaves it open."""
    made: list[Operation] = []
    whose = rows.whose
    ids = mapping({MARK: whose.mark})
    for number, one in enumerate(changes):
        if isinstance(one, ops.AddSwitchBridge):
            made += _add_bridge(one, f"b{number}", ids, otherwise)
        elif isinstance(one, ops.AddSwitchPort):
            made += _add_port(one, f"p{number}", ids, whose.named(one.bridge))
        elif isinstance(one, ops.SetSwitchPort | ops.RemoveSwitchPort):
            uuid = rows.members(one.bridge).get(one.name) if one.bridge in rows.bridges else None
            if uuid is not None and isinstance(one, ops.SetSwitchPort):
                made.append(update("Port", [["_uuid", "==", ["uuid", uuid]]], _port(one.after)))
            elif uuid is not None:
                made.append(mutate("Bridge", whose.named(one.bridge), [["ports", "delete", ["uuid", uuid]]]))
        elif isinstance(one, ops.RemoveSwitchBridge) and one.name in rows.bridges:
            made.append(mutate(DATABASE, ALL, [["bridges", "delete", rows.bridges[one.name]["_uuid"]]]))
    return made


def interface(link: Link, whose: Whose) -> list[Operation]:
    """The address and size of a bridge's own interface."""
    hwaddr = [["other_config", "delete", ["set", ["hwaddr"]]], ["other_config", "insert", mapping({"hwaddr": link.mac or ""})]]
    where = whose.named(link.name)
    return [mutate("Bridge", where, hwaddr), update("Interface", where, {"mtu_request": link.mtu})]


def note_flows(bridge: str, flows: Sequence[str], digest: str, whose: Whose) -> list[Operation]:
    """Remember the rules as declared, with the digest of the switch's listing of them."""
    forget = ["external_ids", "delete", ["set", [FLOWS, LISTED]]]
    notes = ["external_ids", "insert", mapping({FLOWS: json.dumps(list(flows)), LISTED: digest})]
    where = whose.named(bridge)
    return [mutate("Bridge", where, [forget]), *([mutate("Bridge", where, [notes])] if flows else [])]


def fail_mode(bridge: str, whose: Whose, *, secure: bool) -> Operation:
    """`secure` where rules are declared: else each configuration puts the rule that forwards all back (vswitchd/bridge.c)."""
    return update("Bridge", whose.named(bridge), {"fail_mode": "secure" if secure else ["set", []]})


def _add_bridge(one: ops.AddSwitchBridge, name: str, ids: list[Any], otherwise: str) -> list[Operation]:
    link = one.link
    datapath = DATAPATHS[otherwise if one.bridge.datapath == AUTO else one.bridge.datapath]
    config = mapping({"hwaddr": link.mac} if link.mac else {})
    mode = "secure" if one.bridge.flows else ["set", []]
    return [
        insert("Interface", {"name": link.name, "type": "internal", "mtu_request": link.mtu, "external_ids": ids}, f"i{name}"),
        insert("Port", {"name": link.name, "interfaces": ["named-uuid", f"i{name}"], "external_ids": ids}, f"p{name}"),
        insert("Bridge", {
            "name": link.name, "datapath_type": datapath, "ports": ["named-uuid", f"p{name}"], "other_config": config, "external_ids": ids,
            "fail_mode": mode,
        }, name),
        mutate(DATABASE, ALL, [["bridges", "insert", ["named-uuid", name]]]),
    ]


def _add_port(one: ops.AddSwitchPort, name: str, ids: list[Any], bridge: list[Any]) -> list[Operation]:
    number = {"ofport_request": one.number} if one.number else {}
    return [
        insert("Interface", {"name": one.name, "external_ids": ids, **number}, f"i{name}"),
        insert("Port", {"name": one.name, "interfaces": ["named-uuid", f"i{name}"], "external_ids": ids, **_port(one.port)}, name),
        mutate("Bridge", bridge, [["ports", "insert", ["named-uuid", name]]]),
    ]


def _port(port: SwitchPort) -> dict[str, Any]:
    return {
        "tag": ["set", []] if port.tag is None else port.tag, "protected": port.isolated, "trunks": ["set", sorted(port.trunks)],
        "vlan_mode": port.mode or ["set", []],
    }
