"""The canonical full form of a lab. Enters: a Topology. Leaves: a document, and its text, that mean the same Topology.

Rule of the file: nothing is left to a default that depends on anything else in the file: names, addresses and sizes are written out.
"""

from __future__ import annotations

import json
import re
from typing import Any

from vethlab.model.address import IPInterface
from vethlab.model.names import HOST
from vethlab.model.topology import Cable, Check, Endpoint, Network, Node, Port, Topology
from vethlab.spec import amounts
from vethlab.spec.addresses import last_host, network_at
from vethlab.spec.read import scalar
from vethlab.spec.routes import route_text

_WIDTH = 100
# Text that stands without quotes in block and flow style alike; `: ` and what the core schema reads as something else is sorted out below.
_BARE = re.compile(r"[A-Za-z0-9/](?:[A-Za-z0-9 ./:_@>=-]*[A-Za-z0-9/._-])?")
# What YAML 1.1 readers, which are many, take for something else than text: booleans, octal, sexagesimal, dates.
_OLD = re.compile(r"(?i:y|yes|n|no|on|off)|[-+.]?[0-9][0-9_.:eExXoO+-]*")
_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def document(topology: Topology) -> dict[str, Any]:
    """The lab as dicts, lists, text and numbers."""
    addressing = {"addressing": {"loopbacks": _loopbacks(topology.nodes)}} if any(node.loopbacks for node in topology.nodes) else {}
    return {
        "name": topology.name,
        "ipv6": topology.ipv6,
        "routing": topology.routing,
        **({"host": topology.host} if topology.joins_machine else {}),
        **({"uplink": topology.uplink} if topology.uplink != "none" else {}),
        **addressing,
        "nodes": {node.name: _node(node) for node in topology.nodes},
        "links": [
            {"ends": f"{_end(cable.left)} -- {_end(cable.right)}", "mtu": cable.mtu, **amounts.texts(cable.shaping), **_tuned(cable)}
            for cable in topology.cables
        ],
        "networks": {network.name: _network(network) for network in topology.networks},
        "checks": [_check(check) for check in topology.checks],
    }


def _node(node: Node) -> dict[str, Any]:
    optional = {
        "run": node.run,
        "nft": node.nft,
        "sysctl": {key: int(value) if str(scalar(value)) == value and value.isdecimal() else value for key, value in node.sysctl},
        "routes": [route_text(route) for route in node.routes],
        "private": list(node.private),
        "publish": list(map(str, node.publish)),
    }
    role = {"role": node.role} if node.role != "node" else {}
    return {**role, "forward": node.forward, **{key: value for key, value in optional.items() if value}}


def _loopbacks(nodes: tuple[Node, ...]) -> list[str]:
    """Prefixes that hand out the same loopback addresses again, with room for further nodes: /24 and /64 where possible."""
    return [_holding(address, len(nodes)) for address in nodes[0].loopbacks]


def _holding(first: IPInterface, count: int) -> str:
    base, bits = int(first) - 1, first.max_prefixlen
    aligned = bits - ((base & -base).bit_length() - 1 if base else bits)  # the shortest prefix that begins at this address
    length = max(aligned, 24 if first.version == 4 else 64)
    while last_host(prefix := network_at(first.version, base, length)) < count:
        length -= 1
    return str(prefix)


def _tuned(one: Cable | Network) -> dict[str, Any]:
    return {"tuned": True} if one.tuned else {}


def _end(end: Endpoint) -> str:
    return " ".join([str(end), *map(str, end.addresses)])


def _network(network: Network) -> dict[str, Any]:
    optional: dict[str, Any] = {
        "subnet": list(map(str, network.subnets)),
        "gateway": list(map(str, network.gateway)),
        "isolated": [port.endpoint.node for port in network.ports if port.isolated],
        "nat": network.nat if network.nat != "none" else None,
        "tags": {port.endpoint.node: port.tag for port in network.ports if port.tag is not None},
        "flows": [flow.text for flow in network.flows],
        "datapath": network.datapath if network.type == "ovs" else None,
    }
    given = {key: value for key, value in optional.items() if value}
    nodes = {port.endpoint.node: _place(port) for port in network.ports}
    on = {"on": network.on} if network.on != HOST else {}
    return {"type": network.type, **on, **given, **_of_type(network), "mtu": network.mtu, **amounts.texts(network.shaping),
            **_tuned(network), "nodes": nodes}


def _of_type(network: Network) -> dict[str, Any]:
    """What only networks of this type can say."""
    if network.type == "vxlan":
        return {"vni": network.vni, "udp_port": network.udp_port, "fdb": network.fdb}
    return {"stp": network.stp} if network.type == "bridge" else {}


def _place(port: Port) -> dict[str, Any]:
    end = port.endpoint
    address = {"address": list(map(str, end.addresses))} if end.addresses else {}
    name = {"port": port.name} if port.name else {}
    return {**address, "interface": end.interface, **name, **({"mac": end.mac} if end.mac else {})}


def _check(check: Check) -> dict[str, Any]:
    optional = {"sample": check.sample, "via": check.via, "within": None if check.within is None else f"{check.within!r}s"}
    return {check.text: {"expect": check.expect, **{key: value for key, value in optional.items() if value is not None}}}


def yaml_text(value: dict[str, Any]) -> str:
    """A document as YAML: block style, with what is short in one line."""
    lines: list[str] = []
    for key, part in value.items():
        if isinstance(part, dict | list) and part:
            lines.append(f"{_word(key)}:")
            _block(part, "  ", lines)
        else:
            lines.append(f"{_word(key)}: {_flow(part)}")
    return "\n".join(lines) + "\n"


def _block(value: Any, indent: str, lines: list[str]) -> None:
    """The entries of a mapping or list, each on its line or lines."""
    entries = [(f"{_word(key)}:", part) for key, part in value.items()] if isinstance(value, dict) else [("-", part) for part in value]
    for head, part in entries:
        flow = _flow(part)
        if isinstance(part, str) and "\n" in part and _literal(part):
            chomp = "|" if part.endswith("\n") else "|-"
            lines.append(f"{indent}{head} {chomp}")
            lines.extend(f"{indent}  {line}" if line else "" for line in part.removesuffix("\n").split("\n"))
        elif isinstance(part, dict | list) and part and (len(flow) > _WIDTH or "\\n" in flow):
            lines.append(f"{indent}{head}")
            _block(part, f"{indent}  ", lines)
        else:
            lines.append(f"{indent}{head} {flow}")


def _flow(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_word(key)}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _word(value) if isinstance(value, str) else str(value)


def _word(text: str) -> str:
    """Text, quoted where it would mean something else without."""
    if _BARE.fullmatch(text) and ": " not in text and isinstance(scalar(text), str) and not _OLD.fullmatch(text):
        return text
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def _literal(text: str) -> bool:
    """True if the text can stand as a literal block: nothing invisible, nothing that indentation or chomping would change."""
    body = text.removesuffix("\n")
    return (
        not body.startswith((" ", "\n", "\t")) and not body.endswith("\n")
        and all(character.isprintable() or character in "\n\t" for character in body)
        and all(line == line.rstrip() for line in body.split("\n"))
    )
