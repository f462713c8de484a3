"""Checks become paths: who sends to which address, from where, to which port."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest
from tests.topologies import campus, direct, end

from vethlab.errors import UsageError
from vethlab.model.nat import Publish
from vethlab.model.path import Landing, Path
from vethlab.model.topology import Cable, Check, CheckEnd, Network, Node, Topology
from vethlab.plan.paths import NO_ADDRESS, expand, samples


def node(*names: str, interface: str | None = None, port: int | None = None) -> CheckEnd:
    """A side of a check that names nodes."""
    return CheckEnd(nodes=names, interface=interface, port=port)


ALL = CheckEnd(word="all")


def paths_of(topology: Topology, *checks: Check, seed: int = 0) -> tuple[Path, ...]:
    """The paths of these checks."""
    return expand(replace(topology, checks=checks), seed=seed)


def routes_of(paths: tuple[Path, ...]) -> list[tuple[str, str, str]]:
    """Source, target as people call it, and address of each path."""
    return [(path.src, path.target, str(path.dst)) for path in paths]


def two_homed(**keys: Any) -> Topology:
    """`a` and `b` on two cables; `b` is first reached through a subnet that `a` is not on."""
    cables = (
        Cable(end("r", "eth0", "10.1.0.1/24"), end("b", "eth0", "10.1.0.2/24")),
        Cable(end("a", "eth0", "10.2.0.1/24", "fd00:2::1/64"), end("b", "eth1", "10.2.0.2/24", "fd00:2::2/64")),
    )
    return Topology("two", (Node("r"), Node("a"), Node("b")), cables, **keys)


def test_no_checks_means_all_pairs() -> None:
    """Without checks every node pings every other node, in file order, and the paths belong to no check."""
    paths = expand(direct())
    assert [("ns1", "ns2", "30.1.1.11"), ("ns2", "ns1", "30.1.1.10")] == routes_of(paths)
    assert {-1} == {path.check for path in paths}
    assert {"ping"} == {path.kind for path in paths}


def test_all_leaves_out_hosts_and_oneself() -> None:
    """`all` is every node of role node, and nobody is paired with itself."""
    topology = replace(direct(), nodes=(Node("ns1"), Node("ns2"), Node("machine", role="host")))
    assert [("ns1", "ns2", "30.1.1.11"), ("ns2", "ns1", "30.1.1.10")] == routes_of(paths_of(topology, Check("ping", ALL, ALL)))


def test_a_range_skips_itself() -> None:
    """A range to the same range gives each ordered pair once, without the diagonal."""
    several = node("a", "b", "c")
    found = [(path.src, path.target) for path in paths_of(campus(), Check("ping", several, several))]
    assert [("a", "b"), ("a", "c"), ("b", "a"), ("b", "c"), ("c", "a"), ("c", "b")] == found


def test_a_node_may_ping_itself() -> None:
    """One node named on both sides is a path: the tutorial's cable with both ends in one namespace."""
    cable = Cable(end("box", "veth0", "30.1.1.10/24"), end("box", "veth1", "30.1.1.11/24"))
    topology = Topology("loopy", (Node("box"),), (cable,))
    (path,) = paths_of(topology, Check("ping", node("box", interface="veth0"), node("box", interface="veth1")))
    assert Path(
        "ping", "box", ip_address("30.1.1.11"), "box:veth1", "box", interface="veth0", check=0, source=ip_address("30.1.1.10"),
    ) == path


def test_a_shared_subnet_is_preferred() -> None:
    """Of a node's several addresses the one on a subnet of the source is taken, though another comes first in the file."""
    assert [("a", "b", "10.2.0.2")] == routes_of(paths_of(two_homed(), Check("ping", node("a"), node("b"))))


def test_the_first_address_in_file_order_is_taken() -> None:
    """Without a shared subnet the first address of a family the source has is taken."""
    assert [("r", "a", "10.2.0.1")] == routes_of(paths_of(two_homed(), Check("ping", node("r"), node("a"))))


