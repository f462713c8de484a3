"""Open vSwitch on the way: ports that are none, VLANs, isolation, rules, checksums; and what the switch is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.explain.scenes import Paper, end, entry, sighting

from vethlab.explain import fixes
from vethlab.explain.questions import Forward, Forwarded
from vethlab.explain.rules import switch
from vethlab.model.journey import Observed
from vethlab.model.snapshot import Drift
from vethlab.model.switch import SwitchPort

LAB = """\
name: paper
nodes: {a: {}, b: {run: serve}, c: {}}
networks:
  sw0: {type: ovs, subnet: [10.0.0.0/24, "fd00::/64"], gateway: 9, nodes: {a: 1, b: 2, c: 3}}
"""
DROPS = Forwarded((), ("table 0: icmp, priority 9: drop",), remove=("ovs-ofctl", "--strict", "del-flows", "sw0", "priority=9,icmp"))


class Ruled(Paper):
    """A lab whose switch answers differently for frames with a word in them."""

    def __init__(self, word: str, answer: Forwarded) -> None:
        super().__init__(LAB)
        self._word, self._answer = word, answer

    def answer(self, question: Any) -> Any:
        """As on paper, or otherwise."""
        told = isinstance(question, Forward) and self._word in question.match
        return self._answer if told else super().answer(question)


def tagged(**ports: SwitchPort) -> Paper:
    """A lab with ports changed, in which the switch lets nothing pass between different VLANs, nor between isolated ports."""
    paper = Ruled("in_port", Forwarded(("elsewhere",), ("table 0: priority 0: NORMAL",), plain=True))
    seen = paper.switches[end("host:sw0")]
    paper.switch("host:sw0", ports={**seen.ports, **{name.replace("_", "-"): one for name, one in ports.items()}})
    return paper


@pytest.mark.parametrize(("target", "frames"), [("10.0.0.2", 6), ("fd00::2", 6), ("10.0.0.9", 5), ("10.0.0.3", 6)])
def test_a_healthy_switch_is_no_obstacle(target: str, frames: int) -> None:
    """Between nodes, and with the switch's own interface: there and back a question, its answer, and the packet."""
    paper = Paper(LAB)
    assert [] == paper.obstacles("a", target)
    asked = [one.match for one in paper.asked if isinstance(one, Forward)]
    assert frames == len(asked)
    assert "in_port=p-a,dl_src=" in asked[0]
    assert [] == Paper(LAB).obstacles("host", "10.0.0.1")


@pytest.mark.parametrize(
    ("kind", "target", "words"),
    [
        ("ping", "10.0.0.2", ["arp,arp_op=1,arp_tpa=10.0.0.2", "arp,arp_op=2,arp_spa=10.0.0.2", "icmp,nw_src=10.0.0.1", "icmp_type=0"]),
        ("tcp", "10.0.0.2",
         ["arp_op=1", "arp_op=2", "tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tcp_dst=80,tcp_flags=0x002", "tcp_src=80"]),
        ("udp", "fd00::2", ["nw_ttl=255,icmpv6_type=135,nd_target=fd00::2", "icmpv6_type=136", "udp6,ipv6_src=fd00::1", "udp_src=80"]),
        ("ping", "fd00::2", ["icmp6,nw_ttl=255,icmpv6_type=135", "icmp6,nw_ttl=255,icmpv6_type=136", "icmpv6_type=128", "icmpv6_type=129"]),
    ],
)
def test_the_switch_is_asked_about_this_very_frame(kind: str, target: str, words: list[str]) -> None:
    """Who asks for a neighbour, who answers, the probe, its reply: each as OpenFlow puts it."""
    paper = Paper(LAB)
    paper.explain("a", target, kind=kind, port=None if kind == "ping" else 80)
    asked = [one.match for one in paper.asked if isinstance(one, Forward)]
    assert [True] * 4 == [word in match for word, match in zip(words, asked[:3] + asked[-1:], strict=True)]


