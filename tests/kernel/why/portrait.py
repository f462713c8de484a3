"""What a lab is, as the system's own tools tell it: for tests that look before and after.

Enters: a way of running a shell script in a node; leaves: dictionaries that can be compared. Rule of the file: nothing is asked of vethlab;
left out is only what runs on by itself (timers, counters) and what real packets teach a kernel (learned forwarding entries, resolved
neighbours).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.kernel.survival.machine import until

__all__ = ["Run", "at_rest", "portrait", "taught", "unanswered"]

Run = Callable[[str, str], str]  # (node, shell script) -> what it wrote

LISTS = {
    "addresses": "ip -j -d addr", "links": "ip -j -d link", "routes": "ip -j -4 -d route show table all",
    "routes of IPv6": "ip -j -6 -d route show table all", "rules": "ip -j -4 rule", "rules of IPv6": "ip -j -6 rule",
    "neighbours": "ip -j neigh show nud all", "proxies": "ip -j neigh show proxy", "forwarding": "bridge -j fdb",
    "ports": "bridge -j -d link", "queues": "tc -j qdisc", "multicast": "ip -j maddr",
}
TEXTS = {
    "rulesets": "nft list ruleset", "filters": "tc filter show", "sysctls": "sysctl -a --pattern '^net'", "sockets": "ss -Hln -t -u -w -0",
}
PASSING = {  # timers, and times to live
    "hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "forward_delay_timer", "hold_timer", "message_age_timer",
    "valid_life_time", "preferred_life_time", "expires",
}
COUNTED = re.compile(r"packets \d+ bytes \d+|expires \S+")
RUNNING = re.compile(r"net\.netfilter\.nf_conntrack_count|net\.ipv[46]\.neigh\.default\.gc_thresh")  # the latter are the machine's
MARK = "=-=-= "
UNRESOLVED = {"INCOMPLETE", "FAILED"}
LEARNED = {"REACHABLE", "STALE", "DELAY", "PROBE"}


def portrait(run: Run, nodes: list[str]) -> dict[str, Any]:
    """Every node."""
    return {node: _one(run, node) for node in nodes}


def unanswered(run: Run, nodes: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Of each node the neighbours that were asked for in vain: (interface, address)."""
    return {node: found for node in nodes if (found := _neighbours(json.loads(run(node, LISTS["neighbours"]) or "[]"), UNRESOLVED))}


def at_rest(run: Run, nodes: list[str], *, port: str = "d:80") -> None:
    """Wait: addresses have been looked up for duplicates, linkwatch has told all, and the server listens."""
    server, _, number = port.partition(":")

    def moves() -> bool:
        links = [one for node in nodes for one in json.loads(run(node, "ip -j address"))]
        unsure = any(one["operstate"] == "UNKNOWN" and one["ifname"] != "lo" and "UP" in one["flags"] for one in links)
        late = any("LOWER_UP" in one["flags"] and one["operstate"] == "DOWN" for one in links)
        tentative = any(held.get("tentative") and not held.get("dadfailed") for one in links for held in one["addr_info"])
        return unsure or late or tentative or not run(server, f"ss -Hltn sport = :{number}")

    until(lambda: not moves(), "the lab does not come to rest", step=0.05)


def taught(run: Run, nodes: list[str]) -> int:
    """How many neighbours real packets have made known."""
    return sum(len(_neighbours(json.loads(run(node, LISTS["neighbours"]) or "[]"), LEARNED)) for node in nodes)


def _one(run: Run, node: str) -> dict[str, Any]:
    script = "; ".join(f"echo '{MARK}{name}'; {command} 2>/dev/null" for name, command in (LISTS | TEXTS).items())
    views: dict[str, Any] = {}
    for part in run(node, script).split(MARK)[1:]:
        name, _, text = part.partition("\n")
        views[name] = _lasting(json.loads(text or "[]")) if name in LISTS else COUNTED.sub("", text).splitlines()
    views["unanswered"] = _neighbours(views["neighbours"], UNRESOLVED)
    views["neighbours"] = [one for one in views["neighbours"] if not _passes(one)]
    views["forwarding"] = [one for one in views["forwarding"] if one.get("state") in {"permanent", "static"} or "master" not in one]
    views["sysctls"] = [line for line in views["sysctls"] if not RUNNING.match(line)]
    return views


def _passes(neighbour: dict[str, Any]) -> bool:
    """Asked for or learned; or in no need of it, groups and what goes to lo: the kernel notes them as packets come (arp_constructor)."""
    plain = ("33:33:", "01:00:5e:", "00:00:00:00:00:00")
    return bool({*UNRESOLVED, *LEARNED} & set(neighbour.get("state", []))) or neighbour.get("lladdr", "").startswith(plain)


def _neighbours(entries: list[dict[str, Any]], states: set[str]) -> list[tuple[str, str]]:
    return sorted((one["dev"], one["dst"]) for one in entries if states & set(one.get("state", [])))


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(one) for key, one in value.items() if key not in PASSING}
    return [_lasting(one) for one in value] if isinstance(value, list) else value
