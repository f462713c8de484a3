"""What iproute2, bridge, tc, ss and sysctl say of a namespace, put as the values that a snapshot holds."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from vethlab import Lab
from vethlab.model.address import IP, IPNetwork
from vethlab.model.snapshot import FdbEntry, FibRoute, FibRule, HeldAddress, Hop, Listener, NeighbourEntry, PortFlags, Queue

TABLES = {"main": 254, "local": 255, "default": 253}
STATES = ("disabled", "listening", "learning", "forwarding", "blocking")
FLAGS = ("secondary", "temporary", "dadfailed", "deprecated", "tentative", "noprefixroute")
HOP_FLAGS = {"dead", "linkdown", "onlink"}


def tell(lab: Lab, node: str, command: str) -> Any:
    """The JSON a tool prints in a node; nothing printed is an empty list."""
    done = lab[node].exec(command)
    assert done, f"{node}: {command}: {done.stderr}"
    return json.loads(done.stdout or "[]")


def do(lab: Lab, node: str, *commands: str) -> None:
    """Run commands in a node, each of which has to go well."""
    for command in commands:
        done = lab[node].exec(command)
        assert done, f"{node}: {command}: {done.stderr}"


def links(lab: Lab, node: str) -> dict[str, tuple[object, ...]]:
    """Name -> number, kind, up, noarp, MTU, MAC, master, port flags, STP."""
    found: dict[str, tuple[object, ...]] = {}
    for one in tell(lab, node, "ip -j -d link"):
        info = one.get("linkinfo", {})
        kind = "loopback" if one["link_type"] == "loopback" else info["info_kind"]
        found[one["ifname"]] = (
            one["ifindex"], kind, "UP" in one["flags"], "NOARP" not in one["flags"], one["mtu"],
            "" if kind == "loopback" else one["address"], one.get("master"),
            _port(info["info_slave_data"]) if info.get("info_slave_kind") == "bridge" else None,
            bool(info.get("info_data", {}).get("stp_state", 0)) if kind == "bridge" else False,
        )
    return found


def _port(told: dict[str, Any]) -> PortFlags:
    return PortFlags(
        state=STATES.index(told["state"]), isolated=told["isolated"], learning=told["learning"], flood=told["flood"],
        multicast_flood=told["mcast_flood"], broadcast_flood=told["bcast_flood"], suppresses_neighbours=told["neigh_suppress"],
        hairpin=told["hairpin"],
    )


def addresses(lab: Lab, node: str) -> set[HeldAddress]:
    """Every address with its flags."""
    return {
        HeldAddress(one["ifname"], ip_interface(f"{told['local']}/{told['prefixlen']}"), tuple(word for word in FLAGS if told.get(word)))
        for one in tell(lab, node, "ip -j address") for told in one["addr_info"] if told
    }


def routes(lab: Lab, node: str) -> set[FibRoute]:
    """Every route of every table."""
    told = [(one, 4) for one in tell(lab, node, "ip -j -d -4 route show table all")]
    told += [(one, 6) for one in tell(lab, node, "ip -j -d -6 route show table all")]
    return {_route(one, version) for one, version in told}


def _route(one: dict[str, Any], version: int) -> FibRoute:
    table = one.get("table", "main")
    ends = one["type"] in {"blackhole", "unreachable", "prohibit", "throw"}
    return FibRoute(
        network(one["dst"], version), one["type"], TABLES[table] if table in TABLES else int(table),
        () if ends else tuple(_hop(hop) for hop in one.get("nexthops", [one])), one.get("metric", 0), one["protocol"],
        address(one.get("prefsrc")),
    )


def _hop(one: dict[str, Any]) -> Hop:
    gateway = one.get("gateway") or one.get("via", {}).get("host")
    return Hop(one["dev"], address(gateway), tuple(word for word in ("dead", "onlink", "linkdown") if word in one["flags"]))


def address(text: str | None) -> IP | None:
    """An address, or none."""
    return None if text is None else ip_address(text)


def network(text: str, version: int) -> IPNetwork:
    """A destination as ip-route(8) writes it."""
    return ip_network({4: "0.0.0.0/0", 6: "::/0"}[version] if text in {"default", "all"} else text)


def rules(lab: Lab, node: str) -> list[FibRule]:
    """Every rule, by version and priority, without the word on what is not read."""
    told = [(version, one) for version in (4, 6) for one in tell(lab, node, f"ip -j -{version} rule")]
    return [_rule(one, version) for version, one in sorted(told, key=lambda pair: (pair[0], pair[1]["priority"]))]


def _rule(one: dict[str, Any], version: int) -> FibRule:
    action = next((word for word in ("blackhole", "unreachable", "prohibit", "nop") if one.get("action") == word), "lookup")
    action = "goto" if "goto" in one else action
    table = one.get("table", 0)
    source, destination = _selector(one, "src"), _selector(one, "dst")
    return FibRule(
        one["priority"], version, action, TABLES.get(table, 0) or int(table),
        ip_network(source) if source else None, ip_network(destination) if destination else None,
        one.get("iif"), one.get("oif"), int(one.get("fwmark", "0"), 16),
    )


def _selector(one: dict[str, Any], word: str) -> str:
    if one.get(word, "all") == "all":
        return ""
    return f"{one[word]}/{one[word + 'len']}" if word + "len" in one else str(one[word])


def neighbours(lab: Lab, node: str) -> set[NeighbourEntry]:
    """Every entry in every state."""
    return {
        NeighbourEntry(one["dev"], ip_address(one["dst"]), one.get("lladdr"), one["state"][0].lower())
        for one in tell(lab, node, "ip -j neigh show nud all")
    }


def forwarding_entries(lab: Lab, node: str) -> set[FdbEntry]:
    """The entries of bridges; bridge(8) lists those of cards as well."""
    return {
        FdbEntry(
            one["master"], one["ifname"], one["mac"], static=one["state"] == "static", local=one["state"] == "permanent",
            sticky="sticky" in one["flags"],
        )
        for one in tell(lab, node, "bridge -j fdb show") if "master" in one
    }


def queues(lab: Lab, node: str) -> dict[str, set[Queue]]:
    """Every queue by interface, without its words."""
    found: dict[str, set[Queue]] = {}
    for one in tell(lab, node, "tc -j -s qdisc"):
        above = "root" if one.get("root") else one["parent"]
        queue = Queue(one["kind"], one["handle"], "ingress" if above == "ffff:fff1" else above, one["drops"])
        found.setdefault(one["dev"], set()).add(queue)
    return found


def listeners(lab: Lab, node: str) -> set[Listener]:
    """Every listening or unconnected socket; ss(8) writes `*` for an IPv6 socket that serves IPv4 too."""
    done = lab[node].exec("ss --no-header --listening --tcp --udp --numeric")
    assert done, done.stderr
    found = set()
    for line in done.stdout.splitlines():
        protocol, _state, _receive, _send, local, *_ = line.split()
        host, _, port = local.rpartition(":")
        for one in ("::", "0.0.0.0") if host == "*" else (host.strip("[]"),):  # noqa: S104 - nothing is bound here
            found.add(Listener(protocol, int(port), ip_address(one)))
    return found
