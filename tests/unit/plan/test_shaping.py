"""Rate, delay and loss as queues: where they stand, how large they are, and what of them is a difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vethlab import change as ops
from vethlab import spec
from vethlab.kernel.fake import Fake
from vethlab.model.link import End
from vethlab.model.shaping import Queue, Shaping
from vethlab.model.state import State
from vethlab.model.topology import Topology
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff
from vethlab.plan.differences import alike
from vethlab.plan.shaping import queue

LAB = """\
name: slow
links: [{{ends: a -- b, rate: 10mbit{}}}]
networks: {{br0: {{type: {}, gateway: 1, {}, nodes: [a, c]}}}}
"""


def lab(network: str = "rate: 1mbit", more: str = "", kind: str = "bridge") -> Topology:
    """A link and a network with rates."""
    return spec.loads(LAB.format(more, kind, network))


def queues(topology: Topology) -> dict[str, str]:
    """The kind of queue and its rate at each interface that has one."""
    return {
        f"{name}:{interface}": f"{held.kind} {held.rate}" for name, one in desired(topology).netns.items()
        for interface, held in one.queues.items()
    }


def test_a_rate_is_kept_on_both_ways() -> None:
    """At both ends of a cable; on a network at the node and at the host's port for it."""
    slow = "tbf 1000000"
    assert {
        "host:p-a": slow, "host:p-c": slow, "a:eth0": "tbf 10000000", "b:eth0": "tbf 10000000", "a:eth1": slow, "c:eth0": slow,
    } == queues(lab())


def test_delay_and_loss_happen_once() -> None:
    """Where the packet is sent: at the nodes and at the host's own interface, not at its ports."""
    assert {
        "host:br0": "netem 0", "a:eth0": "netem 10000000", "b:eth0": "netem 10000000", "a:eth1": "netem 0", "c:eth0": "netem 0",
    } == queues(lab("delay: 2ms", ", loss: 1%"))


def test_a_macvlan_has_no_ports_to_keep_a_rate_at() -> None:
    """What the nodes and the host send is slowed down, each at its own interface."""
    found = queues(lab(kind="macvlan"))
    assert {"host:lan0": "tbf 1000000"} | found == {**found, "host:lan0": "tbf 1000000"}
    assert {"a:eth1", "c:eth0", "host:br0"} <= set(found)


@pytest.mark.parametrize(
    ("shaping", "mtu", "expected"),
    [
        (Shaping(), 1500, None),
        (Shaping(10_000_001), 1500, Queue("tbf", 10_000_000, 6072, 68572)),
        (Shaping(10**9), 1500, Queue("tbf", 10**9, 500_000, 6_750_000)),
        (Shaping(10**13), 65535, Queue("tbf", 10**13, 5_000_000_000, 5_067_108_864)),
        (Shaping(0, 100_000), 1500, Queue("netem", 0, 0, 10_000, 100_000)),
        (Shaping(8000, 0, 1), 1500, Queue("netem", 8000, 0, 1000, 0, 1)),
    ],
)
def test_buckets_and_limits(shaping: Shaping, mtu: int, expected: Queue | None) -> None:
    """At least four packets in the bucket and twenty waiting; four milliseconds and fifty of a fast line, and never without bound."""
    assert expected == queue(shaping, mtu)


def built(topology: Topology) -> Fake:
    """A fake kernel that holds it."""
    kernel = Fake()
    kernel.apply(diff(State(), desired(topology)))
    return kernel


def plan(kernel: Fake, topology: Topology) -> list[str]:
    """What would be done."""
    wanted = desired(topology)
    actual = kernel.read(kernel.names(), [(name, key) for name, one in wanted.netns.items() for key in one.sysctls])
    return [f"{one.action} {one.object}: {one.reason}" for one in diff(actual, wanted)]


def test_a_built_lab_has_no_difference() -> None:
    """Not even after the kernel has rounded the bucket."""
    kernel = built(lab())
    assert [] == plan(kernel, lab())
    held = kernel.spaces["a"].queues
    kernel.put("a", queues={**held, "eth0": replace(held["eth0"], burst=held["eth0"].burst - 1)})
    assert [] == plan(kernel, lab())


def test_a_queue_is_added_changed_and_removed() -> None:
    """Each with its reason; what an interface of somebody else has is let alone."""
    kernel = built(lab())
    kernel.put("a", queues={"eth0": Queue("tbf", 8000, 6072, 68572)})
    kernel.put("c", queues={**kernel.spaces["c"].queues, "lo": Queue("netem", 0, 0, 1000, 5), "tun0": Queue("netem", 0, 0, 1000, 5)})
    assert {
        "change queue a:eth0: tbf rate 8000bit burst 6072b limit 68572b → tbf rate 10000000bit burst 6072b limit 68572b",
        "add queue a:eth1: declared, but missing in the running lab", "remove queue c:lo: in the running lab, but not declared",
    } == set(plan(kernel, lab()))


def test_a_link_that_is_made_anew_gets_its_queue_anew() -> None:
    """The queue went with the interface."""
    kernel = built(lab())
    kernel.remove_link(End("b", "eth0"))
    assert ["add queue a:eth0", "add queue b:eth0"] == [one.split(": ")[0] for one in plan(kernel, lab()) if "queue" in one]


def test_the_commands_are_those_of_tc() -> None:
    """`replace`, whatever was there; and what takes it off."""
    netem = Queue("netem", 8000, 0, 1000, 5000, 2500)
    assert ("tc qdisc replace dev e root netem limit 1000 delay 5000us loss 0.25% rate 8000bit",) == (
        ops.SetQueue("a", "e", None, netem).commands()
    )
    assert "netem limit 9" == ops.words(Queue("netem", limit=9))
    assert ("tc qdisc delete dev e root",) == ops.RemoveQueue("a", "e", netem).commands()


def test_nothing_is_like_a_queue_but_a_queue() -> None:
    """An interface without one differs from every goal, and so does one of another kind."""
    goal = Queue("tbf", 8000, 100, 100)
    assert (False, False, True) == (alike(None, goal), alike(replace(goal, kind="netem"), goal), alike(replace(goal, burst=102), goal))
