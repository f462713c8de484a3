"""Topology -> State: what a lab file asks of the kernel."""

from __future__ import annotations

import zlib
from dataclasses import replace
from ipaddress import ip_interface

import pytest
from tests.topologies import campus, direct, end

from vethlab.model.link import BridgePort, End
from vethlab.model.state import Address, Process
from vethlab.model.topology import Cable, Network, Node, Port, Topology
from vethlab.plan.desired import desired, with_sysctls


def test_a_cable_becomes_two_links_that_name_each_other() -> None:
    """Both ends of a cable are links whose peer is the other end."""
    state = desired(direct())
    assert End("ns2", "veth1") == state.netns["ns1"].links["veth0"].peer
    assert End("ns1", "veth0") == state.netns["ns2"].links["veth1"].peer


def test_every_lab_has_a_host_namespace_with_lo_up() -> None:
    """`host` exists even where nothing is in it, and its loopback is up."""
    state = desired(direct())
    assert ["host", "ns1", "ns2"] == list(state.netns)
    assert state.netns["host"].links["lo"].up


def test_macs_are_unique_stable_and_locally_administered() -> None:
    """The same file gives the same MAC addresses, no two alike, all with the local bit (IEEE 802)."""
    first, second = desired(campus()), desired(campus())
    macs = [link.mac for one in first.netns.values() for link in one.links.values() if link.mac]
    assert len(macs) == len(set(macs))
    assert all(mac.startswith("02:") for mac in macs)
    assert macs == [link.mac for one in second.netns.values() for link in one.links.values() if link.mac]


def test_colliding_macs_are_moved_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two names hash to one MAC, the second gets the next free one."""
    monkeypatch.setattr(zlib, "crc32", lambda *_: 7)
    state = desired(direct())
    assert "02:00:00:00:07:07" == state.netns["ns1"].links["veth0"].mac
    assert "02:00:00:00:07:08" == state.netns["ns2"].links["veth1"].mac


def test_a_declared_mac_is_kept() -> None:
    """A MAC of the lab file is used as it is."""
    cable = Cable(replace(end("a", "eth0"), mac="02:00:00:00:00:01"), end("b", "eth0"))
    assert "02:00:00:00:00:01" == desired(Topology("x", (Node("a"), Node("b")), (cable,))).netns["a"].links["eth0"].mac


def test_bridge_ports_have_a_master_and_no_link_local_address() -> None:
    """A port belongs to its bridge, keeps its long name as alias, and makes no IPv6 noise of its own."""
    port = Port(end("a-very-long-node-name", "eth0"), "p-a-very-l-1234", alias="p-a-very-long-node-name", isolated=True)
    network = Network("br0", (port,), gateway=(ip_interface("10.0.0.1/24"),))
    state = desired(Topology("x", (Node("a-very-long-node-name"),), (), (network,)))
    link = state.netns["host"].links["p-a-very-l-1234"]
    assert ("br0", BridgePort(isolated=True), "p-a-very-long-node-name", False) == (link.master, link.port, link.alias, link.link_local)
    held = {str(one.address.ip) for one in state.netns["host"].addresses if one.interface == "br0"}
    assert {"10.0.0.1"} == {text for text in held if not text.startswith("fe80")}
    assert {"br0"} == {one.interface for one in state.netns["host"].addresses}


def test_the_link_local_address_follows_from_the_mac() -> None:
    """The address is the one the kernel would make (RFC 4291: the local bit turned, ff:fe in the middle)."""
    cable = Cable(replace(end("a", "eth0"), mac="02:11:22:33:44:55"), end("b", "eth0"))
    state = desired(Topology("x", (Node("a"), Node("b")), (cable,)))
    assert frozenset({Address("eth0", ip_interface("fe80::11:22ff:fe33:4455/64"))}) == state.netns["a"].addresses


def test_no_link_local_address_where_ipv6_is_off() -> None:
    """Not with `ipv6: none`, not on a kernel without IPv6, not below its smallest MTU, not where the node switched it off."""
    off = Node("ns1", sysctl=(("net.ipv6.conf.veth0.disable_ipv6", "1"),))
    lab = direct()
    small = replace(lab, cables=(replace(lab.cables[0], mtu=1000),))
    for state in (
        desired(direct(ipv6="none")), desired(lab, ipv6=False), desired(small), desired(replace(lab, nodes=(off, lab.nodes[1]))),
    ):
        assert {"30.1.1.10/24"} == {str(one.address) for one in state.netns["ns1"].addresses}


def test_a_kernel_without_ipv6_is_asked_nothing_of_it() -> None:
    """No IPv6 sysctl is declared where the kernel has none."""
    state = desired(campus(), ipv6=False)
    assert not [key for one in state.netns.values() for key in one.sysctls if "ipv6" in key]


def test_what_a_node_declares_reaches_its_namespace() -> None:
    """forward, sysctl, nft, run and loopbacks are all in the state; a declared sysctl wins over the baseline."""
    node = Node(
        "r", forward=True, sysctl=(("net.ipv4.ip_default_ttl", "9"), ("a", "2")), nft="table ip x {}", run="sleep 9", private=("/var/lib",),
        loopbacks=(ip_interface("10.255.0.1/32"),),
    )
    one = desired(Topology("x", (node,)), {"a": "1", "b": "1"}).netns["r"]
    forwarding = {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}
    assert {"a": "2", "b": "1", "net.ipv4.ip_default_ttl": "9", **forwarding} == one.sysctls
    assert ("table ip x {}", (Process("sleep 9", ("/var/lib",)),)) == (one.nft, one.processes)
    assert frozenset({Address("lo", ip_interface("10.255.0.1/32"))}) == one.addresses


def test_a_declared_route_wins_over_a_computed_one() -> None:
    """`routing: shortest-path` does not add a second route to a destination the node routes itself."""
    state = desired(campus(routing="shortest-path"))
    told = {name: sorted(str(route.destination) for route in state.netns[name].routes) for name in ("a", "d")}
    assert {"a": ["0.0.0.0/0", "10.9.2.0/24"], "d": ["0.0.0.0/0", "10.9.1.0/24"]} == told


def test_ipv6_none_switches_link_local_addresses_off() -> None:
    """`ipv6: none` asks for addr_gen_mode none on nodes and bridges."""
    state = desired(campus(ipv6="none"))
    assert not state.netns["a"].links["eth0"].link_local
    assert not state.netns["host"].links["br0"].link_local


def test_with_sysctls_adds_what_the_state_does_not_say() -> None:
    """Watched values are added, declared ones stay, and untouched namespaces are the same objects."""
    state = desired(direct(), {"a": "1"})
    more = with_sysctls(state, {"ns1": {"a": "9", "b": "2"}})
    assert {"a": "1", "b": "2"} == more.netns["ns1"].sysctls
    assert more.netns["ns2"] is state.netns["ns2"]
