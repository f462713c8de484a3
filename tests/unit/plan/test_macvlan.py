"""Macvlan networks: what they are made of, and what goes with what."""

from __future__ import annotations

from dataclasses import replace

from vethlab import change as ops
from vethlab import spec
from vethlab.kernel.fake import Fake
from vethlab.model.link import End
from vethlab.model.names import parent_name
from vethlab.model.state import State
from vethlab.model.topology import Topology
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff

LAN = "name: wide\nnetworks: {lan0: {type: macvlan, subnet: 10.7.0.0/24, nodes: [NODES]}}\n"


def lan(*nodes: str) -> Topology:
    """A macvlan network with these nodes."""
    return spec.loads(LAN.replace("NODES", ", ".join(nodes)), "wide")


def built(topology: Topology) -> Fake:
    """A fake kernel that holds it."""
    kernel = Fake()
    kernel.apply(diff(State(), desired(topology)))
    return kernel


def plan(kernel: Fake, topology: Topology) -> list[str]:
    """What would be done, as `action object`."""
    wanted = desired(topology)
    return [f"{one.action} {one.object}" for one in diff(kernel.read(kernel.names(), keys(wanted)), wanted)]


def keys(wanted: State) -> list[tuple[str, str]]:
    """The sysctls to read."""
    return [(name, key) for name, one in wanted.netns.items() for key in one.sysctls]


def test_nodes_stand_on_one_end_of_a_pair_of_the_host() -> None:
    """The other end has the network's name; nothing has a master, and the built lab has no difference."""
    state = desired(lan("a", "b"))
    assert {"lo", "lan0", "m-lan0"} == set(state.netns["host"].links)
    assert {End("host", "m-lan0")} == {state.netns[node].links["eth0"].lower for node in ("a", "b")}
    assert [] == plan(built(lan("a", "b")), lan("a", "b"))


def test_the_parent_comes_up_last() -> None:
    """Whoever stands on it is there and up by then, or has to wait for linkwatch."""
    last = diff(State(), desired(lan("a", "b")))[-1]
    assert isinstance(last, ops.SetLink)
    assert ("m-lan0", True) == (last.after.name, last.after.up)


def test_a_mode_changed_by_hand_is_changed_back() -> None:
    """The difference names both modes, and the command sets one."""
    kernel = built(lan("a", "b"))
    kernel.put_link("a", replace(kernel.spaces["a"].links["eth0"], mode="private"))
    found = diff(kernel.read(kernel.names()), desired(lan("a", "b")))
    changed = next(one for one in found if isinstance(one, ops.SetLink))
    assert ("mode private → bridge", ("ip link set dev eth0 type macvlan mode bridge",)) == (changed.reason, changed.commands())


def test_what_stands_on_a_link_that_is_made_anew_is_made_anew() -> None:
    """A parent whose far end is somewhere else goes, and its macvlans with it: each is made once, none is removed by hand."""
    kernel = built(lan("a", "b"))
    kernel.put_link("host", replace(kernel.spaces["host"].links["lan0"], peer=None))
    kernel.put_link("host", replace(kernel.spaces["host"].links["m-lan0"], peer=End("host", "elsewhere")))
    found = plan(kernel, lan("a", "b"))
    assert ["remove link host:lan0", "remove link host:m-lan0"] == [one for one in found if one.startswith("remove")]
    assert {"add link a:eth0 on host:m-lan0", "add link b:eth0 on host:m-lan0"} <= set(found)


def test_a_macvlan_that_stands_elsewhere_is_another_link() -> None:
    """It has the name of the declared one, and is replaced."""
    kernel = built(lan("a", "b"))
    kernel.put_link("a", replace(kernel.spaces["a"].links["eth0"], lower=End("host", "lan0")))
    assert ["remove link a:eth0", "add link a:eth0 on host:m-lan0"] == [one for one in plan(kernel, lan("a", "b")) if "link " in one]


def test_a_node_that_leaves_takes_its_macvlan_along_by_hand() -> None:
    """Its namespace is freed later, and until then the MAC address would be taken."""
    found = plan(built(lan("a", "b")), lan("a"))
    assert ["remove link b:eth0", "remove node b"] == [one for one in found if one.startswith("remove")]


def test_a_long_name_is_shortened_for_the_parent() -> None:
    """At most 15 bytes, the same on every run."""
    assert ("m-lan0", "m-a-long-n-b6ec") == (parent_name("lan0"), parent_name("a-long-network1"))


def test_without_a_lower_the_command_still_has_a_place() -> None:
    """A macvlan that names nothing to stand on is told where it is."""
    link = replace(desired(lan("a")).netns["a"].links["eth0"], lower=None)
    assert "a" == ops.AddMacvlan("a", link).netns
