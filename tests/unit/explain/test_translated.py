"""Packets that are translated on their way, there and back, and what is said where they are not, or wrongly."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.unit.explain.rules import chain, rule
from tests.unit.explain.scenes import ROUTED, Paper, entry, route, sighting

from vethlab.explain.fixes import candidates
from vethlab.explain.questions import Observe, Route, Routed
from vethlab.explain.seen import hops
from vethlab.model.finding import Finding
from vethlab.model.flow import TCP
from vethlab.model.journey import IN, OUT, REPLY, Observed
from vethlab.model.snapshot import Drift
from vethlab.model.translation import NatChain

DOCKER = """\
name: paper
networks:
  br0: {subnet: [10.0.0.0/24, "fd00::/64"], gateway: 1, nat: masquerade, nodes: {app: 2, other: 3}}
nodes:
  app: {run: serve, publish: ["8080:80"]}
  other: {}
"""
OUT_RULE = rule("masquerade", "saddr=10.0.0.0/24", "oif!=lo,br0", text="saddr masquerade")
BACK = (
    rule("masquerade", "oif=br0", "ct-status=dnat", "fib-saddr=local"),
    rule("masquerade", "saddr=10.0.0.0/24", "oif=br0", "ct-status=dnat"),
)
IN_RULE = rule("dnat", "nfproto=ipv4", "fib-daddr=local", "l4proto=tcp", "dport=8080", to="10.0.0.2", port=80)
TABLE = (chain("prerouting", IN_RULE), chain("output", IN_RULE), chain("postrouting", OUT_RULE, *BACK))
WORLD = "203.0.113.1"


def docker(*chains: NatChain, text: str = DOCKER) -> Paper:
    """The lab with these chains at its host; without any, with its own."""
    paper = Paper(text)
    paper.node("host", nat=chains or TABLE)
    for held in (paper.nodes["world"], paper.nodes["host"]):
        assert held.addresses
    return paper


def told(paper: Paper, source: str, target: str, **keys: object) -> list[Finding]:
    """The findings of the way."""
    return [one.finding for one in paper.walk(source, target, **keys).obstacles]


def test_a_hidden_packet_comes_back() -> None:
    """The source becomes the host's address towards the world, and the answer is turned back at the host."""
    way = docker().walk("other", WORLD)
    (bound,) = way.bindings
    assert ([], "10.0.0.3", "198.51.100.2") == (way.obstacles, str(bound.source), str(bound.now_source))
    back = [f"{one.node}:{one.interface}" for one in way.points if one.leg == one.what == REPLY and one.direction == IN]
    assert ["host:p-world", "other:eth0"] == back


@pytest.mark.parametrize(("source", "target"), [("other", "10.0.0.1"), ("host", "127.0.0.1"), ("host", "10.0.0.1"), ("app", "10.0.0.1")])
def test_a_published_port_leads_into_its_node(source: str, target: str) -> None:
    """Asked by a neighbour, by the host itself and by the node: the way ends where somebody listens, and the answer finds its way."""
    paper = docker()
    led = Routed(interface="br0", source=ip_address("127.0.0.1"))
    paper.says[Route("host", ip_address("10.0.0.2"), ip_address("127.0.0.1"))] = led
    paper.says[Route("host", ip_address("127.0.0.1"), ip_address("10.0.0.2"), "br0")] = Routed(type="local", interface="lo")
    way = paper.walk(source, target, kind=TCP, port=8080)
    assert ([], {"request", "reply"}) == (way.obstacles, way.delivered)
    assert [("10.0.0.2", 80)] == [(str(one.now_target), one.now_port) for one in way.bindings]


@pytest.mark.parametrize(("hairpin", "filtering", "source", "told"), [
    (False, "1", "app", ["hairpin-off at host:p-app"]), (True, "1", "app", []), (False, "0", "app", []), (False, "1", "other", []),
])
def test_who_asks_for_a_port_of_his_own_is_sent_back(hairpin: bool, filtering: str, source: str, told: list[str]) -> None:
    """Only the port that it came in by has to do so, and only where the bridge itself translates."""
    paper = docker()
    for port in ("host:p-app", "host:p-other"):
        paper.port(port, hairpin=hairpin)
    paper.node("host", sysctls={**paper.nodes["host"].sysctls, "net.bridge.bridge-nf-call-iptables": filtering})
    way = paper.walk(source, "10.0.0.1", kind=TCP, port=8080)
    legs = [*told, *told]  # the answer is turned as the request was
    assert legs == [f"{one.finding.slug} at {one.finding.where}" for one in way.obstacles]
    before = [way.points[one.at] for one in way.obstacles]
    assert [("host", "p-app", OUT)] * len(legs) == [(one.node, one.interface, one.direction) for one in before]


