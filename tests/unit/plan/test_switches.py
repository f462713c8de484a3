"""Open vSwitch in a plan: daemons, bridges, ports and rules, made, changed and removed with what hangs on them."""

from __future__ import annotations

from dataclasses import replace

from tests.topologies import end

from vethlab import change as ops
from vethlab.kernel.fake import Fake
from vethlab.model.link import Bridge, End, Link
from vethlab.model.state import State
from vethlab.model.switch import SwitchBridge, SwitchPort
from vethlab.model.topology import Flow, Network, Node, Port, Topology
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff

TAGGED = tuple(Port(end(name, "eth0", f"10.0.0.{at}/24"), f"p-{name}", tag=10) for at, name in enumerate("ab", 1))


def lab(*networks: Network) -> Topology:
    """Two nodes and these networks."""
    return Topology("x", (Node("a"), Node("b")), (), networks)


def switched(**keys: object) -> Topology:
    """Two nodes on an Open vSwitch bridge."""
    return lab(replace(Network("sw0", TAGGED, "ovs"), **keys))  # type: ignore[arg-type]


def built(topology: Topology) -> Fake:
    """A fake kernel that holds a topology."""
    kernel = Fake()
    kernel.apply(diff(State(), desired(topology)))
    return kernel


def plan(kernel: Fake, topology: Topology) -> list[str]:
    """What would be done, as `action object`; afterwards it is done, and nothing is left to do."""
    wanted = desired(topology)
    asked = [(name, key) for name, one in wanted.netns.items() for key in one.sysctls]
    changes = diff(kernel.read(kernel.names(), asked), wanted)
    kernel.apply(changes)
    assert () == diff(kernel.read(kernel.names(), asked), wanted)
    return [f"{one.action} {one.object}" for one in changes]


def test_a_switch_is_started_before_its_pairs_and_joined_after_them() -> None:
    """Daemons and bridge, then pairs, then ports: and the pairs leave the lowest interface numbers to ovs-vswitchd."""
    changes = diff(State(), desired(switched(flows=(Flow("priority=0,actions=normal"),))))
    kinds = [type(one) for one in changes]
    order = [ops.StartSwitch, ops.AddSwitchBridge, ops.AddVeth, ops.AddSwitchPort, ops.SetFlows, ops.AddAddress]
    assert sorted(order, key=kinds.index) == order
    assert 6 == next(one.left.index for one in changes if isinstance(one, ops.AddVeth))
    assert [1, 2] == [one.number for one in changes if isinstance(one, ops.AddSwitchPort)]


def test_what_is_declared_differently_is_changed() -> None:
    """A VLAN, an isolation, the rules: each by a change of its own."""
    kernel = built(switched(flows=(Flow("priority=0,actions=normal"),)))
    ports = (replace(TAGGED[0], tag=None, isolated=True), replace(TAGGED[1], tag=20))
    assert ["change port host:p-a of sw0", "change port host:p-b of sw0", "change flows of host:sw0"] == plan(kernel, switched(ports=ports))
    assert ["change port host:p-a of sw0"] == plan(kernel, switched(ports=(replace(ports[0], isolated=False), ports[1])))


def test_what_somebody_made_of_a_tag_is_a_difference() -> None:
    """The VLANs of a trunk and the mode are told, and the file says neither."""
    kernel = built(switched())
    space = kernel.spaces["host"]
    assert space.switch is not None
    mine = space.switch.bridges["sw0"]
    plain = mine.ports["p-a"]
    odd = {"trunks 6,7 → all": replace(plain, trunks=frozenset({7, 6})), "vlan_mode trunk → none": replace(plain, mode="trunk")}
    for told, port in odd.items():
        kernel.put("host", switch=replace(space.switch, bridges={"sw0": replace(mine, ports={**mine.ports, "p-a": port})}))
        (found,) = [one for one in diff(kernel.read(kernel.names()), desired(switched())) if isinstance(one, ops.SetSwitchPort)]
        assert ("port host:p-a of sw0", told) == (found.object, found.reason)


def test_a_port_of_ours_that_is_not_declared_goes_and_others_stay() -> None:
    """A pair that goes leaves its bridge first; a port and a bridge without our mark are left alone."""
    kernel = built(switched())
    space = kernel.spaces["host"]
    assert space.switch is not None
    mine = space.switch.bridges["sw0"]
    others = replace(mine, ports={**mine.ports, "x0": SwitchPort(owned=False)})
    kernel.put("host", switch=replace(space.switch, bridges={"sw0": others, "theirs": SwitchBridge(owned=False)}))
    found = plan(kernel, switched(ports=TAGGED[:1]))
    assert ["remove port host:p-b of sw0", "remove link host:p-b"] == found


def test_a_pair_that_is_made_anew_joins_anew() -> None:
    """A port in the database whose interface is another one now is no port."""
    kernel = built(switched())
    kernel.put_link("host", replace(kernel.spaces["host"].links["p-a"], peer=End("b", "eth0")))
    found = plan(kernel, switched())
    assert found.index("remove port host:p-a of sw0") < found.index("remove link host:p-a")
    assert "add port host:p-a of sw0" in found


def test_a_dead_daemon_means_everything_anew() -> None:
    """Both daemons are ended and started, and the interface that died with them gets its addresses again."""
    topology = switched(gateway=end("host", "sw0", "10.0.0.254/24").addresses)
    kernel = built(topology)
    space = kernel.spaces["host"]
    assert space.switch is not None
    kernel.put("host", switch=replace(space.switch, bridges={}, running=False))
    kernel.remove_link(End("host", "sw0"))
    changes = diff(kernel.read(kernel.names()), desired(topology))
    found = [f"{one.action} {one.object}" for one in changes]
    assert ["remove Open vSwitch of host", "add Open vSwitch of host", "add switch host:sw0"] == [one for one in found if "witch" in one]
    assert "add address 10.0.0.254/24 on host:sw0" in found
    assert "remove link host:sw0" not in found
    assert [] == [one.object for one in diff(desired(topology), kernel.read(kernel.names())) if isinstance(one, ops.SwitchChange)]


def test_another_datapath_or_another_type_of_network_replaces_the_bridge() -> None:
    """A bridge cannot change its datapath; one that becomes a Linux bridge takes the daemons along."""
    kernel = built(switched())
    found = plan(kernel, switched(datapath="kernel"))
    assert ["remove switch host:sw0", "add switch host:sw0"] == [one for one in found if "switch" in one]
    found = plan(kernel, lab(Network("sw0", TAGGED)))
    assert "remove Open vSwitch of host" in found
    assert "add bridge host:sw0" in found
    found = plan(kernel, switched())
    assert ["remove bridge host:sw0", "add Open vSwitch of host"] == [one for one in found if "bridge" in one or "Open" in one]


def test_a_node_may_hold_a_switch() -> None:
    """Nothing in a plan knows the lab's host from another namespace."""
    found = [one for one in diff(State(), desired(switched(on="b"))) if isinstance(one, ops.StartSwitch)]
    assert ["b"] == [one.netns for one in found]


def test_a_foreign_interface_of_the_name_is_no_bridge_of_ours() -> None:
    """A Linux bridge that somebody made in its place is replaced."""
    kernel = built(switched())
    kernel.apply([ops.RemoveSwitchBridge("host", "sw0")])
    kernel.put_link("host", Link("sw0", "bridge", bridge=Bridge()))
    assert ["remove bridge host:sw0", "add switch host:sw0"] == plan(kernel, switched())[:2]
