"""From a lab to a scene: what the file declares, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface
from pathlib import Path

import pytest
from tests.topologies import campus, direct

from vethlab.model.link import End, Link
from vethlab.model.shaping import Queue
from vethlab.model.state import Address, Netns, State
from vethlab.model.topology import Topology
from vethlab.plan.desired import desired
from vethlab.present.drawing.gather import gather
from vethlab.present.drawing.scene import Cable, Plug, Scene
from vethlab.spec import load


def plug(scene: Scene, key: str) -> Plug:
    """The interface of that key."""
    return next(one for one in scene.plugs if one.key == key)


def recorded(name: str) -> Topology:
    """A lab of the recorded pictures."""
    return load(str(Path(__file__).parents[2] / "golden" / "picture" / name / "lab.lab.yaml"))


def changed(state: State, netns: str, **links: Link | None) -> State:
    """The state with links of one namespace put in, or taken out."""
    space = state.netns[netns]
    after = {name: link for name, link in {**space.links, **links}.items() if link is not None}
    return State({**state.netns, netns: replace(space, links=after)})


def test_a_lab_without_networks_has_no_host() -> None:
    """The lab's own machine is drawn only if something is in it."""
    assert ["ns1", "ns2"] == [box.key for box in gather(direct()).boxes]


def test_a_bridge_stands_in_the_host() -> None:
    """A network is a box in the namespace that holds it, with a plug for each port."""
    scene = gather(campus())
    assert "host" == scene.boxes[-1].parent
    assert ["p-a", "p-b", "p-c", "p-r"] == [one.name for one in scene.plugs if one.box == "host:br0"]
    assert Cable("a:eth0", "host:p-a") in scene.cables


def test_a_lab_that_runs_as_declared_looks_as_declared() -> None:
    """The desired state adds nothing to what the file says."""
    assert gather(campus()) == gather(campus(), desired(campus()))


def test_what_is_down_or_missing_is_said() -> None:
    """An interface that is down, one that is gone and a whole namespace that is gone are bad, each in its words."""
    state = desired(campus())
    state = changed(state, "a", eth0=replace(state.netns["a"].links["eth0"], up=False, mtu=1400))
    state = changed(state, "b", eth0=None)
    state = State({name: one for name, one in state.netns.items() if name != "d"})
    scene = gather(campus(), state)
    found = {key: (plug(scene, key).words, plug(scene, key).bad) for key in ("a:eth0", "b:eth0", "d:eth0", "c:eth0")}
    assert {
        "a:eth0": (("mtu 1400", "down"), True), "b:eth0": (("missing",), True), "d:eth0": (("missing",), True), "c:eth0": ((), False),
    } == found


def test_a_port_that_left_its_bridge_is_loose() -> None:
    """An interface without the master that the file gives it is no port, and is said to be none."""
    state = desired(campus())
    state = changed(state, "host", **{"p-a": replace(state.netns["host"].links["p-a"], master=None)})
    found = plug(gather(campus(), state), "host:p-a")
    assert (("not in br0",), True, True) == (found.words, found.bad, found.loose)


def test_a_bridge_that_is_down_or_missing_is_said() -> None:
    """So it is of a bridge."""
    state = desired(campus())
    down = gather(campus(), changed(state, "host", br0=replace(state.netns["host"].links["br0"], up=False)))
    gone = gather(campus(), changed(state, "host", br0=None))
    assert ("bridge", "down") == down.boxes[-1].words
    assert ("bridge", "missing") == gone.boxes[-1].words


