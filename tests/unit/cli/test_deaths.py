"""Deaths as people and programs read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.observe.frames import ECHO, arp

from vethlab.model.finding import INFERRED
from vethlab.observe.deaths import ANSWER, COUNTER, DROPPED, KERNEL, TRACE, UNANSWERED, Death, KernelWord, Rule
from vethlab.observe.decode import decode
from vethlab.observe.text import address
from vethlab.present.cli.deaths import as_json, as_text

PACKET = decode(ECHO)
BY_RULE = Death(
    1_700_000_000_245_882_001, DROPPED, "host", "nft-drop", TRACE, "br0", hook="bridge/forward", packet=PACKET, length=84,
    kernel=KernelWord("NETFILTER_DROP", "nft_do_chain"), rule=Rule("bridge", "guard", "fw", 2, "ip protocol icmp drop"),
)
BY_COUNTER = Death(5, DROPPED, "a", "queue-drop", COUNTER, "eth0", says="queue pfifo: dropped +3", count=3)
BY_KERNEL = Death(5, DROPPED, "r", "rp-filter", KERNEL, None, packet=PACKET, kernel=KernelWord("IP_RPFILTER", "ip_rcv_finish_core"))
BY_SILENCE = Death(5, UNANSWERED, "a", "neighbour-unresolved", ANSWER, "eth0", packet=decode(arp(1)), says="nobody answered within 1 s")
KEYS = [
    "type", "t", "ns", "lab", "where", "reason", "grade", "kernel", "rule", "packet", "protocol", "src", "dst", "src_port", "dst_port",
    "count", "says",
]


class Named:
    """The lab's names, as lab.watching.Names gives them."""

    def show(self, packed: bytes) -> str:
        """`web` has 10.0.0.1."""
        return {"10.0.0.1": "web"}.get(address(packed), address(packed))


def text(death: Death, colour: str = "") -> str:
    """Its line, without the time of day."""
    names: Any = Named()
    return as_text("web3", names, lambda words, name: f"{colour and name}{words}")(death).partition(" ")[2]


@pytest.mark.parametrize(
    ("death", "line"),
    [
        (BY_RULE, "web3  host:br0  web → 10.0.0.2  ICMP echo  DROPPED nft-drop  bridge guard fw handle 2: ip protocol icmp drop"),
        (BY_COUNTER, "web3  a:eth0  3 packets  DROPPED queue-drop  queue pfifo: dropped +3"),
        (BY_KERNEL, "web3  r  web → 10.0.0.2  ICMP echo  DROPPED rp-filter  IP_RPFILTER at ip_rcv_finish_core"),
        (BY_SILENCE, "web3  a:eth0  web → 10.0.0.2  ARP who-has 10.0.0.2  UNANSWERED neighbour-unresolved  nobody answered within 1 s"),
        (Death(5, DROPPED, "", "xdp-drop", COUNTER, says="full"), "web3  this machine  1 packet  DROPPED xdp-drop  full"),
    ],
)
def test_a_line(death: Death, line: str) -> None:
    """Lab, place, who to whom by the lab's names, what, what happened, and why."""
    assert line == text(death)


def test_a_policy_and_a_colour() -> None:
    """A policy has no handle; only what happened is coloured."""
    line = text(Death(5, DROPPED, "b", "nft-drop", TRACE, "eth0", packet=PACKET, rule=Rule("ip", "t", "i", None, "policy drop")), "<")
    assert "web3  b:eth0  web → 10.0.0.2  ICMP echo  redDROPPED nft-drop  ip t i policy drop" == line


def test_an_object() -> None:
    """The keys that the docs list, addresses as they are, and nothing in the place of what is not known."""
    one, other = (json.loads(as_json("web3")(death)) for death in (BY_RULE, BY_COUNTER))
    assert {
        "type": "dropped", "t": "2023-11-14T22:13:20.245882001Z", "ns": BY_RULE.ns, "lab": "web3",
        "where": {"node": "host", "interface": "br0", "hook": "bridge/forward"}, "reason": "nft-drop", "grade": "proven",
        "kernel": {"reason": "NETFILTER_DROP", "location": "nft_do_chain"},
        "rule": {"family": "bridge", "table": "guard", "chain": "fw", "handle": 2, "text": "ip protocol icmp drop"},
        "packet": "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 1, length 64", "protocol": "icmp", "src": "10.0.0.1",
        "dst": "10.0.0.2", "src_port": None, "dst_port": None, "count": 1, "says": None,
    } == one
    assert (None, None, None, None, 3) == (other["packet"], other["kernel"], other["rule"], other["src"], other["count"])
    page = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "json.md").read_text()
    assert (KEYS, KEYS) == (list(one), list(other))
    shown = ", ".join(KEYS).replace("where", "where: {node, interface, hook}").replace("kernel", "kernel: {reason, location}")
    assert shown.replace("rule", "rule: {family, table, chain, handle, text}") in " ".join(page.split())


def test_the_whole_machine_is_no_node() -> None:
    """What the machine's neighbour table refused has no place in the lab."""
    death = Death(5, DROPPED, "", "neighbour-table-full", COUNTER, grade=INFERRED)
    assert {"node": None, "interface": None, "hook": None} == json.loads(as_json("x")(death))["where"]
