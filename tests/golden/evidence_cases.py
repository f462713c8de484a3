"""Which labs evidence is recorded from: what the findings declare, cases of the fault corpora, and a few that no fault is in.

Rule of the file: a table. A new recording is a line here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vethlab.explain.findings import declarations

FAULTS = Path(__file__).parents[1] / "faults"

# Of the declared findings: these need a program of its own, fill the machine's table, or cannot be shown.
NOT_SHOWN = frozenset({"xdp-drop", "neighbour-table-full", "unknown"})

# Folder: file of tests/faults, and how the name of a case begins.
CORPUS = {
    "arp-family-drops-the-question": ("firewall", "the arp family drops what the sender asks"),
    "arp-filter": ("neighbour", "arp_filter: the way back to who asks leads through another interface"),
    "arp-ignore-another-subnet": ("neighbour", "arp_ignore=2 refuses a question from another subnet"),
    "arp-of-the-gateway": ("neighbour", "the gateway answers no ARP on the side of the sender"),
    "bridge-family-drops-arp": ("firewall", "the bridge family drops ARP and nothing else"),
    "br-netfilter-reply": ("reply", "br_netfilter stops the answer between neighbours"),
    "dad-failed-sender": ("address", "the sender's only useful address failed duplicate detection"),
    "fdb-takes-it-for-its-own": ("bridge", "a local entry makes the bridge take a host's frames for itself"),
    "forwarding-of-one-interface": ("input", "one interface of the router does not forward what it receives"),
    "forwarding-off-reply": ("input", "the router forwards requests, but not what comes from the server's side"),
    "forwarding-off-six-tcp": ("input", "the router forwards no IPv6, asked by TCP"),
    "gateway-sends-back": ("route", "the first router sends back to where the packet came from"),
    "gateway-wrong-six-reply": ("route", "the server's gateway is one digit off, IPv6"),
    "hop-limit-six-reply": ("route", "the server answers IPv6 with a hop limit of one"),
    "ipv6-below-its-mtu": ("ipv6", "an MTU below 1280 took IPv6 away"),
    "link-down-arp": ("link", "a neighbour on the segment is down, asked by ARP"),
    "lo-down-reply": ("link", "both ends in one node: the reply goes over a loopback that is down"),
    "loop-reply": ("route", "the reply goes round between the second and the third router"),
    "mac-of-the-bridge": ("address", "the bridge itself has a host's hardware address and takes its frames"),
    "met-the-wrong-owner": ("address", "two hosts own the server's address, and the client has met the wrong one"),
    "mtu-nobody-hears": ("link", "nobody hears that the packet is too big: the word is filtered"),
    "mtu-of-a-trunk": ("link", "a narrow trunk between two switches"),
    "mtu-of-the-route": ("link", "a route with a locked MTU, on interfaces that are wide enough"),
    "mtu-twice": ("several", "a narrow cable twice: the second is narrower"),
    "neighbour-own-mac": ("input", "a static entry gives the sender's own hardware address to the far end"),
    "nft-end-of-chain": ("firewall", "a verdict map sends one port to its death"),
    "nft-output-udp": ("firewall", "the sender's own output rejects UDP"),
    "nft-reject-reset": ("firewall", "the file's own rule: port 22 is reset at the firewall"),
    "nft-solicitation": ("firewall", "neighbour solicitations are dropped by a well-meant ICMPv6 rule"),
    "nft-twice": ("several", "two filters one behind the other"),
    "nft-udp-reply-rejected": ("reply", "answers to UDP are rejected by the client itself"),
    "no-carrier-six": ("ipv6", "the far router's IPv6 route to the server leads into an empty pair"),
    "no-route-and-no-forwarding": ("several", "no route in the sender, IPv6, and the core router does not forward"),
    "noarp-six": ("neighbour", "the sender's own interface has ARP off, and with it IPv6 finds nobody"),
    "only-link-local": ("address", "the sender is left with its link-local address, and asks beyond the router"),
    "port-closed-udp": ("input", "nobody listens on the UDP port next to the server's"),
    "port-detached-and-link-down": ("several", "the destination's port is detached, and the destination is down"),
    "queue-reply": ("reply", "the server's answer is swallowed by its own queue, ARP was known beforehand"),
    "rp-filter-asymmetric": ("input", "the server looks strictly at packets that it would answer another way"),
    "rule-main-table-gone-six": ("route", "the rule that leads to the main table is gone, IPv6"),
    "rule-unreachable-six": ("route", "a policy rule makes the server unreachable, IPv6"),
    "stp-waits": ("bridge", "the spanning tree was switched on, and a port that came up waits for it"),
    "tc-on-a-port": ("link", "a classifier on the bridge's port drops what a host says, ARP answers too"),
    "ttl-set-by-a-rule": ("route", "the router's ruleset sets the TTL to one before it forwards"),
    "tutorial-both": ("several", "the tutorial's two: no local source accepted, and strict on top"),
    "udp-no-return": ("route", "the server knows no way back, asked by UDP"),
    "wrong-prefix-six": ("address", "the same in IPv6: a /16 where a /64 was meant"),
    "wrong-prefix-reply": ("address", "a /32 on a cable"),
    "vxlan-entry-elsewhere": ("overlay", "the entry of a pod leads to a host"),
    "vxlan-left-out": ("overlay", "among three hosts one is left out"),
    "vxlan-port-six": ("overlay", "the sender of IPv6 hosts uses another port"),
    "vxlan-vni-of-an-entry": ("overlay", "one entry sends with a vni of its own"),
    "underlay-firewall": ("overlay", "the underlay's firewall drops VXLAN"),
    "underlay-narrow": ("overlay", "the receiving end of the underlay is narrow"),
    "underlay-narrow-told": ("overlay", "the sending end of the underlay is narrow"),
    "underlay-reply": ("overlay", "the far host cannot send back"),
    "underlay-multicast": ("overlay", "sixpods: by multicast"),
}

# Folder: lab of the corpus, commands, question, what has to be warned of.
HEALTHY: dict[str, tuple[str, list[str], list[str], set[str]]] = {
    "healthy-chain": ("chain", [], ["west", "east"], set()),
    "healthy-arp": ("wire", [], ["tx", "rx", "--arp"], set()),
    "healthy-tcp-six": ("wire", [], ["tx", "fd77::2", "--tcp", "7000"], set()),
    "healthy-udp": ("hub", [], ["oslo", "cairo", "--udp", "514"], set()),
    "healthy-size": ("gateway", [], ["rob", "rita", "--size", "900"], set()),
    "healthy-over-lo": ("mirror", [], ["solo:left", "solo:right"], set()),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A lab file's text, what breaks it, the question, and what may be said. `setup`: commands that belong to the healthy lab."""

    folder: str
    lab: str
    breaks: list[str]
    asks: list[str]
    findings: set[str]
    nodes: set[str] = field(default_factory=set)
    warnings: set[str] = field(default_factory=set)
    setup: int = 0
    works_before: bool = False
    truth: bool = False


