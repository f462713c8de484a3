"""Rules one by one: bridges and their ports, cables, neighbours, and what mends each."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from tests.unit.explain.scenes import BRIDGED, CABLE, ROUTED, Paper, end, entry, route

from vethlab.explain.rules import bridge, link, neighbour
from vethlab.explain.rules.bridge import Frame
from vethlab.explain.rules.route import source_refused
from vethlab.explain.scene import Scene
from vethlab.model.finding import Evidence, Finding
from vethlab.model.snapshot import FdbEntry, Queue


def obstacles(paper: Paper, target: str = "10.0.0.2") -> list[Finding]:
    """The request's obstacles."""
    return [one.finding for one in paper.walk("a", target).obstacles if one.finding.direction == "request"]


def argvs(found: Finding) -> list[str]:
    """The command lines of its first fix."""
    return [" ".join(one.argv) for one in found.fixes[0].commands]


@pytest.mark.parametrize(
    ("flags", "target", "expected"),
    [
        ({"broadcast_flood": False}, "10.0.0.2", ("arp-suppressed", "bcast_flood")),
        ({"multicast_flood": False}, "fd00::2", ("arp-suppressed", "mcast_flood")),
        ({"flood": False, "learning": False}, "10.0.0.2", ("fdb-wrong", "flood")),
    ],
)
def test_a_port_that_floods_nothing_keeps_its_host_unknown(flags: dict[str, bool], target: str, expected: tuple[str, str]) -> None:
    """Without flooding no question reaches the host, and a frame only if the bridge has learned where it is."""
    paper = Paper(BRIDGED)
    paper.port("host:p-b", **flags)
    found = [(one.slug, str(one.where), argvs(one)) for one in obstacles(paper, target)]
    assert [(expected[0], "host:p-b", [f"bridge link set dev p-b {expected[1]} on"])] == found


@pytest.mark.parametrize(("learning", "fdb"), [(True, ()), (False, (("p-b", False),))])
def test_a_port_without_flooding_is_reached_by_what_is_learned(learning: bool, fdb: tuple[tuple[str, bool], ...]) -> None:
    """An entry, or a port that learns, lets unicast pass all the same."""
    paper = Paper(BRIDGED)
    paper.port("host:p-b", flood=False, learning=learning)
    paper.add("host", fdb=tuple(FdbEntry("br0", port, paper.mac("b:eth0"), static) for port, static in fdb))
    assert [] == obstacles(paper)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([("p-c", True, False, False)], ["bridge fdb del {mac} dev p-c master"]),
        ([("p-c", True, False, True)], ["bridge fdb del {mac} dev p-c master"]),
        ([("p-a", False, True, False)], ["bridge fdb del {mac} dev p-a master local"]),
        ([("p-c", False, False, False), ("p-b", True, False, False), ("br0", False, True, False)], []),
    ],
)
def test_an_entry_of_the_bridge_sends_a_mac_the_wrong_way(entries: list[tuple[str, bool, bool, bool]], expected: list[str]) -> None:
    """Only entries put there by hand, or local ones of a port, mislead for good; what was learned is learned anew."""
    paper = Paper(BRIDGED)
    mac = paper.mac("b:eth0")
    paper.add("host", fdb=tuple(FdbEntry("br0", port, mac, static, local, sticky) for port, static, local, sticky in entries))
    assert [line.format(mac=mac) for line in expected] == [line for one in obstacles(paper) for line in argvs(one)]


def test_a_bridge_seen_from_outside_has_no_ports_to_judge() -> None:
    """A port of which nothing is known beyond its wire is not blamed for its flags."""
    paper = Paper(BRIDGED)
    scene = paper.scene()
    interfaces = dict(paper.nodes["host"].interfaces)
    del interfaces["p-b"]
    paper.node("host", interfaces=interfaces)
    scene.snapshots["host"] = paper.nodes["host"]
    frame = Frame("request", paper.mac("b:eth0"), 0, 4)
    assert [] == list(bridge.leaving(scene, end("host:p-a"), end("host:p-b"), end("host:br0"), frame))
    assert [] == [*link.dropped_on_exit(scene, end("host:p-b"), "egress"), *link.unplugged(scene, end("host:p-b"))]


