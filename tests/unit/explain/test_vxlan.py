"""Overlays on paper: what the rules say where labs of the corpus do not go."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from tests.unit.explain.scenes import Paper, end, sighting

from vethlab.explain import fixes
from vethlab.explain.compare import last_seen, verdict
from vethlab.explain.questions import Route, Routed
from vethlab.model.fdb import UNKNOWN_MAC, Forward
from vethlab.model.finding import Finding, Where
from vethlab.model.journey import ANSWER, IN, OUT, OUTER, SOLICIT, FirewallDrop, Observed, Outer
from vethlab.model.link import Vxlan
from vethlab.model.snapshot import Drift

TWO = """\
name: paper
nodes: {h1: {role: host}, h2: {role: host}}
links: [h1 192.168.50.1/24 -- h2 192.168.50.2/24]
networks: {pods: {type: vxlan, vni: 42, fdb: FDB, subnet: 10.42.0.0/16, nodes: [h1/a, h2/b]}}
"""
ROUTED = """\
name: paper
nodes: {h1: {role: host, routes: [default via 10.1.0.9]}, h2: {role: host, routes: [default via 10.2.0.9]}, r: {forward: true}}
links: [h1 10.1.0.1/24 -- r:one 10.1.0.9/24, r:two 10.2.0.9/24 -- h2 10.2.0.2/24]
networks: {pods: {type: vxlan, vni: 42, subnet: 10.42.0.0/16, nodes: [h1/a, h2/b]}}
"""
SENT, AT_H2 = "vxlan-no-fdb at h1:vx-pods", "h2:vx-pods"


def two(fdb: str = "static") -> Paper:
    """Two hosts on one cable."""
    return Paper(TWO.replace("FDB", fdb))


def forwards(paper: Paper, node: str, *entries: Forward) -> None:
    """Give the devices of a host these entries and no others."""
    paper.node(node, forwards=entries)


def everybody(remote: str, **keys: int) -> Forward:
    """The entry for what has none."""
    return Forward("vx-pods", UNKNOWN_MAC, ip_address(remote), **keys)


@pytest.mark.parametrize("fdb", ["static", "learning", "multicast"])
def test_nothing_stands_in_the_way_of_an_overlay_as_declared(fdb: str) -> None:
    """However its hosts know of each other; the way has the underlay in it, there and back."""
    way = two(fdb).walk("h1/a", "10.42.0.2")
    places = [f"{one.node}:{one.interface}" for one in way.points if one.leg == one.what == "request"]
    assert ([], ["h1/a:eth0", "h1:p-a", "h1:vx-pods", "h1:eth0", "h2:eth0", "h2:vx-pods", "h2:p-b", "h2/b:eth0"]) == (way.obstacles, places)


def test_a_group_that_the_other_has_not_joined() -> None:
    """Multicast reaches whoever is in the group, and nobody can say by which address the others are reached."""
    paper = two("multicast")
    paper.interface(AT_H2, vxlan=Vxlan(42, group=ip_address("239.9.9.9"), learning=True))
    way = paper.walk("h1/a", "10.42.0.2")
    first = way.obstacles[0].finding
    assert ("vxlan-no-fdb", "h1:vx-pods sends broadcasts to 239.0.0.42, a group that h2:vx-pods has not joined", ()) == (
        first.slug, first.summary, first.fixes,
    )


def test_who_is_not_in_the_group_of_the_lab_file_is_to_blame() -> None:
    """The sender is as the file says, the receiver is not: it is made anew."""
    paper = two("multicast")
    paper.interface(AT_H2, vxlan=Vxlan(42, group=None, learning=True))
    meant = {place: replace(tunnel, meant=replace(tunnel.meant, group=ip_address("239.0.0.42"))) for place, tunnel in paper.tunnels.items()}
    paper.tunnels = meant
    paper.drift = (Drift("h2", "link", "vx-pods", "another group", (("ip", "link", "delete", "dev", "vx-pods"),)),)
    found = paper.walk("h1/a", "10.42.0.2").obstacles[0].finding
    assert ("vxlan-no-fdb", "h2:vx-pods", "make h2:vx-pods anew, as the lab file says") == (
        found.slug, str(found.where), found.fixes[0].title,
    )


def test_a_switch_in_user_space_fills_in_no_checksum_inside() -> None:
    """TCP between pods arrives and is not answered: the device that left the checksum is named; ping, and a cable, are fine."""
    paper = Paper(TWO.replace("links: [h1 192.168.50.1/24 -- h2 192.168.50.2/24]\n", "").replace("FDB", "static").replace(
        "networks: {", "networks: {sw0: {type: ovs, subnet: 192.168.50.0/24, nodes: {h1: 1, h2: 2}}, ",
    ))
    asked = {"kind": "tcp", "port": 80}
    paper.switch("host:sw0", carrying=(end("h1:vx-pods"), end("h2:vx-pods")))
    found = [one for one in paper.walk("h1/a", "10.42.0.2", **asked).obstacles if one.finding.slug == "checksum-offload"]
    assert [("h1:vx-pods", True), ("h2:vx-pods", True)] == [(str(one.finding.where), one.suspect) for one in found]
    assert ["h1", "h2"] == [one.node for one in found[0].finding.fixes[0].commands]
    assert [] == paper.obstacles("h1/a", "10.42.0.2")
    paper.switch("host:sw0", carrying=())
    assert ["port-closed at h2/b:eth0"] == paper.obstacles("h1/a", "10.42.0.2", **asked)


def test_what_comes_of_the_question_of_another_is_not_ours() -> None:
    """On the underlay somebody else asks for the other host: its answer is no step of our frame, unless our host asked too."""
    paper = two()
    way = paper.walk("h1/a", "10.42.0.2")
    sent = [
        sighting("h1/a:eth0", OUT, SOLICIT, about="10.42.0.2"), sighting("h1:p-a", IN, SOLICIT, about="10.42.0.2"),
        sighting("h1:vx-pods", OUT, SOLICIT, about="10.42.0.2"),
    ]
    question = sighting("h1:eth0", OUT, SOLICIT, about="192.168.50.2")
    answer = sighting("h2:eth0", OUT, ANSWER, about="192.168.50.2")
    ends = [last_seen(way, Observed(ok=False, sightings=tuple(seen))) for seen in ((*sent, answer), (*sent, question, answer))]
    assert ["h1:vx-pods", "h2:eth0"] == [f"{way.points[end].node}:{way.points[end].interface}" for end in ends]


def test_devices_made_by_hand_belong_together_by_their_vni() -> None:
    """No lab file speaks of them: what no entry leads to is unknown, and no address is there to offer."""
    paper = two()
    paper.tunnels = {}
    assert [] == paper.obstacles("h1/a", "10.42.0.2")
    forwards(paper, "h1")
    found = [one.finding for one in paper.walk("h1/a", "10.42.0.2").obstacles]
    assert ("vxlan-no-fdb", ()) == (found[0].slug, found[0].fixes)
    paper.wire("h1:vx-pods", vxlan=None)
    assert {"wrong-prefix"} == {one.finding.slug for one in paper.walk("h1/a", "10.42.0.2").obstacles}


def test_a_mismatch_without_drift_has_no_fix() -> None:
    """Both are as the lab file says, or nobody knows what it says: the sender is named, and nothing is offered."""
    paper = two()
    paper.interface(AT_H2, vxlan=replace(paper.nodes["h2"].interfaces["vx-pods"].vxlan or Vxlan(0), port=99))
    paper.tunnels = {place: replace(tunnel, meant=Vxlan(42)) for place, tunnel in paper.tunnels.items()}
    found = next(one.finding for one in paper.walk("h1/a", "10.42.0.2").obstacles)
    assert ("vxlan-port-mismatch", "h2:vx-pods", ()) == (found.slug, str(found.where), found.fixes)


def test_a_device_that_went_meanwhile_is_not_judged() -> None:
    """The wiring still had it, the node has it no more."""
    paper = two()
    kept = {name: one for name, one in paper.nodes["h2"].interfaces.items() if name != "vx-pods"}
    paper.node("h2", interfaces=kept)
    assert not [one for one in paper.obstacles("h1/a", "10.42.0.2") if one.startswith("vxlan-")]


def test_a_host_without_any_way_has_no_outer_packet() -> None:
    """Nothing leaves, so nothing can be watched for."""
    paper = two()
    paper.address("h1:eth0")
    paper.without("h1", "192.168.50.0/24")
    device = paper.nodes["h1"].interfaces["vx-pods"].vxlan or Vxlan(0)
    paper.interface("h1:vx-pods", vxlan=replace(device, local=None))
    way = paper.walk("h1/a", "10.42.0.2")
    assert ("underlay-broken", []) == (way.obstacles[0].finding.slug, [one for one in way.outers if one.sender == "h1"])


def test_routers_cut_outer_packets_of_ipv4() -> None:
    """VXLAN sets no don't-fragment: a narrow link behind the first is no obstacle to IPv4, and none to a reply, which may be cut."""
    paper = Paper(ROUTED)
    for place in ("r:two", "h2:eth0"):
        paper.interface(place, mtu=1300)
    assert [] == paper.obstacles("h1/a", "10.42.0.2", size=1400)
    paper.interface("h1:eth0", mtu=1300)
    assert ["underlay-broken at h1:eth0"] == paper.obstacles("h1/a", "10.42.0.2", size=1400)


