"""Laws that hold for any two labs: what `diff` says, applied, gives what was asked for."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

from hypothesis import given
from hypothesis import strategies as st

from vethlab.kernel.fake import Fake
from vethlab.model.state import State
from vethlab.model.topology import Cable, Endpoint, Network, Node, Port, Topology
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff

NAMES = ("a", "b", "c", "d", "e")


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Up to five nodes, up to two bridges, up to four cables, in one lab."""
    nodes = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    count = dict.fromkeys(nodes, 0)

    def end(node: str, subnet: int) -> Endpoint:
        count[node] += 1
        last = draw(st.integers(1, 200))
        return Endpoint(node, f"eth{count[node] - 1}", (IPv4Interface((IPv4Address((10 << 24) + (subnet << 8) + last), 24)),))

    cables = tuple(
        Cable(
            end(draw(st.sampled_from(nodes)), number), end(draw(st.sampled_from(nodes)), number),
            mtu=draw(st.sampled_from((1000, 1400, 1500, 9000))),
        )
        for number in range(draw(st.integers(0, 4)))
    )
    networks = []
    for number in range(draw(st.integers(0, 2))):
        members = draw(st.lists(st.sampled_from(nodes), unique=True))
        ports = tuple(Port(end(name, 100 + number), f"p{number}-{name}", isolated=draw(st.booleans())) for name in members)
        networks.append(Network(f"br{number}", ports, stp=draw(st.booleans()), mtu=draw(st.sampled_from((900, 1279, 1280, 1500)))))
    declared = tuple(Node(name, forward=draw(st.booleans()), nft=draw(st.sampled_from((None, "table ip x {}")))) for name in nodes)
    return Topology("law", declared, cables, tuple(networks), routing=draw(st.sampled_from(("none", "shortest-path"))))


def held(kernel: Fake, wanted: State) -> State:
    """All that the fake holds, with the sysctls that `wanted` speaks of."""
    return kernel.read(kernel.names(), [(name, key) for name, one in wanted.netns.items() for key in one.sysctls])


@given(topologies())
def test_a_state_does_not_differ_from_itself(topology: Topology) -> None:
    """diff(a, a) is empty."""
    assert () == diff(desired(topology), desired(topology))


@given(topologies(), topologies())
def test_applying_the_difference_gives_the_goal(before: Topology, after: Topology) -> None:
    """diff(apply(diff(a, b), a), b) is empty; secondary addresses may need a second pass, as in the kernel."""
    kernel = Fake()
    kernel.apply(diff(State(), desired(before)))
    wanted = desired(after)
    kernel.apply(diff(held(kernel, wanted), wanted))
    kernel.apply(diff(held(kernel, wanted), wanted))
    assert () == diff(held(kernel, wanted), wanted)


@given(topologies(), topologies())
def test_going_there_and_back_changes_nothing(before: Topology, after: Topology) -> None:
    """Undoing is converging back: apply(diff(b, a)) after apply(diff(a, b)) gives a."""
    start, wanted = desired(before), desired(after)
    kernel = Fake()
    for goal in (start, wanted, wanted, start, start):
        kernel.apply(diff(held(kernel, goal), goal))
    assert () == diff(held(kernel, start), start)


@given(topologies())
def test_every_change_names_its_object_reason_and_commands(topology: Topology) -> None:
    """No change is silent: each has an object, a reason and at least one command line."""
    for one in diff(State(), desired(topology)):
        assert one.object
        assert one.reason
        assert one.commands()