def test_a_port_that_left_the_bridge_is_told_as_that() -> None:
    """What came in by no port of the bridge is not turned; nor is a port judged whose flags are not known."""
    paper = docker()
    paper.wire("host:p-app", master=None)
    assert ["port-detached"] == list(dict.fromkeys(one.slug for one in told(paper, "app", "10.0.0.1", kind=TCP, port=8080)))


def test_a_port_that_is_redirected_stays_in_the_node() -> None:
    """`redirect` leads to the address of the interface that it came in by, to loopback where the node asks itself."""
    for source, target in (("other", "10.0.0.1"), ("host", "10.0.0.1")):
        paper = docker(chain("prerouting", rule("redirect", port=81)), chain("output", rule("redirect", port=81)))
        (bound,) = paper.walk(source, target, kind=TCP, port=8080).bindings
        assert ("10.0.0.1" if source == "other" else "127.0.0.1", 81) == (str(bound.now_target), bound.now_port)
    six = docker(chain("output", rule("redirect", port=81)))
    assert "::1" == str(six.walk("host", "fd00::1", kind=TCP, port=8080).bindings[0].now_target)


def test_a_rule_that_changes_nothing_binds_nothing() -> None:
    """A dnat to where it goes anyway, snat without a known address, masquerade where the interface has none."""
    paper = docker(chain("prerouting", rule("dnat")), chain("postrouting", rule("snat", "oif=p-world")))
    assert [] == paper.walk("other", WORLD).bindings
    paper = docker(chain("postrouting", rule("masquerade", "oif=p-world")))
    paper.node("host", addresses=tuple(one for one in paper.nodes["host"].addresses if one.interface != "p-world"))
    assert [] == paper.walk("other", WORLD).bindings


def test_nobody_hides_the_source() -> None:
    """The world has no way back: the host's fault; it is offered a rule in the chain that is there, or in a table of its own."""
    for chains, first in (((chain("postrouting"),), "add rule inet t postrouting"), ((chain("prerouting"),), "add table ip hiding")):
        (found,) = told(docker(*chains), "other", WORLD)
        assert ("nat-missing", "host:p-world", "reply") == (found.slug, str(found.where), found.direction)
        assert first == " ".join(found.fixes[0].commands[0].argv[1:]).partition(" ip saddr")[0]


def test_a_masquerade_of_another_interface_is_wrong() -> None:
    """A rule that would do it if it were for this interface is blamed; one of another subnet is not."""
    wrong = chain("postrouting", rule("masquerade", "saddr=10.0.0.0/24", "oif=eth7", text="saddr oif masquerade"))
    (found,) = told(docker(wrong), "other", WORLD)
    assert ("nat-wrong", True) == (found.slug, "oif masquerade: not for what leaves by p-world" in found.evidence[-1].says)
    other = chain("postrouting", rule("masquerade", "saddr=10.9.0.0/24", "oif=eth7"))
    assert ["nat-missing"] == [one.slug for one in told(docker(other), "other", WORLD)]


def test_a_rule_that_is_not_understood_is_named() -> None:
    """It may do what is missing, and nobody pretends that there is none; one that is understood and does not fit is none."""
    dark = chain("postrouting", rule("snat", "oif=p-world", "?addr=", text="snat to a riddle"))
    (found,) = told(docker(dark), "other", WORLD)
    assert ("nat-missing", True) == (found.slug, found.evidence[-1].says.endswith("snat to a riddle does is not foretold here"))
    other = chain("postrouting", rule("snat", "oif=eth7", "?addr=", text="snat to a riddle"))
    assert "riddle" not in told(docker(other), "other", WORLD)[0].evidence[-1].says
    sub = chain("", rule("snat", "?addr=", text="snat to a riddle"), name="sub", priority=0)
    below = (chain("postrouting", rule("jump", chain="sub")), sub)
    assert "riddle" in told(docker(*below), "other", WORLD)[0].evidence[-1].says