def test_the_family_of_the_source_decides() -> None:
    """A source with IPv6 only aims at the target's IPv6 address, though an IPv4 address comes first."""
    six = Cable(end("x", "eth0", "fd00:9::1/64"), end("r", "eth1", "fd00:9::2/64"))
    topology = replace(two_homed(), nodes=(*two_homed().nodes, Node("x")), cables=(*two_homed().cables, six))
    assert [("x", "a", "fd00:2::1")] == routes_of(paths_of(topology, Check("ping", node("x"), node("a"))))


def test_without_a_common_family_the_first_address_is_taken() -> None:
    """Where nothing fits, the path still names an address, and the probe will tell why it cannot be reached."""
    topology = replace(two_homed(), nodes=(*two_homed().nodes, Node("empty")))
    assert [("empty", "a", "10.2.0.1")] == routes_of(paths_of(topology, Check("ping", node("empty"), node("a"))))


def test_a_target_interface_narrows_the_address() -> None:
    """`b:eth0` means an address of that interface, whatever subnet is shared."""
    assert [("a", "b:eth0", "10.1.0.2")] == routes_of(paths_of(two_homed(), Check("ping", node("a"), node("b", interface="eth0"))))


@pytest.mark.parametrize(("target", "source"), [("10.2.0.2", "10.2.0.1"), ("fd00:2::2", "fd00:2::1"), ("10.9.9.9", "10.2.0.1")])
def test_a_bound_interface_gives_the_source_address(target: str, source: str) -> None:
    """`a:eth0` binds to the device and sends from that interface's address of the target's family."""
    (path,) = paths_of(two_homed(), Check("ping", node("a", interface="eth0"), CheckEnd(address=ip_address(target))))
    assert ("eth0", ip_address(source)) == (path.interface, path.source)


def test_the_source_address_on_the_targets_subnet_wins() -> None:
    """An interface with two addresses sends from the one whose subnet holds the target."""
    cable = Cable(end("a", "eth0", "10.1.0.1/24", "10.2.0.1/24"), end("b", "eth0", "10.2.0.2/24"))
    topology = Topology("t", (Node("a"), Node("b")), (cable,))
    (path,) = paths_of(topology, Check("ping", node("a", interface="eth0"), node("b")))
    assert ip_address("10.2.0.1") == path.source


def test_a_bound_interface_without_fitting_address_leaves_the_source_open() -> None:
    """Where the interface has no address of the family, the kernel chooses."""
    (path,) = paths_of(two_homed(), Check("ping", node("r", interface="eth0"), CheckEnd(address=ip_address("fd00:2::2"))))
    assert path.source is None


def test_an_address_leads_to_the_node_that_owns_it() -> None:
    """A target given as an address is resolved to its node, for taps and readiness; a foreign one has none."""
    checks = [Check("ping", node("a"), CheckEnd(address=ip_address(target))) for target in ("10.1.0.2", "9.9.9.9")]
    found = paths_of(two_homed(), *checks)
    assert [("b", "10.1.0.2"), (None, "9.9.9.9")] == [(path.dst_node, path.target) for path in found]


def test_an_address_may_be_a_source() -> None:
    """A check that starts at an address starts in its node, from that address."""
    (path,) = paths_of(two_homed(), Check("ping", CheckEnd(address=ip_address("10.1.0.2")), node("a")))
    assert ("b", ip_address("10.1.0.2")) == (path.src, path.source)


def test_host_is_the_labs_own_machine() -> None:
    """`host` is reached at its bridges' gateway addresses, and sends from the lab's private host namespace."""
    bridge = Network("br0", campus().networks[0].ports, gateway=(ip_interface("10.9.1.254/24"),))
    topology = replace(campus(), networks=(bridge,))
    found = paths_of(
        topology, Check("ping", node("a"), CheckEnd(word="host")), Check("ping", node("a"), CheckEnd(word="host", interface="br0")),
        Check("ping", CheckEnd(word="host"), node("a")),
    )
    assert [("a", "host", "10.9.1.254"), ("a", "host:br0", "10.9.1.254"), ("host", "a", "10.9.1.11")] == routes_of(found)


