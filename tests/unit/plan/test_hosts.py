"""/etc/hosts of a lab."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface

from tests.topologies import campus

from vethlab import spec
from vethlab.plan.hosts import hosts


def test_a_node_inside_a_host_is_found_under_its_short_name_where_it_is_alone() -> None:
    """A slash is no part of a host name: a dot stands for it, and the inner name serves while it names one node only."""
    lab = spec.loads("name: x\nlinks: [h1/a 10.0.0.1/24 -- h1/b 10.0.0.2/24, h2/a 10.0.1.1/24 -- h2 10.0.1.2/24]\n")

    expected = ["10.0.0.1\th1.a", "10.0.0.2\th1.b b", "10.0.1.2\th2", "10.0.1.1\th2.a"]
    assert sorted(expected) == sorted(line for line in hosts(lab).splitlines() if line.startswith("10."))


def test_every_address_resolves_and_loopbacks_come_first() -> None:
    """Nodes resolve to all their addresses, and the bridge's gateway to `host`."""
    lab = campus()
    router = replace(lab.nodes[3], loopbacks=(ip_interface("10.255.0.4/32"),))
    network = replace(lab.networks[0], gateway=(ip_interface("10.9.1.254/24"),))
    lines = hosts(replace(lab, nodes=(*lab.nodes[:3], router, lab.nodes[4]), networks=(network,))).splitlines()
    assert ["10.255.0.4\tr", "10.9.2.1\tr", "10.9.1.1\tr"] == [line for line in lines if line.endswith("\tr")]
    assert "10.9.1.254\thost" in lines
    assert "127.0.0.1\tlocalhost" == lines[0]