def test_a_network_that_nobody_hides_is_the_hosts_only_towards_the_world() -> None:
    """A router without rules that leads to a node without a way back is no translator."""
    text = DOCKER.replace(", nat: masquerade", "").replace("nodes:\n  app", "checks: [ping other -> world]\nnodes:\n  app")
    paper = docker(chain("prerouting"), text=text)
    assert ["nat-missing"] == [one.slug for one in told(paper, "other", WORLD)]
    routed = Paper(ROUTED)
    routed.without("b", "0.0.0.0/0")
    assert ["no-return-route"] == [one.slug for one in told(routed, "a", "10.0.2.2")]
    routed.node("r", nat=(chain("postrouting", rule("masquerade", "oif=elsewhere")),))
    assert ["no-return-route"] == [one.slug for one in told(routed, "a", "10.0.2.2")]
    routed.add("r", routes=[route("0.0.0.0/0", "right", "10.0.2.2")])  # that way is outside
    assert ["nat-wrong"] == [one.slug for one in told(routed, "a", "10.0.2.2")]
    routed.node("r", nat=(chain("postrouting"),))
    assert ["no-return-route"] == [one.slug for one in told(routed, "a", "10.0.2.2")]
    routed.hiders = frozenset({"r"})  # the lab file's ruleset of r had a rule for it
    assert ["nat-missing"] == [one.slug for one in told(routed, "a", "10.0.2.2")]
    routed.node("r", nat=(chain("postrouting", rule("masquerade", "oif=right")),))
    routed.without("b", "10.0.2.0/24")
    assert ["no-return-route"] == [one.slug for one in told(routed, "a", "10.0.2.2")][:1]


def test_a_ruleset_that_should_hide_and_is_not_the_lab_files_is_to_blame() -> None:
    """Wherever it leads the packet; unless whoever has no way back has lost a route of the lab file himself."""
    paper = Paper(ROUTED)
    paper.without("b", "0.0.0.0/0")
    paper.hiders = frozenset({"r"})
    assert ["no-return-route"] == [one.slug for one in told(paper, "a", "10.0.2.2")]  # its rules are as they should be
    flushed, lost = Drift("r", "nft", "ruleset", "differs", (("nft", "-f", "-"),)), Drift("b", "route", "default via 10.0.2.1", "missing")
    paper.drift = (flushed,)
    (found,) = told(paper, "a", "10.0.2.2")
    assert ("nat-missing", "r:right", "reply") == (found.slug, str(found.where), found.direction)
    assert ("nft", "-f", "-") == candidates(found, paper.drift)[0].commands[0].argv
    paper.drift = (flushed, lost)
    assert ["no-return-route"] == [one.slug for one in told(paper, "a", "10.0.2.2")]


def test_an_answer_that_passes_by_who_translated_may_be_lost() -> None:
    """Nobody hides who asks beside the server: its answer is from an address that was not asked. Only a packet tells: a suspect."""
    paper = docker(chain("prerouting", IN_RULE), chain("postrouting", OUT_RULE))
    (one,) = paper.walk("other", "10.0.0.1", kind=TCP, port=8080).obstacles
    assert ("nat-missing", "host:br0", "reply", True) == (one.finding.slug, str(one.finding.where), one.finding.direction, one.suspect)
    assert [] == docker().walk("other", "10.0.0.1", kind=TCP, port=8080).obstacles


def test_a_translated_packet_that_comes_back_goes_in_a_circle() -> None:
    """Its source is the router's own by now, which refuses that from outside; whoever sent it back is to blame."""
    paper = Paper(ROUTED)
    paper.node("r", nat=(chain("postrouting", rule("masquerade", "oif=right")),))
    paper.node("b", sysctls={**paper.nodes["b"].sysctls, "net.ipv4.ip_forward": "1"})
    paper.add("r", routes=[route("192.0.2.0/24", "right", "10.0.2.2")])
    paper.says[Route("r", ip_address("192.0.2.9"), ip_address("10.0.2.1"), "right")] = Routed(error=22, says="Invalid argument")
    paper.says[Route("b", ip_address("192.0.2.9"), ip_address("10.0.2.1"), "eth0")] = Routed(interface="eth0", via=ip_address("10.0.2.1"))
    assert "routing-loop at b:eth0" in paper.obstacles("a", "192.0.2.9")


def test_nobody_is_blamed_for_what_he_never_sent() -> None:
    """The request ends before, or in, the node that would have hidden its source: that the answer would be lost is not said."""
    paper = docker(chain("prerouting"))
    paper.says[Route("host", ip_address(WORLD), ip_address("10.0.0.3"), "br0")] = Routed(interface="ghost")
    assert [] == told(paper, "other", WORLD)
    paper.hidden = ()
    assert ["no-return-route"] == [one.slug for one in told(paper, "other", WORLD)]
    cut = docker()
    cut.without("host", "0.0.0.0/0")
    assert ["no-route"] == [one.slug for one in told(cut, "other", WORLD)]