def test_localhost_is_the_source_itself() -> None:
    """`localhost:PORT` is the loopback address in the source's own namespace."""
    (path,) = paths_of(direct(), Check("tcp", node("ns1"), CheckEnd(word="localhost", port=8080)))
    assert ("localhost", "127.0.0.1", "ns1", 8080) == (path.target, str(path.dst), path.dst_node, path.port)


def test_loopbacks_come_last() -> None:
    """A node's loopback address is used only where it has no other."""
    lonely = Node("lonely", loopbacks=(ip_interface("10.255.0.9/32"),))
    homed = Node("ns1", loopbacks=(ip_interface("10.255.0.1/32"),))
    topology = replace(direct(), nodes=(homed, Node("ns2"), lonely))
    found = paths_of(topology, Check("ping", node("ns2"), node("ns1")), Check("ping", node("ns2"), node("lonely")))
    assert [("ns2", "ns1", "30.1.1.10"), ("ns2", "lonely", "10.255.0.9")] == routes_of(found)


def test_a_node_without_address_is_not_dropped() -> None:
    """A target without any address gives a path to the unspecified address, so that it fails instead of vanishing."""
    topology = replace(direct(), nodes=(Node("ns1"), Node("bare")))
    assert [("ns1", "bare", str(NO_ADDRESS))] == routes_of(paths_of(topology, Check("ping", node("ns1"), node("bare"))))


def test_ports() -> None:
    """HTTP goes to port 80 unless another is named; a ping has no port."""
    found = paths_of(
        direct(), Check("http", node("ns1"), node("ns2")), Check("http", node("ns1"), node("ns2", port=8080)),
        Check("udp", node("ns1"), node("ns2", port=53)), Check("ping", node("ns1"), node("ns2")),
    )
    assert [80, 8080, 53, None] == [path.port for path in found]


def test_a_tcp_check_needs_a_port() -> None:
    """A tcp check without a port is a mistake, with an example of what is right."""
    with pytest.raises(UsageError, match="names no port") as caught:
        paths_of(direct(), Check("tcp", node("ns1"), node("ns2"), text="tcp ns1 -> ns2"))
    assert "for example `tcp ns2:80`" == caught.value.help


def test_the_world_is_outside() -> None:
    """`world` has an address of the documentation ranges, of the version that the source has."""
    (four,) = paths_of(direct(), Check("ping", node("ns1"), CheckEnd(word="world")))
    assert ("world", "203.0.113.1", "world") == (four.target, str(four.dst), four.dst_node)
    six = Cable(end("a", "eth0", "fd00::1/64"), end("b", "eth0", "fd00::2/64"))
    found = paths_of(Topology("six", (Node("a"), Node("b")), (six,)), Check("ping", node("a"), CheckEnd(word="world")))
    assert ["2001:db8:ffff::1"] == [str(path.dst) for path in found]


def published() -> Topology:
    """A bridge whose host has an address, and a node that publishes ports of it."""
    bridge = Network("br0", campus().networks[0].ports, gateway=(ip_interface("10.9.1.254/24"),))
    first, *others = campus().nodes
    name = bridge.ports[0].endpoint.node
    ports = (Publish(8080, 80), Publish(53, 53, "udp"), Publish(81, 82, address=ip_address("10.9.1.254")))
    nodes = tuple(replace(one, publish=ports) if one.name == name else one for one in (first, *others))
    return replace(campus(), nodes=nodes, networks=(bridge,))