def test_without_an_asker_the_question_has_none() -> None:
    """Who has no address asks from nowhere."""
    from ipaddress import ip_address

    from vethlab.explain import openflow_match as words
    from vethlab.explain.travel import Travel

    assert "arp,arp_op=1,arp_tpa=10.0.0.2" == words.question(ip_address("10.0.0.2"), None)
    assert "icmp6,nw_ttl=255,icmpv6_type=135,nd_target=fd00::2" == words.question(ip_address("fd00::2"), None)
    assert "arp,arp_op=2,arp_spa=10.0.0.2" == words.answer(ip_address("10.0.0.2"), None)
    assert "icmp6,nw_ttl=255,icmpv6_type=136,nd_target=fd00::2,ipv6_src=fd00::2" == words.answer(ip_address("fd00::2"), None)
    assert "icmp,nw_dst=10.0.0.2,nw_ttl=64,icmp_type=8" == words.packet(Travel("request", ip_address("10.0.0.2"), None))


def test_a_rule_that_drops_or_leads_elsewhere() -> None:
    """The rule is named, and what takes it away; where none matches, one that forwards is added."""
    paper = Ruled("icmp_type=8", DROPS)
    assert ["openflow-drop at host:sw0"] == paper.obstacles("a", "10.0.0.2")
    found = paper.walk("a", "10.0.0.2").obstacles[0].finding
    assert ("openflow-trace", ("ovs-ofctl", "--strict", "del-flows", "sw0", "priority=9,icmp")) == (
        found.evidence[0].source, found.fixes[0].commands[0].argv,
    )
    astray = Ruled("icmp_type=0", replace(DROPS, outputs=("p-c",))).walk("a", "10.0.0.2").obstacles[0].finding
    assert ("reply", True) == (astray.direction, "sends the frame to p-c" in astray.summary)
    nothing = Ruled("arp_op=1", Forwarded()).walk("a", "10.0.0.2").obstacles[0].finding
    assert "no rule matches" == nothing.evidence[0].says
    assert "add-flow" in nothing.fixes[0].commands[0].argv
    assert [] == Ruled("in_port", Forwarded(failed="it did not answer")).obstacles("a", "10.0.0.2")


def test_ports_in_different_vlans() -> None:
    """Whose tag is not the declared one is at fault; else the port that the frame should leave by."""
    assert "ovs-tag-mismatch at host:p-b" == tagged(p_b=SwitchPort(20)).obstacles("a", "10.0.0.2")[0]
    found = tagged(p_a=SwitchPort(10)).walk("a", "10.0.0.2").obstacles[0].finding
    assert ("host:p-a", ("ovs-vsctl", "clear", "Port", "p-a", "tag")) == (str(found.where), found.fixes[0].commands[0].argv)
    both = tagged(p_a=SwitchPort(10), p_b=SwitchPort(20))
    both.switch("host:sw0", declared={})
    found = both.walk("a", "10.0.0.2").obstacles[0].finding
    assert ("host:p-b", ("ovs-vsctl", "set", "Port", "p-b", "tag=10")) == (str(found.where), found.fixes[0].commands[0].argv)
    trunk = tagged(p_a=SwitchPort(10))
    trunk.switch("host:sw0", declared={"p-a": SwitchPort(10), "p-b": SwitchPort(10)})
    found = trunk.walk("a", "10.0.0.2").obstacles[0].finding
    assert (("ovs-vsctl", "clear", "Port", "p-b", "tag"),) == found.fixes[0].commands[0].undo
    assert "p-a is in VLAN 10, p-b is on the trunk" == found.evidence[0].says


@pytest.mark.parametrize(("port", "target", "flag", "found"), [
    ("p-a", "10.0.0.2", "no-receive", ["host:p-a"]), ("p-b", "10.0.0.2", "no-forward", ["host:p-b"]), ("p-c", "10.0.0.2", "no-receive", []),
    ("p-b", "10.0.0.2", "no-receive", ["host:p-b"]), ("sw0", "10.0.0.9", "no-forward", ["host:sw0"]),
    ("sw0", "10.0.0.9", "no-receive", ["host:sw0"]), ("p-b", "10.0.0.2", "no-flood", []),
])
def test_ports_with_flags(port: str, target: str, flag: str, found: list[str]) -> None:
    """What OpenFlow told a port stands in the way of what comes in or goes out there, whatever the rules are."""
    paper = Paper(LAB)
    paper.switch("host:sw0", flags={port: frozenset({flag})})
    stopped = [one.finding for one in paper.walk("a", target).obstacles]
    assert found == list(dict.fromkeys(str(one.where) for one in stopped))
    assert {"port-blocked"} >= {one.slug for one in stopped}
    back = ("ovs-ofctl", "mod-port", "sw0", port, flag.removeprefix("no-"))
    assert {back} >= {fix.commands[0].argv for one in stopped for fix in one.fixes}


