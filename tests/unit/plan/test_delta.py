"""Live changes as goals: what they are about changes, drift and what others made stay."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

from vethlab import spec
from vethlab.kernel.fake import Fake
from vethlab.model.link import BridgePort, End, Link
from vethlab.model.neighbour import Neighbour
from vethlab.model.route import NextHop, Route
from vethlab.model.shaping import Queue
from vethlab.model.state import Address, State
from vethlab.plan.delta import lowered, raised, settled, shifted
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff

LAB = """\
name: x
nodes:
  a: {routes: ["10.9.0.0/16 via 10.0.0.2", blackhole 10.8.0.0/16, 10.7.0.0/16 dev eth0]}
  b: {}
links: [LINKS]
"""
ONE = "{ends: a 10.0.0.1/24 -- b 10.0.0.2/24, KEYS}"


def state(keys: str = "mtu: 1500", more: str = "", text: str = LAB) -> State:
    """What a declaration asks for."""
    return desired(spec.loads(text.replace("LINKS", ONE.replace("KEYS", keys) + more)))


def running() -> State:
    """A lab in which somebody has changed things by hand."""
    kernel = Fake()
    kernel.apply(diff(State(), state()))
    node = kernel.spaces["a"]
    kernel.put(
        "a", addresses=node.addresses | {Address("eth0", ip_interface("192.0.2.1/24"))},
        links={**node.links, "mine": Link("mine", "dummy", owned=False), "eth0": replace(node.links["eth0"], alias="mine")},
    )
    return State(dict(kernel.spaces))


def changes(goal: State) -> list[str]:
    """What would be done."""
    return [f"{one.action} {one.object}" for one in diff(running(), goal)]


def test_a_setting_is_shifted_and_drift_stays() -> None:
    """Both ends, and neither the address nor the link that were added by hand."""
    assert ["change interface a:eth0", "change interface b:eth0"] == changes(shifted(running(), state(), state("mtu: 9000")))
    assert ["add queue a:eth0", "add queue b:eth0"] == changes(shifted(running(), state(), state("rate: 1mbit")))
    assert [] == changes(shifted(running(), state(), state()))


def test_a_queue_goes_where_it_came_from() -> None:
    """What the old declaration says and the new one does not."""
    kernel = running()
    held = {"eth0": Queue("tbf", 10**6, 6072, 36432)}
    slow = State({name: replace(one, queues=held) for name, one in kernel.netns.items() if name != "host"})
    back = shifted(slow, state("rate: 1mbit"), state())
    assert [{}, {}] == [dict(back.netns[name].queues) for name in ("a", "b")]


def test_a_link_and_a_node_come_and_go() -> None:
    """With their addresses; a namespace that nobody declared stays, one that is missing is not made."""
    text = LAB.replace("  b: {}\n", "  b: {}\n  c: {forward: true, run: 'true'}\n")
    more = ", b 10.1.0.1/24 -- c 10.1.0.2/24"
    wide = state(more=more, text=text)
    goal = shifted(running(), state(), wide)
    assert {"add node c", "add link b:eth1 -- c:eth0", "add address 10.1.0.2/24 on c:eth0"} <= set(changes(goal))
    found = diff(goal, shifted(goal, wide, state()))
    assert {"remove node c", "remove link b:eth1"} == {f"{one.action} {one.object}" for one in found}
    strange = State({**running().netns, "stray": running().netns["b"]})
    assert "stray" in shifted(strange, state(), state()).netns
    missing = State({name: one for name, one in running().netns.items() if name != "b"})
    assert "b" not in shifted(missing, state(), state("mtu: 9000")).netns


def test_routes_are_matched_as_the_kernel_tells_them() -> None:
    """A declared route names no interface, the kernel's does; and a link that is gone is not set."""
    fewer = LAB.replace('"10.9.0.0/16 via 10.0.0.2", ', "")
    here = running()
    route = Route(ip_network("10.9.0.0/16"), (NextHop(ip_address("10.0.0.2"), "eth0"),))
    others = frozenset(one for one in here.netns["a"].routes if one.destination != route.destination)
    told = State({**here.netns, "a": replace(here.netns["a"], routes=others | {route}, links={})})
    goal = shifted(told, state(), state("mtu: 9000", text=fewer))
    assert (others, {}) == (goal.netns["a"].routes, dict(goal.netns["a"].links))