@pytest.mark.parametrize(
    ("place", "changes", "quiet"),
    [("host:p-b", {"carrier": False}, True), ("b:eth0", {"up": False}, True), ("host:br0", {"up": False}, True), ("host:p-b", {}, False)],
)
def test_a_port_is_disabled_with_its_cause(place: str, changes: dict[str, Any], quiet: bool) -> None:
    """A bridge disables ports without carrier, and all when it is down: only the cause is told, not the state."""
    paper = Paper(BRIDGED)
    paper.port("host:p-b", state=0)
    paper.interface(place, **changes)
    assert quiet == ("port-blocked" not in [one.slug for one in obstacles(paper)])


def test_a_state_that_has_no_name_is_told_by_number() -> None:
    """A state beyond the five of if_bridge.h is still not forwarding."""
    paper = Paper(BRIDGED)
    paper.port("host:p-b", state=9)
    assert {"port host:p-b is 9, not forwarding"} == {one.summary for one in obstacles(paper)}


def test_a_spanning_tree_has_to_be_switched_off_first() -> None:
    """Where the spanning tree runs, the state of a port cannot be set by hand."""
    paper = Paper(BRIDGED)
    paper.port("host:p-b", state=1)
    paper.interface("host:br0", stp=True)
    assert ["ip link set dev br0 type bridge stp_state 0", "bridge link set dev p-b state 3"] == argvs(obstacles(paper)[0])


@pytest.mark.parametrize(("master", "says"), [(None, "host:p-b has no master"), ("br1", "host:p-b is a port of br1")])
def test_a_port_that_sits_elsewhere_is_detached(master: str | None, says: str) -> None:
    """The file gives it to the bridge; the kernel gave it to another, or to none."""
    paper = Paper(BRIDGED + "  br1: {nodes: {d: 10.1.0.1/24}}\n")
    paper.interface("host:p-b", master=master, port=None)
    assert {("port-detached", says)} == {(one.slug, one.evidence[0].says) for one in obstacles(paper)}


def test_isolated_ports_are_kept_apart_by_policy() -> None:
    """Both have to be isolated; freeing either is enough, and it is a decision that is undone."""
    paper = Paper(BRIDGED)
    paper.port("host:p-a", isolated=True)
    assert [] == obstacles(paper)
    paper.port("host:p-b", isolated=True)
    assert [True, True] == [fix.policy for fix in obstacles(paper)[0].fixes]


def test_a_program_may_drop_before_anybody_sees() -> None:
    """XDP, tc filters and queues are suspects: they may drop, and what is seen decides."""
    paper = Paper()
    paper.interface("b:eth0", xdp=7, xdp_modes=("xdpgeneric",), filters=("ingress",))
    paper.interface("a:eth0", filters=("egress",), queues=(Queue("tbf"), Queue("netem", parent="1:"), Queue("fq_codel")))
    expected = ["tc-drop at a:eth0?", "queue-drop at a:eth0?", "xdp-drop at b:eth0?", "tc-drop at b:eth0?"]
    assert expected == paper.obstacles("a", "10.0.0.2")[:4]


@pytest.mark.parametrize(("queue", "undo"), [(Queue("tbf", text="tbf rate 1mbit"), 1), (Queue("blackhole"), 0)])
def test_a_queue_can_be_put_back_if_its_text_is_known(queue: Queue, undo: int) -> None:
    """The way back of a removed queue is its own text."""
    paper = Paper()
    paper.interface("a:eth0", queues=(queue,))
    found = next(link.dropped_on_exit(paper.scene(), end("a:eth0"), "egress"))
    assert undo == len(found.fixes[0].commands[0].undo)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"b:eth0": {"up": False}}, "b:eth0 is down"),
        ({"a:eth0": {"carrier": False}}, "a:eth0 is up, and it has no carrier although b:eth0 is up"),
    ],
)
def test_a_cable_that_is_not_plugged_in(changes: dict[str, dict[str, Any]], expected: str) -> None:
    """The far end's state is the far end's fault; no carrier without a cause is told of the near end."""
    paper = Paper()
    for place, what in changes.items():
        paper.interface(place, **what)
    told = [text for one in link.unplugged(paper.scene(), end("a:eth0")) for text in (one.summary, one.evidence[0].says)]
    assert expected in told
    paper.interface("a:eth0", up=False)
    assert [] == list(link.unplugged(paper.scene(), end("a:eth0")))