def test_who_has_no_host_of_the_way_dropped_another_packet() -> None:
    """A rule that ends VXLAN packets is to blame where ours ended, and only if the packet was of a tunnel on the way."""
    paper = two()
    way = paper.walk("h1/a", "10.42.0.2")
    seen = (
        sighting("h1/a:eth0", OUT, SOLICIT, about="10.42.0.2"), sighting("h1:p-a", IN, SOLICIT, about="10.42.0.2"),
        sighting("h1:vx-pods", OUT, SOLICIT, about="10.42.0.2"),
        sighting("h1:eth0", OUT, SOLICIT, about="10.42.0.2", towards=ip_address("192.168.50.2")),
    )
    outer = next(one for one in way.outers if one.sender == "h1")
    other = Outer("h1", "h3", outer.source, ip_address("192.168.50.3"), 4789, 42)

    def blamed(dropped: Outer) -> str:
        rule = FirewallDrop("h2", "inet", "fw", "in", "input", OUTER, "eth0", handle=4, outer=dropped)
        return verdict(way, Observed(ok=False, sightings=seen, firewall=(rule,)), [])[0].slug

    assert ("underlay-broken", "unknown") == (blamed(outer), blamed(other))
    assert end("h1:vx-pods") in paper.tunnels


@pytest.mark.parametrize(("place", "changes", "said"), [
    ("h1:vx-pods", {"ttl": 1}, "ttl-expired at h1:vx-pods"), ("h2:vx-pods", {"ttl": 1}, "ttl-expired at h2:vx-pods"),
    ("h1:vx-pods", {"local": ip_address("10.1.0.77")}, "no-address at h1:vx-pods"), ("h1:vx-pods", {"ttl": 2, "df": "set"}, ""),
    ("h1:vx-pods", {"ttl": None}, ""),
])
def test_what_a_device_writes_into_its_outer_packets(place: str, changes: dict[str, Any], said: str) -> None:
    """Too few hops and a source of nobody are the device's own fault, told inside `underlay-broken`, with the setting that mends it."""
    paper = Paper(ROUTED)
    held = paper.nodes[end(place).netns].interfaces["vx-pods"].vxlan or Vxlan(0)
    paper.interface(place, vxlan=replace(held, **changes))
    found = [one.finding.inner for one in paper.walk("h1/a", "10.42.0.2").obstacles]
    assert [said] * bool(said) == list(dict.fromkeys(f"{one.slug} at {one.where}" for one in found if one is not None))
    word = {"ttl": ("ttl", "auto"), "local": ("local", "10.1.0.1")}.get(next(iter(changes)), ())
    assert all(one is not None and one.fixes[0].commands[0].argv[-2:] == word for one in found)