@pytest.mark.parametrize(("answer", "finding"), [
    (Forwarded(("p-c", "sw0"), ("table 0: priority 0: NORMAL",), plain=True, flooded=True), "port-blocked"),
    (Forwarded(("p-c",), ("table 0: priority 0: NORMAL",), plain=True), "fdb-wrong"),
    (Forwarded(("p-c", "sw0"), ("table 0: priority 5: FLOOD",)), "port-blocked"),
    (Forwarded(("p-c",), ("table 0: priority 5: output:3",)), "openflow-drop"),
    (Forwarded(), "openflow-drop"),
])
def test_a_port_that_is_left_out_of_floods(answer: Forwarded, finding: str) -> None:
    """Where a frame goes to all but one port, the flag of that is to blame; where a rule or an address leads elsewhere, it is not."""
    paper = Ruled("icmp_type=8" if finding == "fdb-wrong" else "arp_op=1", answer)
    paper.switch("host:sw0", flags={"p-b": frozenset({"no-flood"})})
    (found, *_) = [one.finding.slug for one in paper.walk("a", "10.0.0.2").obstacles]
    assert finding == found


def test_isolated_ports_and_addresses_known_elsewhere() -> None:
    """Two protected ports do not meet; a switch that forwards elsewhere has learned so; one that does nothing more is not explained."""
    shut = tagged(p_b=SwitchPort(trunks=frozenset({7, 9})))
    found = shut.walk("a", "10.0.0.2").obstacles[0].finding
    assert ("ovs-tag-mismatch", "host:p-b", "trunks of p-b are 7,9") == (found.slug, str(found.where), found.evidence[0].says)
    assert ("ovs-vsctl", "clear", "Port", "p-b", "trunks") == found.fixes[0].commands[0].argv
    apart = tagged(p_a=SwitchPort(isolated=True), p_b=SwitchPort(isolated=True))
    assert "port-isolated at host:p-b" == apart.obstacles("a", "10.0.0.2")[0]
    assert "fdb-wrong at host:p-a" == tagged().obstacles("a", "10.0.0.2")[0]  # of the answer: no address decides where a question goes
    assert [] == Ruled("in_port", Forwarded((), (), plain=True)).obstacles("a", "10.0.0.2")


def test_a_tag_that_does_not_mean_what_it_says() -> None:
    """By its mode it counts for nothing, or what leaves bears a header; modes that end at a plain node are no obstacle."""
    for mode, says in (("trunk", "counts for nothing"), ("native-tagged", "bears a VLAN header")):
        found = tagged(p_a=SwitchPort(5), p_b=SwitchPort(5, mode=mode)).walk("a", "10.0.0.2").obstacles[0].finding
        assert ("ovs-tag-mismatch", "host:p-b", True) == (found.slug, str(found.where), says in found.summary)
        assert (("ovs-vsctl", "set", "Port", "p-b", f"vlan_mode={mode}"),) == found.fixes[0].commands[0].undo
    other = tagged(p_a=SwitchPort(5), p_b=SwitchPort(6, mode="dot1q-tunnel")).walk("a", "10.0.0.2").obstacles[0].finding
    assert "in different VLANs" in other.summary


def test_a_spanning_tree_that_keeps_ports_waiting() -> None:
    """The port that the frame comes to first; the switch's own interface has no such state, and the switch is not asked."""
    paper = Paper(LAB)
    ports = {**paper.switches[end("host:sw0")].ports, "p-a": SwitchPort(held="rstp discarding")}
    paper.switch("host:sw0", ports=ports)
    for source, target in (("a", "10.0.0.2"), ("host", "10.0.0.1")):
        found = paper.walk(source, target).obstacles[0].finding
        assert ("port-blocked", "host:p-a", "port host:p-a is discarding, not forwarding") == (found.slug, str(found.where), found.summary)
        assert ("ovs-vsctl", "set", "Bridge", "sw0", "rstp_enable=false") == found.fixes[0].commands[0].argv