def test_a_bridge_that_nobody_is_meant_to_be_on_has_no_carrier() -> None:
    """A port that should be on it and is not is told of itself; without any it is the bridge that has no carrier."""
    paper = Paper(BRIDGED)
    ports = [place for place, wire in paper.wires.items() if wire.master == "br0"]
    paper.interface("host:br0", carrier=False)
    for place in ports:
        paper.wire(str(place), master=None)
    assert [] == list(link.unplugged(paper.scene(), end("host:br0")))
    for place in ports:
        del paper.wires[place]
    assert ["no-carrier"] == [one.slug for one in link.unplugged(paper.scene(), end("host:br0"))]


def test_a_cable_that_leads_nowhere_has_no_carrier() -> None:
    """A pair whose other end is nowhere in the lab."""
    paper = Paper()
    paper.interface("a:eth0", carrier=False)
    paper.wire("a:eth0", peer=None)
    assert ["no-carrier"] == [one.slug for one in link.unplugged(paper.scene(), end("a:eth0"))]


@pytest.mark.parametrize(
    ("everywhere", "own", "titles"),
    [
        (0, 8, ["sysctl -w net.ipv4.conf.eth0.arp_ignore=0"]),
        (8, 0, ["sysctl -w net.ipv4.conf.all.arp_ignore=0"]),
        (8, 1, ["sysctl -w net.ipv4.conf.all.arp_ignore=0", "sysctl -w net.ipv4.conf.eth0.arp_ignore=0"]),
        (1, 0, []), (0, 3, []),
    ],
)
def test_arp_is_ignored_by_the_larger_level(everywhere: int, own: int, titles: list[str]) -> None:
    """Eight answers nothing; one, two and three only what is not on the interface. What counts has to go, all of it."""
    paper = Paper()
    paper.node("b", all4={"arp_ignore": everywhere})
    paper.interface("b:eth0", ipv4={"arp_ignore": own})
    assert titles == [line for one in obstacles(paper) for line in argvs(one)]


@pytest.mark.parametrize(
    ("level", "asker", "silent"), [(1, "10.0.0.1", True), (2, "10.0.0.1", True), (3, "10.0.0.1", True), (0, None, False)],
)
def test_an_address_of_another_interface_is_hidden(level: int, asker: str | None, silent: bool) -> None:
    """On levels one to three an address that is not on the interface is not answered for."""
    paper = Paper()
    paper.interface("b:eth0", ipv4={"arp_ignore": level})
    found = neighbour.silent(end("b:eth0"), paper.nodes["b"], ip_address("10.7.7.7"), None if asker is None else ip_address(asker))
    assert silent == bool(list(found))


@pytest.mark.parametrize(
    ("everywhere", "by", "lines"),
    [(0, "eth0", 0), (0, "eth1", 1), (1, None, 2)],
)
def test_arp_is_filtered_by_the_way_back(everywhere: int, by: str | None, lines: int) -> None:
    """With arp_filter it answers only on the interface by which it would send to the asker."""
    paper = Paper()
    paper.node("b", all4={"arp_filter": everywhere})
    paper.interface("b:eth0", ipv4={"arp_filter": 1})
    found = list(neighbour.filtered(end("b:eth0"), paper.nodes["b"], ip_address("10.0.0.1"), by))
    assert lines == sum(len(argvs(one)) for one in found)


