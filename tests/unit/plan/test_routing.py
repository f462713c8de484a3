"""Shortest paths as static routes."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

from tests.topologies import campus, end

from vethlab.model.route import NextHop, Route
from vethlab.model.topology import Cable, Node, Topology
from vethlab.plan.routing import shortest_paths


def diamond() -> Topology:
    """A and z joined by two equal routers."""
    nodes = (Node("a", loopbacks=(ip_interface("10.255.0.1/32"),)), Node("x", forward=True), Node("y", forward=True), Node("z"))
    cables = (
        Cable(end("a", "eth0", "10.0.0.0/31"), end("x", "eth0", "10.0.0.1/31")),
        Cable(end("a", "eth1", "10.0.0.2/31"), end("y", "eth0", "10.0.0.3/31")),
        Cable(end("x", "eth1", "10.0.0.4/31"), end("z", "eth0", "10.0.0.5/31")),
        Cable(end("y", "eth1", "10.0.0.6/31"), end("z", "eth1", "10.0.0.7/31")),
    )
    return Topology("diamond", nodes, cables, routing="shortest-path")


def test_equal_costs_are_shared() -> None:
    """Z reaches a's loopback through both routers."""
    routes = {route.destination: route for route in shortest_paths(diamond())["z"]}
    both = (NextHop(ip_address("10.0.0.4"), "eth0"), NextHop(ip_address("10.0.0.6"), "eth1"))
    assert both == routes[ip_network("10.255.0.1/32")].next_hops


def test_only_forwarding_nodes_are_passed_through() -> None:
    """Without forwarding on y, a is reached through x alone; y itself still directly, by its own address."""
    lab = diamond()
    closed = replace(lab, nodes=(lab.nodes[0], lab.nodes[1], Node("y"), lab.nodes[3]))
    routes = {str(route.destination): [str(hop.via) for hop in route.next_hops] for route in shortest_paths(closed)["z"]}
    assert {
        "10.255.0.1/32": ["10.0.0.4"], "10.0.0.0/31": ["10.0.0.4"], "10.0.0.2/32": ["10.0.0.4"], "10.0.0.3/32": ["10.0.0.6"],
    } == routes


def test_a_router_gets_every_route_and_a_host_one() -> None:
    """A stub host needs one default route, a router the full list, over a bridge as over a cable."""
    lab = campus()
    routes = shortest_paths(replace(lab, nodes=tuple(replace(node, routes=()) for node in lab.nodes)))
    assert (Route(ip_network("0.0.0.0/0"), (NextHop(ip_address("10.9.1.1"), "eth0"),)),) == routes["a"]
    assert () == routes["r"]


def test_segments_without_addresses_of_the_family_carry_no_route() -> None:
    """An IPv6 loopback is not routed over IPv4-only cables."""
    lab = diamond()
    sixth = replace(lab.nodes[0], loopbacks=(ip_interface("fd00::1/128"),))
    routes = shortest_paths(replace(lab, nodes=(sixth, *lab.nodes[1:])))
    assert not [route for route in routes["z"] if route.destination.version == 6]


def test_a_cut_off_node_gets_no_routes() -> None:
    """A node that nothing leads to has no routes and breaks nothing."""
    lab = diamond()
    assert () == shortest_paths(replace(lab, nodes=(*lab.nodes, Node("lonely"))))["lonely"]


def test_beside_a_default_of_its_own_a_node_gets_every_route_spelled_out() -> None:
    """A declared default leads elsewhere (to a gateway, say), so the computed ones must not be folded into it and lost."""
    assert ["10.9.2.0/24"] == [str(route.destination) for route in shortest_paths(campus())["a"]]