def test_an_interface_that_is_no_port() -> None:
    """Taken off, or in trouble, or read by nobody because the switch is dead; told once, where the frame meets it."""
    paper = Paper(LAB)
    paper.wire("host:p-b", master=None)
    assert "ovs-port-missing at host:p-b" == paper.obstacles("a", "10.0.0.2")[0]
    assert "ovs-port-missing at host:p-b" == paper.obstacles("b", "10.0.0.1")[0]
    paper.switch("host:sw0", troubles={"p-b": "could not open network device"}, declared={"p-b": SwitchPort(7)})
    found = paper.walk("a", "10.0.0.2").obstacles[0].finding
    assert "could not open network device" in found.evidence[0].says
    assert ("ovs-vsctl", "--if-exists", "del-port", "p-b", "--", "add-port", "sw0", "p-b", "tag=7") == found.fixes[0].commands[0].argv
    dead = Paper(LAB)
    dead.switch("host:sw0", running=False)
    for port in ("p-a", "p-b", "p-c"):
        dead.wire(f"host:{port}", master=None)
    assert "ovs-port-missing at host:p-a" == dead.obstacles("a", "10.0.0.2")[0]
    found = dead.walk("a", "10.0.0.2").obstacles[0].finding
    gone = Drift("host", "port", "host:p-a of sw0", "missing", (("ovs-vsctl", "add-port", "sw0", "p-a"),))
    ended = Drift("host", "Open", "vSwitch of host", "one of its daemons died", (("ovsdb-server",),))
    assert [1, 0] == [len(fixes.candidates(found, drift)) for drift in ([gone], [gone, ended])]


def test_a_port_that_is_down_or_too_narrow() -> None:
    """A port of a switch is an interface as others."""
    paper = Paper(LAB)
    paper.interface("host:p-b", up=False)
    assert "port-down at host:p-b" in paper.obstacles("a", "10.0.0.2")
    narrow = Paper(LAB)
    narrow.interface("host:p-b", mtu=1000)
    assert "mtu-blackhole at host:p-b" in narrow.obstacles("a", "10.0.0.2", size=1400)
    own = Paper(LAB)
    own.interface("host:sw0", up=False)
    assert "bridge-down at host:sw0" in own.obstacles("a", "10.0.0.9")


def test_checksums_that_nobody_fills_in() -> None:
    """TCP arrives and is not answered: the sender is named, with both ends in the fix; ping, and a sender that sums itself, are fine."""
    paper = Paper(LAB)
    paper.switch("host:sw0", offloading=(end("a:eth0"), end("b:eth0")))
    assert ["checksum-offload at a:eth0?", "checksum-offload at b:eth0?"] == paper.obstacles("a", "10.0.0.2", kind="tcp", port=80)
    assert [] == paper.obstacles("a", "10.0.0.2")
    found = paper.walk("a", "10.0.0.2", kind="tcp", port=80).obstacles[0].finding
    assert ["a", "b"] == [one.node for one in found.fixes[0].commands]
    paper.switch("host:sw0", offloading=(end("b:eth0"),))
    paper.seen = Observed(ok=False, sightings=(
        sighting("a:eth0", "out", ns=1), sighting("host:p-a", "in", ns=2), sighting("host:p-b", "out", ns=3),
        sighting("b:eth0", "in", ns=4), sighting("b:eth0", "out", "reply", ns=5), sighting("host:p-b", "in", "reply", ns=6),
        sighting("host:p-a", "out", "reply", ns=7), sighting("a:eth0", "in", "reply", ns=8),
    ))
    for node, place, other in (("a", "10.0.0.2", "b:eth0"), ("b", "10.0.0.1", "a:eth0")):
        paper.add(node, neighbours=[entry("eth0", place, paper.mac(other))])
    verdict = paper.explain("a", "10.0.0.2", kind="tcp", port=80).verdict
    assert verdict is not None
    assert ("checksum-offload", "b:eth0", "reply", "proven") == (verdict.slug, str(verdict.where), verdict.direction, verdict.grade)


def test_a_way_past_every_switch_leaves_no_checksum_open() -> None:
    """A cable fills nothing in and needs nothing filled in."""
    paper = Paper()
    scene = paper.scene()
    from vethlab.explain.rules.bridge import Frame
    from vethlab.explain.segment import members

    track = paper.hold(members(scene, end("a:eth0")))[end("b:eth0")]
    assert switch.unchecked(scene, end("a:eth0"), track, Frame("request", "", 0, 4, match="tcp")) is None