def test_the_source_of_a_device_without_a_lab_file_is_what_the_route_says() -> None:
    """Where its address is missing, and is meant to be there, the address is told as missing; IPv6 sends from any."""
    paper = Paper(ROUTED)
    paper.tunnels = {}
    held = paper.nodes["h1"].interfaces["vx-pods"].vxlan or Vxlan(0)
    paper.interface("h1:vx-pods", vxlan=replace(held, local=ip_address("10.1.0.77")))
    inner = paper.walk("h1/a", "10.42.0.2").obstacles[0].finding.inner
    assert inner is not None
    assert ("local", "10.1.0.1") == inner.fixes[0].commands[0].argv[-2:]
    paper.without("h1", "0.0.0.0/0")
    inner = paper.walk("h1/a", "10.42.0.2").obstacles[0].finding.inner
    assert inner is not None
    assert () == inner.fixes
    paper.interface("h1:vx-pods", vxlan=replace(held, local=ip_address("10.2.0.2")))  # another node's, says the lab file
    inner = paper.walk("h1/a", "10.42.0.2").obstacles[0].finding.inner
    assert inner is not None
    assert ("no-address", "h1") == (inner.slug, str(inner.where))
    six = Paper(TWO.replace("192.168.50.1/24", "fd00:50::1/64").replace("192.168.50.2/24", "fd00:50::2/64").replace("FDB", "static"))
    held = six.nodes["h1"].interfaces["vx-pods"].vxlan or Vxlan(0)
    six.interface("h1:vx-pods", vxlan=replace(held, local=ip_address("fd00:50::77")))
    assert [] == six.obstacles("h1/a", "10.42.0.2")


