"""Which sysctls are watched, and what they should be."""

from __future__ import annotations

from tests.topologies import direct

from vethlab.model.topology import Node
from vethlab.plan.desired import desired
from vethlab.plan.watch import recorded_keys, watched

RECORDED = dict.fromkeys(recorded_keys(), "0") | {"net.ipv4.conf.default.rp_filter": "2"}


def test_an_interface_is_expected_to_have_what_default_said() -> None:
    """An interface that was made after `default` was set shows that value."""
    found = watched(desired(direct()), RECORDED)
    assert "2" == found["ns1"]["net.ipv4.conf.veth0.rp_filter"]
    assert "0" == found["ns1"]["net.ipv4.conf.all.rp_filter"]


def test_a_declared_default_reaches_the_interfaces() -> None:
    """A node's own `default` wins over the recorded one, and `all` of a spreading key over both."""
    node = Node("ns1", sysctl=(("net.ipv4.conf.default.rp_filter", "1"), ("net.ipv6.conf.all.disable_ipv6", "1")))
    from dataclasses import replace

    lab = direct()
    found = watched(desired(replace(lab, nodes=(node, lab.nodes[1]))), RECORDED)
    assert ("1", "1") == (found["ns1"]["net.ipv4.conf.veth0.rp_filter"], found["ns1"]["net.ipv6.conf.veth0.disable_ipv6"])


def test_keys_this_kernel_lacks_are_not_watched() -> None:
    """A kernel without IPv6 recorded no IPv6 keys, so none are expected."""
    old = {key: value for key, value in RECORDED.items() if "ipv6" not in key}
    assert not [key for key in watched(desired(direct()), old)["ns1"] if "ipv6" in key]