def test_what_was_added_by_hand_is_drawn() -> None:
    """Interfaces of no file are there and say so, their cable too; a port that was added stands on its bridge."""
    state = desired(campus())
    state = changed(state, "a", x0=Link("x0", "veth", peer=End("host", "x1")))
    state = changed(state, "host", x1=Link("x1", "veth", peer=End("a", "x0"), master="br0", up=False))
    space = state.netns["a"]
    mine = {Address("x0", ip_interface("10.5.0.1/24")), Address("x0", ip_interface("fe80::1/64"))}
    state = State({**state.netns, "a": replace(space, addresses=space.addresses | mine), "stranger": Netns()})
    scene = gather(campus(), state)
    assert ("a", ("10.5.0.1/24",), ("veth", "not in the file")) == (
        plug(scene, "a:x0").box, plug(scene, "a:x0").addresses, plug(scene, "a:x0").words,
    )
    assert ("host:br0", True) == (plug(scene, "host:x1").box, plug(scene, "host:x1").bad)
    assert 1 == sum({cable.left, cable.right} == {"a:x0", "host:x1"} for cable in scene.cables)


def test_further_interfaces_on_demand() -> None:
    """An interface that a journey passes is drawn although nothing declares it; one that is there is not drawn twice."""
    scene = gather(direct(), desired(direct()), also=[End("ns1", "lo"), End("ns1", "veth0"), End("nowhere", "lo")])
    assert ["ns1:veth0", "ns2:veth1", "ns1:lo"] == [one.key for one in scene.plugs]
    assert ("10.8.0.1/32",) == plug(gather(_with_loopback()), "ns1:lo").addresses


def _with_loopback() -> Topology:
    topology = direct()
    first, second = topology.nodes
    return replace(topology, nodes=(replace(first, loopbacks=(ip_interface("10.8.0.1/32"),)), second))


@pytest.mark.parametrize("name", ["docker", "ovs", "macvlan", "fabric", "overlay", "overlay-of-three", "shaped"])
def test_every_type_that_runs_as_declared_looks_as_declared(name: str) -> None:
    """What a network of each type needs beside its ports (a world, a switch, a parent) is no stranger to its picture."""
    topology = recorded(name)
    assert gather(topology) == gather(topology, desired(topology))


def test_what_a_link_does_is_said_where_it_was_said() -> None:
    """Of a cable at both ends, of a network in its box, in the words of the lab file."""
    scene = gather(recorded("shaped"))
    assert [("mtu 9000", "rate 10mbit, delay 5ms, loss 0.5%", "tuned")] * 2 == [plug(scene, key).words for key in ("a:eth0", "b:eth0")]
    said = {box.name: box.words for box in scene.boxes if box.parent == "host"}
    assert {"lan": ("bridge", "mtu 1400, rate 1gbit, delay 200us, tuned"), "side": ("macvlan", "loss 2%")} == said
    assert ((), ()) == (plug(scene, "d:eth0").words, plug(scene, "host:p-d").words)


def test_what_a_link_does_otherwise_is_said_too() -> None:
    """What somebody took away or put there by hand: on a cable, and on a network only where it differs from the rest."""
    topology = recorded("shaped")
    state = desired(topology)
    slow = Queue("tbf", rate=64_000)
    state = changed(state, "a", eth0=replace(state.netns["a"].links["eth0"], gso=None, mtu=1500))
    state = changed(state, "c", eth1=replace(state.netns["c"].links["eth1"], gso=100_000, mtu=9000))
    state = State({
        **state.netns, "a": replace(state.netns["a"], queues={"eth1": slow}), "host": replace(state.netns["host"], queues={}),
    })
    scene = gather(topology, state)
    assert {
        "a:eth0": ("not shaped", "not tuned"), "a:eth1": ("rate 64kbit",), "c:eth1": ("mtu 9000", "segments of 100000 bytes"),
        "host:p-d": ("not shaped",), "d:eth0": (),
    } == {key: plug(scene, key).words for key in ("a:eth0", "a:eth1", "c:eth1", "host:p-d", "d:eth0")}


def test_what_a_switch_makes_for_itself_is_no_stranger() -> None:
    """The tap of its datapath in user space is nobody's addition."""
    topology = recorded("ovs")
    state = changed(desired(topology), "host", **{"ovs-netdev": Link("ovs-netdev", "tun", up=False)})
    assert gather(topology) == gather(topology, state)