def test_arp_filter_asks_the_kernel_for_the_way_back() -> None:
    """The owner's own route to the asker decides; with none it answers nowhere."""
    paper = Paper()
    paper.interface("b:eth0", ipv4={"arp_filter": 1})
    assert [] == obstacles(paper)
    paper.node("b", routes=tuple(one for one in paper.nodes["b"].routes if one.type == "local"))
    assert "arp-suppressed" in [one.slug for one in obstacles(paper)]


def test_who_has_no_address_asks_without_one() -> None:
    """A sender without an address asks as nobody, and is checked by no source."""
    paper = Paper(CABLE.replace(" fd00::1/64", "").replace("a 10.0.0.1/24", "a"))
    paper.add("a", routes=(route("10.0.0.0/24", "eth0"),))
    assert "solicit" == paper.walk("a", "10.0.0.2").points[0].what
    assert [] == obstacles(paper)


def test_no_entry_leads_to_an_address_that_nobody_has() -> None:
    """A valid entry whose MAC nobody has is no way: the address is missing, and if somebody has the MAC it goes there."""
    paper = Paper()
    paper.add("a", neighbours=(entry("eth0", "10.0.0.9", "02:00:00:00:00:99"), entry("eth0", "10.0.0.8", paper.mac("b:eth0"))))
    assert ["neighbour-unresolved at a:eth0"] == paper.obstacles("a", "10.0.0.9")
    assert "not-for-us at b:eth0" == paper.obstacles("a", "10.0.0.8")[0]


@pytest.mark.parametrize(("state", "undo"), [("permanent", 1), ("stale", 0)])
def test_an_entry_that_lies_is_removed(state: str, undo: int) -> None:
    """One put there by hand can be put back; what was learned comes again by itself."""
    paper = Paper()
    paper.add("a", neighbours=(entry("eth0", "10.0.0.2", "02:00:00:00:00:99", state),))
    found = obstacles(paper)[0]
    assert ("neighbour-wrong", undo) == (found.slug, len(found.fixes[0].commands[0].undo))


def test_the_entry_that_an_interface_without_arp_leaves_is_no_lie() -> None:
    """Once asked, the kernel has an entry with the sender's own MAC: the second question is answered as the first."""
    paper = Paper()
    paper.interface("a:eth0", arp=False)
    first = paper.obstacles("a", "10.0.0.2")
    paper.add("a", neighbours=(entry("eth0", "10.0.0.2", paper.mac("a:eth0"), "noarp"),))
    assert ("arp-suppressed at a:eth0", first) == (first[0], paper.obstacles("a", "10.0.0.2"))


def test_an_interface_that_is_down_has_lost_its_ipv6_addresses() -> None:
    """The address is gone because of the interface: that is what is told."""
    paper = Paper()
    paper.address("b:eth0", "10.0.0.2/24")
    paper.interface("b:eth0", up=False)
    found = neighbour.missing_address(paper.scene(), ip_address("fd00::2"))
    assert "link-down" == (found.slug if found is not None else None)
    assert None is neighbour.missing_address(Scene(paper.wiring), ip_address("fd00::2"))


@pytest.mark.parametrize(
    ("everywhere", "own", "line"),
    [(0, 1, "net.ipv4.conf.left.rp_filter=2"), (1, 0, "net.ipv4.conf.left.rp_filter=2"), (2, 0, "net.ipv4.conf.all.rp_filter=0")],
)
def test_a_filter_is_loosened_no_more_than_needed(everywhere: int, own: int, line: str) -> None:
    """Strict becomes loose; what is loose already and still refuses has to be off, for all and the interface."""
    paper = Paper(ROUTED)
    paper.node("r", all4={"rp_filter": everywhere})
    paper.interface("r:left", ipv4={"rp_filter": own})
    found = list(source_refused("r", paper.nodes["r"], "left", ip_address("192.0.2.1"), Evidence("route-oracle", "so")))
    assert [f"sysctl -w {line}"] == argvs(found[0])[:1]
