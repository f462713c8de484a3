"""Changes of a switch <-> rows of its database. Nothing is sent from here.

Enters: changes, or what a dump of four tables gave; leaves: the operations of one transaction, or bridges. Rule of the file: every row we
make bears our mark in external_ids, so that ours are told from others in a database that is not ours alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
_DATAPATHS = {KERNEL: "system", USERSPACE: "netdev"}
_FORWARDS = {"": KERNEL, "system": KERNEL, "netdev": USERSPACE}

DUMP: tuple[Operation, ...] = (
    select("Bridge", ALL, ["_uuid", "name", "datapath_type", "ports", "external_ids", "fail_mode"]),
    select("Port", ALL, ["_uuid", "name", "tag", "trunks", "protected", "interfaces", "external_ids"]),
    select("Interface", ALL, ["_uuid", "name", "type", "error", "ofport"]),
)


class Rows:
    """What DUMP gave."""

    def __init__(self, results: Sequence[Any]) -> None:
        bridges, ports, interfaces = (result["rows"] for result in results[: len(DUMP)])
        self.ports: dict[str, dict[str, Any]] = {row["_uuid"][1]: row for row in ports}
        self.interfaces: dict[str, dict[str, Any]] = {row["_uuid"][1]: row for row in interfaces}
        self.bridges: dict[str, dict[str, Any]] = {row["name"]: row for row in bridges}

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


def bridges_of(rows: Rows, links: Iterable[str], listings: Mapping[str, tuple[str, ...]], mark: str) -> dict[str, SwitchBridge]:
    """The bridges that work: with an interface among `links`, and their ports that work. `listings`: the rules by bridge, as declared."""
    there = set(links)
    found = {}
    for name, row in rows.bridges.items():
        ports = {}
        for port, uuid in rows.members(name).items():
            one = rows.ports[uuid]
            if port != name and port in there and not rows.troubled(uuid):
                tag = next(iter(read_set(one["tag"])), None)
                ports[port] = SwitchPort(tag, one["protected"], read_mapping(one["external_ids"]).get(MARK) == mark)
        if name in there:
            owned = rows.notes(name).get(MARK) == mark
            found[name] = SwitchBridge(_FORWARDS.get(row["datapath_type"], KERNEL), ports, listings.get(name, ()), owned)
    return found


def operations(changes: Sequence[ops.SwitchChange], rows: Rows, mark: str, *, otherwise: str) -> list[Operation]:
    """The one transaction that carries changes out; `otherwise` is the datapath of a bridge that leaves it open."""
    made: list[Operation] = []
    ids = mapping({MARK: mark})
    for number, one in enumerate(changes):
        if isinstance(one, ops.AddSwitchBridge):
            made += _add_bridge(one, f"b{number}", ids, otherwise)
        elif isinstance(one, ops.AddSwitchPort):
            made += _add_port(one, f"p{number}", ids)
        elif isinstance(one, ops.SetSwitchPort):
            made.append(update("Port", named(one.name), _port(one.after)))
        elif isinstance(one, ops.RemoveSwitchPort):
            uuid = rows.members(one.bridge).get(one.name) if one.bridge in rows.bridges else None
            if uuid is not None:
                made.append(mutate("Bridge", named(one.bridge), [["ports", "delete", ["uuid", uuid]]]))
        elif isinstance(one, ops.RemoveSwitchBridge) and one.name in rows.bridges:
            made.append(mutate(DATABASE, ALL, [["bridges", "delete", rows.bridges[one.name]["_uuid"]]]))
    return made


def interface(link: Link) -> list[Operation]:
    """The address and size of a bridge's own interface."""
    hwaddr = [["other_config", "delete", ["set", ["hwaddr"]]], ["other_config", "insert", mapping({"hwaddr": link.mac or ""})]]
    return [mutate("Bridge", named(link.name), hwaddr), update("Interface", named(link.name), {"mtu_request": link.mtu})]


def note_flows(bridge: str, flows: Sequence[str], digest: str) -> list[Operation]:
    """Remember the rules as declared, with the digest of the switch's listing of them."""
    forget = ["external_ids", "delete", ["set", [FLOWS, LISTED]]]
    notes = ["external_ids", "insert", mapping({FLOWS: json.dumps(list(flows)), LISTED: digest})]
    return [mutate("Bridge", named(bridge), [forget]), *([mutate("Bridge", named(bridge), [notes])] if flows else [])]


def fail_mode(bridge: str, *, secure: bool) -> Operation:
    """`secure` where rules are declared: else each configuration puts the rule that forwards all back (vswitchd/bridge.c)."""
    return update("Bridge", named(bridge), {"fail_mode": "secure" if secure else ["set", []]})


def _add_bridge(one: ops.AddSwitchBridge, name: str, ids: list[Any], otherwise: str) -> list[Operation]:
    link = one.link
    datapath = _DATAPATHS[otherwise if one.bridge.datapath == AUTO else one.bridge.datapath]
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


def _add_port(one: ops.AddSwitchPort, name: str, ids: list[Any]) -> list[Operation]:
    number = {"ofport_request": one.number} if one.number else {}
    return [
        insert("Interface", {"name": one.name, "external_ids": ids, **number}, f"i{name}"),
        insert("Port", {"name": one.name, "interfaces": ["named-uuid", f"i{name}"], "external_ids": ids, **_port(one.port)}, name),
        mutate("Bridge", named(one.bridge), [["ports", "insert", ["named-uuid", name]]]),
    ]


def _port(port: SwitchPort) -> dict[str, Any]:
    return {"tag": ["set", []] if port.tag is None else port.tag, "protected": port.isolated}