def cases() -> Iterator[Case]:
    """All of them."""
    for slug, one in declarations().items():
        if slug not in NOT_SHOWN:
            findings, warnings = ({"healthy"}, {slug}) if one.passes else ({slug}, set())
            nodes = set() if one.passes else {one.where.split(":")[0]}
            yield Case(slug, one.lab, list(one.breaks), list(one.asks), findings, nodes, warnings)
    corpus = {name: tomllib.loads((FAULTS / f"{name}.toml").read_text(encoding="utf-8"))["case"] for name, _ in CORPUS.values()}
    for folder, (file, name) in CORPUS.items():
        yield _case(folder, next(one for one in corpus[file] if one["name"].startswith(name)))
    for folder, (lab, breaks, asks, warnings) in HEALTHY.items():
        yield Case(folder, _lab(f"labs/{lab}.lab.yaml"), breaks, asks, {"healthy"}, set(), warnings, works_before=True)


def _case(folder: str, found: dict[str, Any]) -> Case:
    text = found.get("lab_text") or _lab(found["lab"])
    return Case(
        folder, text, found["inject"], found["why"], _words(found["finding"]), _words(found.get("node", [])),
        _words(found.get("warning", [])), setup=found.get("setup", 0), works_before=not found.get("broken_before"),
    )


def _lab(name: str) -> str:
    return (FAULTS / name).read_text(encoding="utf-8")


def _words(value: str | list[str]) -> set[str]:
    return {value} if isinstance(value, str) else set(value)
