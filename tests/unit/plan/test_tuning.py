"""`tuned`: larger segments, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vethlab import change as ops
from vethlab import spec
from vethlab.errors import SpecErrors
from vethlab.kernel.fake import Fake
from vethlab.model.state import State
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff
from vethlab.plan.tuning import SEGMENT

LAB = "name: x\nlinks: [{ends: a -- b, tuned: LINK}, a -- c]\nnetworks: {net0: {type: KIND, tuned: NET, nodes: [a, b]}}\n"


def state(kind: str = "bridge", *, link: bool = True, net: bool = True) -> State:
    """What a lab asks for, with one link and one network tuned or not."""
    return desired(spec.loads(LAB.replace("KIND", kind).replace("LINK", str(link).lower()).replace("NET", str(net).lower())))


def tuned(wanted: State) -> set[str]:
    """The interfaces with larger segments."""
    return {f"{name}:{link.name}" for name, one in wanted.netns.items() for link in one.links.values() if link.gso == SEGMENT}


@pytest.mark.parametrize(
    ("kind", "hosts"), [("bridge", {"host:net0", "host:p-a", "host:p-b"}), ("macvlan", {"host:net0", "host:m-net0"})],
)
def test_every_interface_of_the_way_is_tuned(kind: str, hosts: set[str]) -> None:
    """Both ends of a link; on a network the nodes, the host's ports and whatever else passes their frames on."""
    assert {"a:eth0", "b:eth0", "a:eth2", "b:eth1"} | hosts == tuned(state(kind))
    assert {"a:eth0", "b:eth0"} == tuned(state(kind, net=False))
    assert set() == tuned(state(kind, link=False, net=False))


def test_it_comes_and_goes_in_place() -> None:
    """One setting for each interface, by one command; taken away, segments are as large as any device's."""
    kernel = Fake()
    kernel.apply(diff(State(), state(link=False, net=False)))
    found = diff(State(dict(kernel.spaces)), state(net=False))
    assert ["change interface a:eth0", "change interface b:eth0"] == [f"{one.action} {one.object}" for one in found]
    assert "largest segment 65536 → 196608" == found[0].reason
    assert (
        "ip link set dev eth0 gso_max_size 196608 gro_max_size 196608 gso_ipv4_max_size 196608 gro_ipv4_max_size 196608",
    ) == found[0].commands()
    kernel.apply(found)
    back = diff(State(dict(kernel.spaces)), state(link=False, net=False))
    assert all(isinstance(one, ops.SetLink) for one in back)
    assert ["largest segment 196608 → 65536"] * 2 == [one.reason for one in back]
    small = replace(state(net=False).netns["a"].links["eth0"], gso=1000)
    assert [] == [one for one in ops.SetLink("a", small, replace(small, gso=None), "").commands() if "gso" in one]


@pytest.mark.parametrize("kind", ["ovs", "vxlan"])
def test_other_networks_hand_on_no_larger_segments(kind: str) -> None:
    """A tap and a VXLAN device take 64 KiB at most (tso_max_size), so the file is told so."""
    with pytest.raises(SpecErrors) as caught:
        state(kind)
    assert "wrong-network-type" in {one.slug for one in caught.value.errors}


def test_the_canonical_form_says_it() -> None:
    """And means the same."""
    topology = spec.loads(LAB.replace("KIND", "bridge").replace("LINK", "true").replace("NET", "true"))
    assert topology == spec.loads(spec.to_yaml(topology))