@pytest.mark.parametrize(("host", "df", "leg"), [("h1", "set", "request"), ("h1", "inherit", "request"), ("h2", "set", "reply")])
def test_outer_packets_that_say_do_not_fragment(host: str, df: str, leg: str) -> None:
    """A narrow link is an obstacle then: to what comes by, and to a reply at the very host that sends it."""
    paper = Paper(ROUTED)
    for place in ("r:two", "h2:eth0"):
        paper.interface(place, mtu=1300)
    held = paper.nodes[host].interfaces["vx-pods"].vxlan or Vxlan(0)
    paper.interface(f"{host}:vx-pods", vxlan=replace(held, df=df))
    found = paper.walk("h1/a", "10.42.0.2", size=1400).obstacles[0].finding
    assert found.inner is not None
    lines = [[" ".join(one.argv) for one in fix.commands] for fix in found.inner.fixes]
    forget = ["ip route flush cache"] if host == "h1" else []
    raised = f"ip link set dev {'two' if host == 'h1' else 'eth0'} mtu 1500"
    assert ("mtu-exceeded", leg) == (found.inner.slug, found.direction)
    assert [["ip link set dev vx-pods type vxlan df unset", *forget], [raised, *forget]] == lines
    paper.tunnels = {}
    assert lines[::-1] == [
        [" ".join(one.argv) for one in fix.commands] for fix in
        getattr(paper.walk("h1/a", "10.42.0.2", size=1400).obstacles[0].finding.inner, "fixes", ())
    ]


def test_what_a_router_told_a_host_is_to_be_forgotten() -> None:
    """The interface is wide enough, and the kernel's answer has an MTU: that was learned."""
    paper = Paper(ROUTED)
    target, source, router = ip_address("10.2.0.2"), ip_address("10.1.0.1"), ip_address("10.1.0.9")
    paper.says = {Route("h1", target, source): Routed(type="unicast", interface="eth0", via=router, source=source, mtu=1300)}
    found = paper.walk("h1/a", "10.42.0.2", size=1400).obstacles[0].finding
    assert [("ip", "route", "flush", "cache")] == [one.commands[0].argv for one in found.fixes]


def test_a_router_of_ipv6_cuts_nothing_and_tells() -> None:
    """Whatever mends its link, the host that sent the outer packet has learned, and has to forget; a host's own link taught it nothing."""
    six = re.sub(r"10\.([12])\.0\.([0-9])/24", r"fd0\1::\2/64", ROUTED)
    paper = Paper(re.sub(r"via 10\.([12])\.0\.9", r"via fd0\1::9", six).replace("default", '"default').replace("::9]", '::9"]'))
    forget = "ip -6 route flush cache"
    for place, expected in (("r:two", ["ip link set dev two mtu 1500", forget]), ("h1:eth0", ["ip link set dev eth0 mtu 1500"])):
        paper.interface(place, mtu=1300)
        found = paper.walk("h1/a", "10.42.0.2", size=1400).obstacles[0].finding
        assert [expected] == [[" ".join(one.argv) for one in fix.commands] for fix in getattr(found.inner, "fixes", ())]