def test_a_published_port_leads_into_a_node() -> None:
    """Whoever asks the host for it is answered by the node; from the host itself localhost leads there too, from elsewhere not."""
    topology, host, here = published(), CheckEnd(word="host"), CheckEnd(word="localhost", port=8080)
    name, address = topology.networks[0].ports[0].endpoint.node, topology.networks[0].ports[0].endpoint.addresses[0].ip
    found = paths_of(
        topology, Check("http", host, here), Check("tcp", node("a"), here), Check("udp", node("a"), replace(host, port=53)),
        Check("tcp", node("a"), replace(host, port=53)), Check("tcp", node("a"), replace(host, port=81)),
        Check("tcp", host, CheckEnd(word="localhost", port=81)), Check("ping", node("a"), host),
    )
    leads = [path.leads for path in found]
    assert [Landing(name, address, 80), None, Landing(name, address, 53), None, Landing(name, address, 82), None, None] == leads
    assert [Landing(name, address, 80), Landing("a", found[1].dst, 8080)] == [path.end for path in found[:2]]


@pytest.mark.parametrize("source", [CheckEnd(word="localhost"), CheckEnd(address=ip_address("9.9.9.9"))])
def test_a_check_starts_at_somebody(source: CheckEnd) -> None:
    """Nothing can be sent from nobody, or from an address that nobody owns."""
    with pytest.raises(UsageError, match="cannot start at"):
        paths_of(direct(), Check("ping", source, node("ns1")))


def test_the_world_asks_the_host_by_the_only_address_that_it_knows() -> None:
    """The world is a node of the lab: it asks the host's outer address, and a node by its own."""
    topology, world = campus(), CheckEnd(word="world")
    found = paths_of(topology, Check("ping", world, CheckEnd(word="host")), Check("ping", world, node("a")), Check("ping", world, CheckEnd(
        address=ip_address("198.51.100.2"))))
    assert [("world", "198.51.100.2", "host"), ("world", str(found[1].dst), "a"), ("world", "198.51.100.2", "host")] == [
        (path.src, str(path.dst), path.dst_node) for path in found
    ]


def test_what_the_check_says_stays_with_the_path() -> None:
    """Expectation, via, bound and the number of the check are carried along."""
    first = Check("ping", node("ns1"), node("ns2"))
    (_other, path) = paths_of(direct(), first, replace(first, expect="blocked", via="ns2", within=0.005))
    assert ("blocked", "ns2", 0.005, 1) == (path.expect, path.via, path.within, path.check)


def test_a_sample_is_repeatable() -> None:
    """The same seed chooses the same pairs, in file order; the sentence about it names the seed."""
    check = Check("ping", ALL, ALL, sample=4, text="ping all -> all")
    topology = replace(campus(), checks=(check,))
    whole = [(path.src, path.target) for path in paths_of(campus(), replace(check, sample=None))]
    chosen = [(path.src, path.target) for path in expand(topology, seed=7)]
    assert chosen == [(path.src, path.target) for path in expand(topology, seed=7)]
    assert 4 == len(set(chosen))
    assert sorted(chosen, key=whole.index) == chosen
    assert (f"`ping all -> all`: 4 of {len(whole)} pairs, chosen with seed 7",) == samples(topology, seed=7)


def test_another_seed_chooses_otherwise() -> None:
    """Samples of different seeds differ (for these two seeds)."""
    topology = replace(campus(), checks=(Check("ping", ALL, ALL, sample=4),))
    assert expand(topology, seed=1) != expand(topology, seed=2)


def test_a_sample_larger_than_the_check_is_the_check() -> None:
    """Nothing is chosen, and nothing is said, where the sample holds every pair."""
    topology = replace(direct(), checks=(Check("ping", ALL, ALL, sample=99),))
    assert expand(direct())[0].dst == expand(topology)[0].dst
    assert () == samples(topology)


def test_an_endpoint_of_an_unlisted_node_is_known() -> None:
    """Addresses of a network's own namespace count even if it is no declared node."""
    network = Network("br0", (), on="machine", gateway=(ip_interface("10.3.0.1/24"),))
    topology = replace(direct(), networks=(network,))
    (path,) = paths_of(topology, Check("ping", node("ns1"), CheckEnd(address=ip_address("10.3.0.1"))))
    assert "machine" == path.dst_node