def test_down_takes_along_what_the_kernel_takes_along() -> None:
    """Routes over it, its IPv6 addresses and its static neighbours; the IPv4 address stays."""
    here = running()
    route = Route(ip_network("10.9.0.0/16"), (NextHop(ip_address("10.0.0.2"), "eth0"),))
    full = State({**here.netns, "a": replace(
        here.netns["a"], routes=frozenset({route, Route(ip_network("10.6.0.0/16"), (NextHop(interface="lo"),))}),
        neighbours=frozenset({Neighbour("eth0", ip_address("10.0.0.2"), "02:00:00:00:00:01")}),
    )})
    down = lowered(full, End("a", "eth0")).netns["a"]
    assert (False, 1, frozenset()) == (down.links["eth0"].up, len(down.routes), down.neighbours)
    assert {4} == {one.address.version for one in down.addresses if one.interface == "eth0"}
    up = raised(State({**full.netns, "a": down}), state(), End("a", "eth0")).netns["a"]
    assert up.links["eth0"].up
    assert {ip_network("10.9.0.0/16"), ip_network("10.7.0.0/16"), ip_network("10.6.0.0/16")} == {one.destination for one in up.routes}
    assert {4, 6} == {one.address.version for one in up.addresses if one.interface == "eth0"}
    again = raised(State({**full.netns, "a": up}), state(), End("a", "eth0")).netns["a"]
    assert up.routes == again.routes


def test_a_route_with_another_way_outlives_an_interface_that_goes_down() -> None:
    """The kernel marks the one hop dead and sends by the other."""
    two = Route(ip_network("10.4.0.0/16"), (NextHop(ip_address("10.0.0.2"), "eth0"), NextHop(ip_address("10.1.0.2"), "eth1")))
    one = Route(ip_network("10.3.0.0/16"), (NextHop(ip_address("10.0.0.2"), "eth0"), NextHop(ip_address("10.0.0.3"), "eth0")))
    here = running().netns["a"]
    full = State({**running().netns, "a": replace(here, routes=frozenset({one, two}))})
    assert frozenset({two}) == lowered(full, End("a", "eth0")).netns["a"].routes


def test_the_state_of_a_port_is_its_bridges_business() -> None:
    """It is not held on to: a port without carrier cannot be told to forward."""
    bridged = desired(spec.loads("name: x\nnetworks: {br0: {nodes: [a, b]}}\n"))
    port = bridged.netns["host"].links["p-a"]
    told = State({"host": replace(bridged.netns["host"], links={"p-a": replace(port, port=BridgePort(state=3))})})
    assert settled(told).netns["host"].links["p-a"].port == BridgePort()
    assert (BridgePort(), BridgePort(state=3)) == tuple(settled(told, only=one).netns["host"].links["p-a"].port for one in (3, 4))


def test_settings_of_an_interface_go_with_it() -> None:
    """What was read of it is no goal any more."""
    here = running()
    read = State({**here.netns, "b": replace(here.netns["b"], sysctls={"net.ipv4.conf.eth0.rp_filter": "0", "net.ipv4.ip_forward": "0"})})
    bare = State({name: replace(one, links={}) for name, one in state().netns.items()})
    assert {"net.ipv4.ip_forward"} == set(shifted(read, state(), bare).netns["b"].sysctls)


def test_what_hangs_on_a_lost_interface_goes_with_it() -> None:
    """Drift included: an address, a route, a neighbour and a queue given by hand, and a route that stays declared."""
    here = running().netns["a"]
    by_hand = Route(ip_network("10.5.0.0/16"), (NextHop(ip_address("192.0.2.9"), "eth0"),))
    full = State({**running().netns, "a": replace(
        here, routes=here.routes | {by_hand}, neighbours=frozenset({Neighbour("eth0", ip_address("10.0.0.2"), "02:00:00:00:00:01")}),
        queues={"eth0": Queue("tbf", 10**6, 6072, 36432)},
    )})
    bare = desired(spec.loads("name: x\nnodes: {a: {routes: [blackhole 10.8.0.0/16]}, b: {}}\n"))
    left = shifted(full, state(), bare).netns["a"]
    assert (frozenset(), frozenset(), {}, {"lo", "mine"}) == (left.addresses, left.neighbours, left.queues, set(left.links))
    assert {ip_network("10.8.0.0/16")} == {one.destination for one in left.routes}


def test_who_leaves_a_switch_of_the_machine_fills_in_no_checksums() -> None:
    """What is known of an interface that goes, goes with it."""
    old, new = state(), desired(spec.loads(LAB.replace("LINKS", "").replace("10.9.0.0/16 via 10.0.0.2", "blackhole 10.9.0.0/16").replace(
        ", 10.7.0.0/16 dev eth0", "")))
    filling = replace(running().netns["b"], filled=frozenset({"eth0", "other"}))
    assert {"other"} == shifted(State({**running().netns, "b": filling}), old, new).netns["b"].filled