@pytest.mark.parametrize(("host", "place", "says"), [
    ("h1", "egress", "h1:vx-pods sends to the group 239.0.0.42 by whatever the route says and not by eth0"),
    ("h2", "ingress", "h2:vx-pods has joined the group 239.0.0.42 by whatever the route says and not by eth0"),
])
def test_a_group_on_another_interface(host: str, place: str, says: str) -> None:
    """Frames for a group leave, and come in, by the interface that the device was told."""
    paper = two("multicast")
    paper.interface(f"{host}:vx-pods", lower=None)
    found = paper.walk("h1/a", "10.42.0.2").obstacles[0].finding
    assert ("vxlan-no-fdb", host, place, says) == (found.slug, found.where.node, found.where.stage, found.summary)


def test_who_learns_remembers_an_address_of_nobody() -> None:
    """An IPv6 device may send from any address; what the other one learned of it is wrong, what it was told is not."""
    text = TWO.replace("h1 192.168.50.1/24 -- h2 192.168.50.2/24", "h1 fd00:50::1/64 -- h2 fd00:50::2/64")
    for fdb, found in (("learning", ["underlay-broken at h2:vx-pods?"]), ("static", [])):
        paper = Paper(text.replace("FDB", fdb))
        held = paper.nodes["h2"].interfaces["vx-pods"].vxlan or Vxlan(0)
        assert [] == paper.obstacles("h1/a", "10.42.0.2")
        paper.interface(AT_H2, vxlan=replace(held, local=ip_address("fd00:50::77")))
        assert found[:1] == paper.obstacles("h1/a", "10.42.0.2")[:1]
        paper.interface(AT_H2, vxlan=replace(held, local=ip_address("fd00:50::1")))  # another node's, says the lab file
        assert [] == paper.obstacles("h1/a", "10.42.0.2")


def test_what_a_host_learned_is_forgotten_whatever_mends_the_rest() -> None:
    """What brings the lab back to its file forgets too, and that is no step of its own."""
    forget = fixes.command("h1", "ip", "route", "flush", "cache")
    own = fixes.fix("let it be cut", fixes.command("h1", "ip", "link", "set", "dev", "vx-pods", "type", "vxlan", "df", "unset"), forget)
    drift = Drift("r", "interface", "r:two", "mtu 1300 → 1500", (("ip", "link", "set", "dev", "two", "mtu", "1500"),))
    found = fixes.candidates(Finding("mtu-exceeded", Where("r", "two", "route"), "too large", fixes=(own,)), [drift])
    assert [("r", "h1"), ("h1", "h1")] == [tuple(one.node for one in fix.commands) for fix in found]
    assert [1, 1] == [fixes.steps(one) for one in found]


def test_an_address_with_another_prefix_is_one_change() -> None:
    """Neither its removal nor its return mends anything alone; what else drifted there is tried by itself, and all of it together."""
    def drift(subject: str, *argv: str, kind: str = "address") -> Drift:
        return Drift("h1", kind, subject, "differs", (argv,))

    gone = drift("10.0.0.1/32 on eth0", "ip", "address", "delete", "10.0.0.1/32", "dev", "eth0")
    back = drift("10.0.0.1/24 on eth0", "ip", "address", "add", "10.0.0.1/24", "dev", "eth0")
    other = drift("10.0.9.1/24 on eth0", "ip", "address", "add", "10.0.9.1/24", "dev", "eth0")
    found = Finding("wrong-prefix", Where("h1", "eth0", "route"), "too narrow")
    assert [["add", "delete"]] == [[one.argv[2] for one in fix.commands] for fix in fixes.candidates(found, [gone, back])]
    assert [2, 1, 3] == [len(fix.commands) for fix in fixes.candidates(found, [gone, back, other])]
