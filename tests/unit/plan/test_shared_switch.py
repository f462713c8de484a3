"""Bridges on the machine's Open vSwitch in a plan: its daemons are never started or ended, marks are told, and who fills checksums in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vethlab import change as ops
from vethlab import spec
from vethlab.kernel.fake import Fake
from vethlab.model.link import Link
from vethlab.model.state import Netns, State
from vethlab.model.switch import Switch, SwitchBridge
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff
from vethlab.plan.spaces import Surroundings

TEXT = "name: m\nhost: machine\nnetworks: {sw0: {type: ovs, subnet: 10.1.0.0/24, gateway: 1, nodes: [a, b]}}\n"
TOPOLOGY = spec.loads(TEXT)
UNFILLED = Surroundings(unfilled=frozenset({"sw0"}))
BEFORE = State({"host": Netns(switch=Switch({"theirs": SwitchBridge(owned=False)}, shared=True))})


def built(wanted: State) -> Fake:
    """A fake machine with a switch, on which a lab was built."""
    kernel = Fake()
    kernel.spaces["host"] = BEFORE.netns["host"]
    kernel.apply(diff(BEFORE, wanted, new=True))
    assert () == left(kernel, wanted)
    return kernel


def left(kernel: Fake, wanted: State) -> tuple[ops.Change, ...]:
    """What is still to do."""
    return diff(kernel.read(kernel.names(), [(name, key) for name, one in wanted.netns.items() for key in one.sysctls]), wanted)


def test_no_daemon_of_the_machine_is_started_or_ended() -> None:
    """A bridge is added and removed, and the machine's own stays; the port's silence is the only setting that is written there."""
    wanted = desired(TOPOLOGY)
    changes = diff(BEFORE, wanted, new=True)
    assert not [one for one in changes if isinstance(one, ops.StartSwitch | ops.StopSwitch)]
    assert {"net.ipv4.conf.p-a.arp_ignore", "net.ipv4.conf.p-b.arp_ignore"} == {
        one.key for one in changes if isinstance(one, ops.SetSysctl) and one.netns == "host"}
    kernel = built(wanted)
    without = desired(spec.loads(TEXT.replace("type: ovs, ", "").replace("sw0", "br0")))
    found = [f"{one.action} {one.object}" for one in left(kernel, without)]
    assert "remove switch host:sw0" in found
    assert not [one for one in found if "theirs" in one or "Open vSwitch" in one]


def test_a_plan_without_a_switch_before() -> None:
    """Where nothing is known of the machine's switch yet, a bridge is added all the same."""
    changes = diff(State({"host": Netns()}), desired(TOPOLOGY), new=True)
    assert [ops.AddSwitchBridge] == [type(one) for one in changes if "switch" in one.object.lower()]


@pytest.mark.parametrize("running", ["before", "after"])
def test_what_nobody_answers_for_is_not_planned(running: str) -> None:
    """While the machine's daemons are stopped, nothing of theirs is changed, nor brought back to when they were."""
    wanted = desired(TOPOLOGY)
    dead = State({"host": Netns(switch=Switch(running=False, shared=True))})
    changes = diff(dead, wanted) if running == "before" else diff(wanted, dead)
    assert not [one for one in changes if isinstance(one, ops.SwitchChange)]


def test_the_interface_of_a_bridge_is_marked_once_it_is_there() -> None:
    """Open vSwitch makes it, so its mark is a setting; the command lines say it, in the row and on the interface."""
    changes = diff(BEFORE, desired(TOPOLOGY), new=True)
    (bridge,) = [one for one in changes if isinstance(one, ops.AddSwitchBridge)]
    assert "br-set-external-id sw0 vethlab m" in bridge.commands()[0]
    (link,) = [one for one in changes if isinstance(one, ops.SetLink) and one.after.name == "sw0"]
    assert "ip link property add dev sw0 altname vethlab:m:sw0" == link.commands()[0]
    lost = built(desired(TOPOLOGY))
    lost.put_link("host", replace(lost.spaces["host"].links["sw0"], mark=None))
    assert ["mark none → vethlab:m:sw0"] == [one.reason for one in left(lost, desired(TOPOLOGY))]


def test_senders_fill_checksums_in_where_the_switch_does_not() -> None:
    """Both nodes are told to, an interface that is made anew is told again, and they leave it once the switch does it."""
    kernel = built(desired(TOPOLOGY, around=UNFILLED))
    assert [frozenset({"eth0"})] * 2 == [kernel.spaces[name].filled for name in "ab"]
    kernel.put("a", filled=frozenset())
    (again,) = left(kernel, desired(TOPOLOGY, around=UNFILLED))
    assert ("ethtool -K eth0 tx off",) == again.commands()
    kernel.put_link("host", Link("p-a", "veth", mark="vethlab:m:p-a"))
    changes = left(kernel, desired(TOPOLOGY, around=UNFILLED))
    assert "offload a:eth0" in [one.object for one in changes]
    kernel = built(desired(TOPOLOGY, around=UNFILLED))
    assert [("ethtool -K eth0 tx on",)] * 2 == [one.commands() for one in left(kernel, desired(TOPOLOGY))]
