"""How the tests of a rehearsal look at a lab and its copy: as other tools see them, and as State."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

from vethlab import Lab
from vethlab.kernel.linux import Linux
from vethlab.kernel.port import Namespaces
from vethlab.lab.mode import choose_mode
from vethlab.model.state import State
from vethlab.plan.watch import watched
from vethlab.rehearse import Rehearsal

NODES = ("a", "b", "c", "d", "host", "r")
VIEWS = {
    "links": "ip -j -d link", "addresses": "ip -j address", "routes": "ip -j -4 -d route show table all",
    "routes of IPv6": "ip -j -6 -d route show table all", "rules": "ip -j -4 rule", "rules of IPv6": "ip -j -6 rule",
    "neighbours": "ip -j neigh show nud permanent", "proxies": "ip -j neigh show proxy", "forwarding": "bridge -j fdb",
    "ports": "bridge -j -d link", "queues": "tc -j qdisc", "rulesets": "nft -j -a list ruleset",
}
SYSCTLS = [f"/proc/sys/net/{path}" for path in (
    "ipv4/conf", "ipv6/conf", "ipv6/icmp", "bridge", "ipv4/ip_forward", "ipv4/ip_default_ttl", "ipv4/icmp_echo_ignore_all",
)]
# What runs on by itself: timers, times, numbers of namespaces, what linkwatch has not told yet, and a queue that was on a link once.
PASSING = {
    "operstate", "link_netnsid", "hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "forward_delay_timer", "hold_timer",
    "message_age_timer", "valid_life_time", "preferred_life_time", "nodad", "tentative", "id", "no", "designated_port", "protocol",
    "num_tx_queues", "num_rx_queues", "packets", "bytes", "qdisc", "expires", "NO-CARRIER", "direct_packets_stat", "fdb_n_learned",
}


def namespaces(lab: Lab) -> Namespaces:
    """Those of a running lab."""
    assert lab._held is not None
    return lab._held.namespaces


def rehearsal(lab: Lab, nodes: tuple[str, ...] = NODES, **how: Any) -> Rehearsal:
    """Of the whole lab, if nothing else is said."""
    return Rehearsal(namespaces(lab), nodes, choose_mode("auto"), **how)


def lasting(value: Any) -> Any:
    """Without what runs on by itself."""
    if isinstance(value, dict):
        return {key: lasting(one) for key, one in value.items() if key not in PASSING}
    if isinstance(value, list):
        return [lasting(one) for one in value if one not in ("NO-CARRIER", "self")]
    return value


def seen(spaces: Namespaces, node: str) -> dict[str, list[Any]]:
    """A node as other tools see it."""
    views: dict[str, list[Any]] = {}
    for name, command in VIEWS.items():
        done = spaces.run(node, command.split())
        found = json.loads(done.stdout or "[]")
        views[name] = lasting(found if isinstance(found, list) else found["nftables"])
    views["sysctls"] = sorted(spaces.run(node, ["grep", "-rs", ".", *SYSCTLS]).stdout.splitlines())
    # What a bridge has learned is not copied, and what an interface listens to is its own affair.
    views["forwarding"] = [one for one in views["forwarding"] if one.get("state") in {"permanent", "static"} and "master" in one]
    views["queues"] = [one for one in views["queues"] if one.get("handle") != "0:"]
    for name in ("links", "addresses", "routes of IPv6", "forwarding"):
        views[name].sort(key=json.dumps)
    return views


def state(lab: Lab, spaces: Namespaces) -> State:
    """Of the nodes, with the sysctls that are watched; without processes, which no copy has."""
    assert lab._held is not None
    assert lab._session is not None
    keys = watched(lab._session.desired(lab.topology), lab._held.record.recorded)
    read = Linux(spaces).read(NODES, [(node, key) for node, found in keys.items() for key in found])
    return State({node: replace(one, processes=()) for node, one in read.netns.items()})


def settle(lab: Lab) -> None:
    """Wait until linkwatch has told what it knows, so that the lab holds still while it is compared."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        links = [one for node in NODES for one in json.loads(namespaces(lab).run(node, ["ip", "-j", "address"]).stdout)]
        unsure = [one for one in links if one["operstate"] == "UNKNOWN" and one["ifname"] != "lo" and "UP" in one["flags"]]
        tentative = [held for one in links for held in one["addr_info"] if held.get("tentative") and not held.get("dadfailed")]
        late = [one for one in links if "LOWER_UP" in one["flags"] and one["operstate"] == "DOWN"]
        if not (unsure or tentative or late):
            return
        time.sleep(0.05)


def spoil(lab: Lab, node: str, command: str) -> None:
    """Break something by hand."""
    done = namespaces(lab).run(node, ["sh", "-ec", command])
    assert (0, "") == (done.status, done.stderr)


def ping(spaces: Namespaces, node: str, address: str) -> int:
    """The exit status of a ping: 0 if the answer came."""
    return spaces.run(node, ["ping", "-c", "1", "-W", "1", address]).status


def carrying(spaces: Namespaces, node: str) -> dict[str, bool]:
    """Whether each interface has a carrier."""
    return {one["ifname"]: "LOWER_UP" in one["flags"] for one in json.loads(spaces.run(node, ["ip", "-j", "link"]).stdout)}
