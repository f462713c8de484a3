"""/etc/hosts of a lab."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface

from tests.topologies import campus

from vethlab.plan.hosts import hosts


def test_every_address_resolves_and_loopbacks_come_first() -> None:
    """Nodes resolve to all their addresses, and the bridge's gateway to `host`."""
    lab = campus()
    router = replace(lab.nodes[3], loopbacks=(ip_interface("10.255.0.4/32"),))
    network = replace(lab.networks[0], gateway=(ip_interface("10.9.1.254/24"),))
    lines = hosts(replace(lab, nodes=(*lab.nodes[:3], router, lab.nodes[4]), networks=(network,))).splitlines()
    assert ["10.255.0.4\tr", "10.9.2.1\tr", "10.9.1.1\tr"] == [line for line in lines if line.endswith("\tr")]
    assert "10.9.1.254\thost" in lines
    assert "127.0.0.1\tlocalhost" == lines[0]