def test_a_source_that_the_host_does_not_have_is_wrong() -> None:
    """Nobody has it, or somebody else does; the rule may masquerade instead, or go."""
    nobody = chain("postrouting", rule("snat", "oif=p-world", to="198.51.100.9", text="oif p-world snat to 198.51.100.9"))
    (found,) = told(docker(nobody), "other", WORLD)
    assert ("nat-wrong", "host:p-world") == (found.slug, str(found.where))
    assert ["replace", "delete"] == [fix.commands[0].argv[1] for fix in found.fixes]
    theirs = chain("postrouting", rule("snat", "oif=p-world", to="10.0.0.2", text="by a map"))
    found = next(one for one in told(docker(theirs), "other", WORLD) if one.slug == "nat-wrong")
    assert ("host sends the packet as from 10.0.0.2, which is app's", ["delete"]) == (
        found.summary, [fix.commands[0].argv[1] for fix in found.fixes],
    )


def test_a_pool_that_is_routed_to_the_host_is_nobodys_mistake() -> None:
    """The answer to an address of it comes back to the host; what stops it behind that is told as what it is."""
    paper = docker(chain("postrouting", rule("snat", "oif=p-world", to="192.0.2.9")))
    paper.add("world", routes=(route("192.0.2.0/24", "eth0", "198.51.100.2"),))
    assert [] == told(paper, "other", WORLD)
    paper.add("host", neighbours=(entry("br0", "10.0.0.3", "02:00:00:00:00:99", "permanent"),))
    assert [("neighbour-wrong", "host:br0")] == [(one.slug, str(one.where)) for one in told(paper, "other", WORLD)]


def test_the_host_keeps_what_comes_for_a_published_port() -> None:
    """Nothing leads it on: nat-missing; a rule for another interface does not: nat-wrong."""
    (found,) = told(docker(chain("postrouting", *BACK)), "other", "10.0.0.1", kind=TCP, port=8080)
    assert ("nat-missing", "host", "prerouting") == (found.slug, str(found.where), found.where.stage)
    elsewhere = chain("prerouting", rule("dnat", "iif=eth7", "dport=8080", to="10.0.0.2", port=80))
    (found,) = told(docker(elsewhere), "other", "10.0.0.1", kind=TCP, port=8080)
    assert ("nat-wrong", "delete") == (found.slug, found.fixes[0].commands[0].argv[1])
    (found,) = told(docker(chain("prerouting", IN_RULE)), "host", "10.0.0.1", kind=TCP, port=8080)
    assert ("nat-missing", "output") == (found.slug, found.where.stage)
    assert ["port-closed"] == [one.slug for one in told(docker(), "other", "10.0.0.1", kind=TCP, port=9)]


def test_a_destination_that_is_not_meant_is_wrong() -> None:
    """Another port, an address that nobody has, another node; where the file says nothing, only what nobody has is."""
    for to, port, summary in (
        ("10.0.0.2", 81, "host leads the packet to 10.0.0.2 port 81"), ("10.0.0.3", 80, "host leads the packet to 10.0.0.3 port 80"),
        ("10.0.0.9", 80, "host leads the packet to 10.0.0.9 port 80, which nobody has"),
    ):
        paper = docker(chain("prerouting", rule("dnat", to=to, port=port)))
        found = next(one for one in told(paper, "other", "10.0.0.1", kind=TCP, port=8080) if one.slug == "nat-wrong")
        assert (summary, True) == (found.summary, "the lab file means app" in found.evidence[-1].says)
    unmeant = told(docker(chain("prerouting", rule("dnat", to="10.0.0.2", port=81))), "other", "10.0.0.1", kind=TCP, port=9)
    assert ["port-closed", "nat-missing"] == [one.slug for one in unmeant]  # and whoever answered there would pass by the host
    assert ["nat-wrong"] == [one.slug for one in told(docker(chain("prerouting", rule("dnat", to="10.0.0.9"))), "other", "10.0.0.1")]


