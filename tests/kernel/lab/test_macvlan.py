"""Macvlan segments in the kernel: built, converged, explained, taken back; and past what a bridge takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vethlab import Lab, spec

pytestmark = pytest.mark.kernel
FILE = """
name: LAB
networks:
  lan0: {type: macvlan, subnet: [10.7.0.0/24, "fd07::/64"], gateway: 1, MORE nodes: [a, b, c]}
"""


def declared(name: str, more: str = "") -> Lab:
    """Three nodes and the host on one macvlan segment."""
    lab = Lab(name)
    topology = spec.loads(FILE.replace("LAB", name).replace("MORE", more), "<test>")
    lab._topology, lab._text = topology, spec.to_yaml(topology)
    return lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    """It runs."""
    with declared("wide") as running:
        yield running


@pytest.mark.parametrize(
    ("node", "command", "told"),
    [
        ("a", "ip link set dev eth0 type macvlan mode private", ["change interface a:eth0"]),
        ("a", "ip link delete dev eth0", ["add link a:eth0 on host:m-lan0"]),
        ("host", "ip link set dev m-lan0 mtu 1400", ["change interface a:eth0", "change interface host:m-lan0"]),
        ("host", "ip link delete dev lan0", ["add link host:lan0 -- host:m-lan0", "add link b:eth0 on host:m-lan0"]),
        ("host", "ip link set dev lan0 down", ["change interface host:lan0"]),
    ],
)
def test_a_change_by_hand_is_told_and_repaired(lab: Lab, node: str, command: str, told: list[str]) -> None:
    """The plan names it, `up` mends it, and every path passes, the host's included, in both families."""
    done = lab[node].exec(command)
    assert done, done.stderr
    assert set(told) <= {f"{one.action} {one.object}" for one in lab.plan()}
    lab.up()
    assert () == lab.plan()
    assert lab.check(["ping all -> all", "ping a -> host", "ping host -> b", "ping a -> fd07::1", "ping c -> fd07::2"]).ok


def test_a_node_may_leave_and_come_back_at_once(lab: Lab) -> None:
    """Its MAC address is free again although the kernel takes its time with the namespace."""
    whole, fewer = lab.topology, spec.loads(FILE.replace("LAB", "wide").replace("MORE", "").replace(", c]", "]"), "<test>")
    for _ in range(3):
        for topology, sentence in ((fewer, "ping a -> b"), (whole, "ping a -> c")):
            lab._topology, lab._text = topology, spec.to_yaml(topology)
            lab.up()
            assert lab.check([sentence]).ok
    assert () == lab.plan()


def test_a_bridge_becomes_a_macvlan_and_a_bridge_again() -> None:
    """Names and addresses stay, and nothing of the other kind is left."""
    with declared("turning") as lab:
        wide, text = lab.topology, lab.to_yaml()
        bridged = spec.loads(text.replace("type: macvlan", "type: bridge"), "<test>")
        for topology, kind in ((bridged, "bridge"), (wide, "veth")):
            lab._topology, lab._text = topology, spec.to_yaml(topology)
            lab.up()
            assert lab.check(["ping all -> all", "ping a -> host"]).ok
            assert kind == lab.state().netns["host"].links["lan0"].kind
        assert ["lan0", "lo", "m-lan0"] == sorted(lab.state().netns["host"].links)


def test_why_and_fix_rehearse_on_a_copy_with_macvlans(lab: Lab) -> None:
    """A mode that keeps apart is named, its mend is tried on a copy, applied, and the packet passes."""
    assert lab["b"].exec("ip link set dev eth0 type macvlan mode private")
    found = lab.why("a", "b")
    assert found.explanation.verdict is not None
    assert ("port-isolated", "b:eth0") == (found.explanation.verdict.slug, str(found.explanation.verdict.where))
    done = lab.fix("a", "b")
    assert done.after is not None
    assert done.after.explanation.ok
    assert done.applied is not None
    assert (1, 1) == done.applied.rehearsed
