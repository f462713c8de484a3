"""NAT as values: which host translates what, and what its kernel has to be told."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest
from tests.topologies import campus, end

from vethlab.model.names import HOST
from vethlab.model.nat import Publish
from vethlab.model.topology import Check, CheckEnd, Network, Node, Port, Topology
from vethlab.plan import nat
from vethlab.plan.desired import desired
from vethlab.plan.hosts import hosts

TO_WORLD = Check("ping", CheckEnd(("a",)), CheckEnd(word="world"))


FOUR, SIX = ("10.0.0.2/24", "10.0.0.1/24"), ("fd00::2/64", "fd00::1/64")  # the node's address and the host's


def lab(*publish: Publish, pairs: tuple[tuple[str, str], ...] = (FOUR,), **keys: Any) -> Topology:
    """One node on one bridge."""
    addresses, gateway = zip(*pairs, strict=True)
    ports = (Port(end("a", "eth0", *addresses), "p-a"),)
    network = Network("br0", ports, gateway=tuple(ip_interface(one) for one in gateway), **keys)
    return Topology("lab", (Node("a", publish=publish),), (), (network,))


def test_a_lab_without_nat_is_what_it_was() -> None:
    """No table, no sysctl, no world."""
    plain = desired(campus())
    assert (None, {}, False) == (plain.netns[HOST].table, nat.sysctls(campus(), HOST), "world" in plain.netns)


@pytest.mark.parametrize(
    ("topology", "expected"),
    [
        (lab(Publish(80, 80)), {"net.ipv4.ip_forward": "1", "net.ipv4.conf.br0.route_localnet": "1"}),
        (lab(Publish(80, 80, address=ip_address("10.0.0.1"))), {"net.ipv4.ip_forward": "1"}),
        (lab(Publish(80, 80, address=ip_address("127.0.0.1"))), {"net.ipv4.ip_forward": "1", "net.ipv4.conf.br0.route_localnet": "1"}),
        (lab(nat="masquerade", subnets=(ip_network("10.0.0.0/24"),)), {"net.ipv4.ip_forward": "1"}),
        (
            lab(Publish(80, 80, address=ip_address("::")), pairs=(SIX,)),
            {"net.ipv6.conf.all.forwarding": "1"},
        ),
        (replace(lab(), checks=(TO_WORLD,)), {"net.ipv4.ip_forward": "1"}),
        (lab(on="a", nat="masquerade"), {}),
    ],
)
def test_the_host_forwards_only_where_it_must(topology: Topology, expected: dict[str, str]) -> None:
    """By IP version; 127.0.0.1 may leave only where a port is published there."""
    assert expected == nat.sysctls(topology, HOST)


def test_another_host_translates_what_is_on_it() -> None:
    """A network on a node is that node's, world or not."""
    topology = lab(on="a", nat="masquerade")
    table = nat.table(topology, "a")
    assert (None, True) == (nat.table(topology, HOST), table is not None and 'oifname != { "lo", "br0" } masquerade' in table.text)
    assert ({"net.ipv4.ip_forward": "1"}, False) == (nat.sysctls(topology, "a"), topology.has_world)


def test_a_kernel_without_ipv6_is_not_told_to_forward_it() -> None:
    """Neither the sysctl nor the world's IPv6 address is asked for."""
    host = desired(lab(nat="masquerade", pairs=(FOUR, SIX)), ipv6=False).netns[HOST]
    assert {"net.ipv4.ip_forward": "1"} == dict(host.sysctls)
    assert [4] == [route.destination.version for route in host.routes]


def test_the_world_knows_no_private_subnet() -> None:
    """It has the way to the host that it shares a cable with, and no route; the host sends it everything else."""
    state = desired(lab(nat="masquerade"))
    world, host = state.netns["world"], state.netns[HOST]
    assert (frozenset(), {"198.51.100.1", "2001:db8:fffe::1"}) == (world.routes, {str(one.next_hops[0].via) for one in host.routes})
    assert "203.0.113.1\tworld" in hosts(lab(nat="masquerade")).splitlines()


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (Publish(80, 80), Publish(80, 81), True), (Publish(80, 80), Publish(81, 80), False),
        (Publish(80, 80), Publish(80, 80, "udp"), False),
        (Publish(80, 80), Publish(80, 80, address=ip_address("10.0.0.1")), True),
        (Publish(80, 80, address=ip_address("10.0.0.2")), Publish(80, 80, address=ip_address("10.0.0.1")), False),
        (Publish(80, 80, address=ip_address("10.0.0.1")), Publish(80, 80, address=ip_address("10.0.0.1")), True),
        (Publish(80, 80, address=ip_address(0)), Publish(80, 80, address=ip_address("::")), False),
    ],
)
def test_one_port_of_the_host_leads_to_one_place(one: Publish, other: Publish, clash: bool) -> None:
    """Two clash where one packet could be meant for both."""
    assert (clash, clash) == (one.clashes(other), other.clashes(one))


def test_a_published_port_is_told_as_the_file_says_it() -> None:
    """An address of either version, and the protocol only where it is not TCP."""
    six = Publish(8080, 80, "udp", ip_address("fd00::1"))
    four = Publish(1, 2, address=ip_address("10.0.0.1"))
    assert ["8080:80", "10.0.0.1:1:2", "[fd00::1]:8080:80/udp"] == [str(one) for one in (Publish(8080, 80), four, six)]