def test_the_right_rule_is_not_blamed_for_what_is_behind_it() -> None:
    """The node is down, or does not serve: its own fault. So is a host that does not forward."""
    paper = docker()
    paper.interface("app:eth0", up=False)
    assert {"link-down"} == {one.slug for one in told(paper, "other", "10.0.0.1", kind=TCP, port=8080)}
    still = docker(chain("prerouting", rule("dnat", to="198.51.100.1")))
    for name, one in still.nodes["host"].interfaces.items():
        still.interface(f"host:{name}", ipv4={**one.ipv4, "forwarding": 0})
    assert "forwarding-off" == told(still, "other", "10.0.0.1")[0].slug


def test_127_0_0_1_may_not_leave_by_a_bridge_without_route_localnet() -> None:
    """The kernel refuses the second routing: the setting is told; of other sources the route is to blame."""
    paper = docker()
    target, own = ip_address("10.0.0.2"), ip_address("127.0.0.1")
    paper.says[Route("host", target, own)] = Routed(22, "RTNETLINK answers: Invalid argument", "")
    (found,) = told(paper, "host", "127.0.0.1", kind=TCP, port=8080)
    assert ("nat-missing", "host:br0", "sysctl") == (found.slug, str(found.where), found.fixes[0].commands[0].argv[0])
    six = docker(chain("output", rule("dnat", to="fd77::1", port=80)))
    six.without("host", "::/0")
    assert ["no-route"] == [one.slug for one in told(six, "host", "::1", kind=TCP, port=8080)]
    plain = docker(chain("output", rule("dnat", to="10.77.0.1", port=80)))
    plain.without("host", "0.0.0.0/0")
    assert ["no-route", "no-route"] == [
        one.slug for target in ("10.0.0.1", "127.0.0.1") for one in told(plain, "host", target, kind=TCP, port=8080)
    ]


def test_a_source_that_is_somebodys_own_has_to_be_hidden() -> None:
    """The node takes 127.0.0.1, and its own address, for its own: the host lets it out as it is."""
    paper = docker(chain("prerouting", IN_RULE), chain("output", IN_RULE), chain("postrouting", OUT_RULE))
    paper.says[Route("host", ip_address("10.0.0.2"), ip_address("127.0.0.1"))] = Routed(interface="br0", source=ip_address("127.0.0.1"))
    for source, target in (("host", "127.0.0.1"), ("app", "10.0.0.1")):
        found = told(paper, source, target, kind=TCP, port=8080)[0]
        assert ("nat-missing", "host:br0", "postrouting") == (found.slug, str(found.where), found.where.stage)
    strict = docker(chain("prerouting", IN_RULE))
    strict.node("app", all4={"rp_filter": 1})
    strict.without("app", "0.0.0.0/0", "10.0.0.0/24")
    assert "nat-missing" not in {one.slug for one in told(strict, "other", "10.0.0.1", kind=TCP, port=8080)}


def test_what_it_is_translated_into_is_looked_for() -> None:
    """Nobody may see it before, so the probe is told what it becomes."""
    paper = docker()
    paper.explain("other", "10.0.0.1", kind=TCP, port=8080)
    asked = next(one for one in paper.asked if isinstance(one, Observe))
    assert ((ip_address("10.0.0.2"), 80),) == asked.targets


def test_hops_tell_addresses_and_by_which_rule_they_changed() -> None:
    """Source and target stand at each hop of a packet that is translated; what turns an answer back is the kernel's memory."""
    way = docker().walk("other", WORLD)
    seen = [("other:eth0", OUT, "request", ("10.0.0.3", WORLD)), ("host:p-world", OUT, "request", ("198.51.100.2", WORLD)),
            ("world:eth0", OUT, "reply", (WORLD, "198.51.100.2")), ("other:eth0", IN, "reply", (WORLD, "10.0.0.3")),
            ("world:eth0", IN, "error", ())]
    spotted = tuple(sighting(place, way_, what, ends=ends, ns=ns) for ns, (place, way_, what, ends) in enumerate(seen))
    request, reply = hops(way, Observed(ok=True, sightings=spotted))
    assert [
        f"request 10.0.0.3 → {WORLD}", f"request 198.51.100.2 → {WORLD}: masquerade by inet t postrouting handle 7",
        f"reply {WORLD} → 198.51.100.2", f"reply {WORLD} → 10.0.0.3: turned back", "ICMP error from None",
    ] == [one.note for one in (*request, *reply)]
    late = replace(spotted[1], node="world", interface="eth0", direction=IN, ends=("198.51.100.2", "9.9.9.9"))
    assert ("request 198.51.100.2 → 9.9.9.9: translated",) == tuple(one.note for one in hops(way, Observed(ok=True, sightings=(late,)))[0])
