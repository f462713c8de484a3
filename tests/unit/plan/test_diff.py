"""Two states -> the smallest changes, in an order the kernel accepts."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

from tests.topologies import campus, direct, via

from vethlab import change as ops
from vethlab import spec
from vethlab.kernel.fake import Fake
from vethlab.model.link import Bridge, BridgePort, End, Link, Vxlan
from vethlab.model.neighbour import Neighbour
from vethlab.model.route import Made, NextHop, Route, RouteType
from vethlab.model.state import Address, Netns, Process, State
from vethlab.model.topology import Topology
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff
from vethlab.plan.differences import covers, explain


def built(topology: Topology) -> Fake:
    """A fake kernel that holds a topology."""
    kernel = Fake()
    kernel.apply(diff(State(), desired(topology)))
    return kernel


def plan(kernel: Fake, topology: Topology) -> list[str]:
    """What would be done, as `action object`."""
    wanted = desired(topology)
    actual = kernel.read(kernel.names(), [(name, key) for name, one in wanted.netns.items() for key in one.sysctls])
    return [f"{one.action} {one.object}" for one in diff(actual, wanted)]


def test_a_built_lab_has_no_difference() -> None:
    """Applying a plan leaves nothing to do."""
    for topology in (direct(), campus()):
        assert [] == plan(built(topology), topology)


def test_a_new_lab_is_built_in_an_order_the_kernel_accepts() -> None:
    """Namespaces, bridge, pairs, settings; the bridge comes up last, so that its ports do not flood each other."""
    kinds = [type(one) for one in diff(State(), desired(campus()))]
    assert kinds[:6] == [ops.AddNetns] * 6
    assert kinds.index(ops.AddBridge) < kinds.index(ops.AddVeth) < kinds.index(ops.AddAddress)
    last = diff(State(), desired(campus()))[-1]
    assert isinstance(last, ops.SetLink)
    assert ("br0", True) == (last.after.name, last.fresh)


def test_a_route_behind_a_bridge_of_its_node_waits_for_the_bridge() -> None:
    """The kernel takes no gateway behind a device that is down, and fresh bridges come up last."""
    lab = spec.loads("name: x\nnodes: {r: {routes: [10.5.0.0/24 via 10.4.0.2]}, a: {}}\n"
                     "networks: {br0: {on: r, subnet: 10.4.0.0/24, gateway: 1, nodes: [a]}}\n")
    routes_last = [one for one in diff(State(), desired(lab)) if isinstance(one, ops.SetLink | ops.AddRoute)][-2:]
    assert ["interface r:br0", "route 10.5.0.0/24 via 10.4.0.2 in r"] == [one.object for one in routes_last]


def test_reasons_tell_new_from_missing() -> None:
    """A lab that is made says `declared`, a running one `missing`; `new` overrules."""
    kernel = built(direct())
    kernel.put("ns1", addresses=frozenset())
    actual = kernel.read(kernel.names())
    assert "declared, but missing in the running lab" == diff(actual, desired(direct()))[-1].reason
    assert "declared in the lab file" == diff(actual, desired(direct()), new=True)[-1].reason


def test_an_address_removed_by_hand_is_put_back() -> None:
    """One lost address is one change."""
    kernel = built(direct(ipv6="none"))
    kernel.put("ns1", addresses=frozenset())
    assert ["add address 30.1.1.10/24 on ns1:veth0"] == plan(kernel, direct(ipv6="none"))


def test_a_link_local_address_is_put_back_before_the_link_comes_up() -> None:
    """Otherwise the kernel makes the same address first, tentative for a second."""
    kernel = built(direct())
    space = kernel.spaces["ns1"]
    kernel.put("ns1", addresses=frozenset(), links={**space.links, "veth0": replace(space.links["veth0"], up=False)})
    assert [
        "add address fe80::6e:c4ff:fed7:39a8/64 on ns1:veth0", "change interface ns1:veth0", "add address 30.1.1.10/24 on ns1:veth0",
    ] == plan(kernel, direct())


def test_an_extra_address_and_route_and_static_neighbour_go() -> None:
    """What a person added is taken away again."""
    kernel = built(direct())
    space = kernel.spaces["ns1"]
    kernel.put(
        "ns1", addresses=space.addresses | {Address("veth0", ip_interface("30.1.1.99/24"))},
        routes=frozenset({Route(ip_network("1.2.3.0/24"), (), RouteType.BLACKHOLE)}),
        neighbours=frozenset({Neighbour("veth0", ip_address("30.1.1.11"), "02:00:00:00:00:99")}),
    )
    assert [
        "remove neighbour 30.1.1.11 on ns1:veth0", "remove address 30.1.1.99/24 on ns1:veth0", "remove route blackhole 1.2.3.0/24 in ns1",
    ] == plan(kernel, direct())


def test_a_link_set_down_comes_up_with_the_routes_it_lost() -> None:
    """Down took the routes along; both come back."""
    kernel = built(campus())
    space = kernel.spaces["a"]
    kernel.put("a", links={**space.links, "eth0": replace(space.links["eth0"], up=False)}, routes=frozenset())
    assert ["change interface a:eth0", "add route default via 10.9.1.1 in a"] == plan(kernel, campus())


def test_a_port_taken_off_its_bridge_goes_back() -> None:
    """The master is part of the link."""
    kernel = built(campus())
    kernel.put_link("host", replace(kernel.spaces["host"].links["p-b"], master=None, port=None))
    assert ["change interface host:p-b"] == plan(kernel, campus())


def test_a_replaced_pair_is_rebuilt_once() -> None:
    """A pair that leads elsewhere is removed and made anew, with the addresses that hung on it."""
    kernel = built(direct())
    for place, name in (("ns1", "veth0"), ("ns2", "veth1")):
        kernel.put_link(place, replace(kernel.spaces[place].links[name], peer=None))
    found = plan(kernel, direct())
    assert ["remove link ns1:veth0", "remove link ns2:veth1", "add link ns1:veth0 -- ns2:veth1"] == found[:3]
    assert {"add address 30.1.1.10/24 on ns1:veth0", "add address 30.1.1.11/24 on ns2:veth1"} <= set(found[3:])


def test_a_pair_with_a_wrong_far_end_is_removed_as_one() -> None:
    """Where both ends still name each other under another name, one removal takes both."""
    kernel = built(direct())
    wanted = desired(direct())
    moved = {**wanted.netns["ns1"].links, "veth9": replace(wanted.netns["ns1"].links["veth0"], name="veth9")}
    del moved["veth0"]
    far = {**wanted.netns["ns2"].links, "veth1": replace(wanted.netns["ns2"].links["veth1"], peer=End("ns1", "veth9"))}
    near = replace(wanted.netns["ns1"], links=moved, addresses=frozenset())
    goal = State({**wanted.netns, "ns1": near, "ns2": replace(wanted.netns["ns2"], links=far)})
    found = [f"{one.action} {one.object}" for one in diff(kernel.read(kernel.names()), goal)]
    assert 1 == sum(text.startswith("remove link") for text in found)
    assert "add link ns1:veth9 -- ns2:veth1" in found


def test_a_foreign_link_is_left_alone_with_all_that_hangs_on_it() -> None:
    """A tunnel that a daemon made in a node, its addresses and routes, are not ours to remove."""
    kernel = built(direct())
    kernel.put_link("ns1", Link("tun0", "tun", owned=False, index=77))
    kernel.put_link("ns1", Link("extra", "veth", owned=False, index=78))
    space = kernel.spaces["ns1"]
    kernel.put(
        "ns1", addresses=space.addresses | {Address("tun0", ip_interface("10.8.0.1/24"))},
        routes=space.routes | {Route(ip_network("10.8.9.0/24"), (NextHop(None, "tun0"),))},
        neighbours=frozenset({Neighbour("tun0", ip_address("10.8.0.2"), "02:00:00:00:00:01")}),
    )
    assert [] == plan(kernel, direct())


def test_a_node_that_left_the_file_goes_with_its_ports() -> None:
    """The far end is removed by hand, because the kernel frees a namespace late."""
    kernel = built(campus())
    lab = campus()
    smaller = replace(lab, nodes=lab.nodes[1:], networks=(replace(lab.networks[0], ports=lab.networks[0].ports[1:]),))
    assert ["remove link host:p-a", "remove node a"] == plan(kernel, smaller)


def test_a_bridge_that_left_the_file_is_removed() -> None:
    """Extra bridges of ours go."""
    kernel = built(direct())
    kernel.put_link("host", Link("br9", "bridge", index=99))
    assert ["remove bridge host:br9"] == plan(kernel, direct())


def test_new_interfaces_get_indexes_nobody_uses() -> None:
    """Indexes are unique over the lab, so that a pair can be recognised."""
    kernel = built(campus())
    used = {link.index for one in kernel.spaces.values() for link in one.links.values() if link.kind != "loopback"}
    kernel.remove_link(End("host", "p-a"))
    added = [one for one in diff(kernel.read(kernel.names()), desired(campus())) if isinstance(one, ops.AddVeth)]
    assert not {added[0].left.index, added[0].right.index} & (used - {None})
    assert 11 == len(used)


def test_sysctls_of_all_are_written_before_those_of_interfaces() -> None:
    """Writing `all` rewrites every interface, so it comes first; sysctls of interfaces wait until these exist."""
    lab = direct()
    node = replace(lab.nodes[0], sysctl=(("net.ipv4.conf.veth0.rp_filter", "1"), ("net.ipv4.conf.all.rp_filter", "2")))
    changes = diff(State(), desired(replace(lab, nodes=(node, lab.nodes[1]))))
    keys = [one.key for one in changes if isinstance(one, ops.SetSysctl) and one.netns == "ns1"]
    assert ["net.ipv4.conf.all.rp_filter", "net.ipv4.conf.veth0.rp_filter"] == keys
    kinds = [one.key if isinstance(one, ops.SetSysctl) else type(one) for one in changes]
    assert kinds.index("net.ipv4.conf.all.rp_filter") < kinds.index(ops.AddVeth) < kinds.index("net.ipv4.conf.veth0.rp_filter")


def test_a_sysctl_changed_by_hand_is_a_change_with_both_values() -> None:
    """The reason shows what it was and what it will be; white space does not count."""
    actual = State({"a": Netns(sysctls={"x": "1", "y": "4\t5"})})
    wanted = State({"a": Netns(sysctls={"x": "2", "y": "4 5"})})
    assert ["1 → 2"] == [one.reason for one in diff(actual, wanted)]


def test_rulesets_and_processes_are_compared() -> None:
    """A changed ruleset is loaded whole, a missing process started, an extra one stopped."""
    old, new = Process("old"), Process("new")
    actual = State({"a": Netns(nft="table ip x {}", processes=(old,))})
    wanted = State({"a": Netns(nft="table ip y {}", processes=(new,))})
    assert [ops.StopProcess, ops.LoadRuleset, ops.StartProcess] == [type(one) for one in diff(actual, wanted)]
    assert [ops.LoadRuleset] == [type(one) for one in diff(State({"a": Netns(nft="table ip x {}")}), State({"a": Netns()}))]
    assert () == diff(State({"a": Netns(nft="")}), State({"a": Netns()}))


def test_static_neighbours_are_added() -> None:
    """A desired static entry that is missing is put in place (rollback needs it)."""
    entry = Neighbour("eth0", ip_address("10.0.0.1"), "02:00:00:00:00:01")
    found = diff(State({"a": Netns()}), State({"a": Netns(neighbours=frozenset({entry}))}))
    assert ["neighbour 10.0.0.1 on a:eth0"] == [one.object for one in found]


def test_every_difference_of_a_link_is_told() -> None:
    """The reason of a changed link lists what differs."""
    now = Link("x", "veth", up=False, mtu=1500, mac="02:00:00:00:00:01", port=BridgePort(state=3), bridge=Bridge(), alias="old")
    goal = Link(
        "x", "veth", mtu=9000, mac="02:00:00:00:00:02", master="br0", port=BridgePort(isolated=True, state=4), bridge=Bridge(stp=True),
        alias="new", link_local=False,
    )
    assert (
        "down → up, mtu 1500 → 9000, address 02:00:00:00:00:01 → 02:00:00:00:00:02, master none → br0, alias old → new, "
        "bridge settings differ, isolated off → on, port state 3 → 4, link-local address on → off"
    ) == explain(now, goal)
    assert "up → down, master br0 → none" == explain(Link("x", "veth", master="br0"), Link("x", "veth", up=False))


def test_a_vxlan_device_is_changed_where_the_kernel_can() -> None:
    """Its source, hops and don't-fragment change in place; another vni, another family or hops that are inherited make it anew."""
    held, ten, six = Vxlan(1, local=ip_address("10.0.0.1")), ip_address("10.0.0.2"), ip_address("fd00::1")

    def found(now: Vxlan, goal: Vxlan) -> list[tuple[str, str]]:
        states = [State({"a": Netns(links={"x": Link("x", "vxlan", vxlan=one)})}) for one in (now, goal)]
        return [(type(one).__name__, one.reason) for one in diff(*states)]

    assert [("SetLink", "local 10.0.0.2 → 10.0.0.1, learning on → off, ttl 3 → 0, df set → unset")] == found(
        replace(held, local=ten, learning=True, ttl=3, df="set"), held,
    )
    assert [("SetLink", "local none → 10.0.0.1")] == found(replace(held, local=None), held)
    assert ("RemoveLink", "vni 2 → 1, ttl 3 → 0") == found(replace(held, vni=2, ttl=3), held)[0]
    assert ("RemoveLink", "local fd00::1 → 10.0.0.1") == found(replace(held, local=six), held)[0]
    assert ("RemoveLink", "ttl none → 0") == found(replace(held, ttl=None), held)[0]
    assert ("RemoveLink", "remote_sum off → on") == found(held, replace(held, remote_sum=True))[0]


def test_a_port_keeps_its_learned_state_when_something_else_changes() -> None:
    """Only declared port settings are written; the state the bridge gave it stays."""
    kernel = built(campus())
    kernel.put_link("host", replace(kernel.spaces["host"].links["p-b"], mtu=1400, port=BridgePort(state=3)))
    wanted = desired(campus())
    found = [one for one in diff(kernel.read(kernel.names()), wanted) if isinstance(one, ops.SetLink)]
    assert BridgePort(state=3) == found[0].after.port


def test_a_route_without_device_fits_whatever_device_the_kernel_found() -> None:
    """The declared next hop leaves the device open; everything else has to agree."""
    goal = via("10.0.0.1")
    held = Route(goal.destination, (NextHop(ip_address("10.0.0.1"), "eth0"),))
    assert covers(goal, held)
    assert not covers(goal, replace(held, metric=5))
    assert not covers(replace(goal, source=ip_address("10.0.0.9")), held)
    assert not covers(goal, replace(held, next_hops=held.next_hops * 2))
    assert not covers(via("10.0.0.2"), held)


def test_somebody_elses_link_that_is_gone_cannot_be_made_anew() -> None:
    """A rollback may ask for a link that a process made and took away meanwhile; the plan leaves it out instead of failing."""
    assert () == diff(State({"a": Netns()}), State({"a": Netns(links={"tun0": Link("tun0", "tun", owned=False)})}))


def test_a_bridge_without_link_local_addresses_is_new_like_any_other() -> None:
    """A pair whose settings are right from the start needs no second change."""
    quiet = {"net.ipv6.conf.default.addr_gen_mode": "1"}
    near = Link("x", "veth", peer=End("b", "y"), link_local=False)
    far = Link("y", "veth", up=False, peer=End("a", "x"), link_local=False)
    wanted = State({"a": Netns({"x": near}, sysctls=quiet), "b": Netns({"y": far}, sysctls=quiet)})
    assert [ops.AddVeth] == [type(one) for one in diff(State(), wanted) if not isinstance(one, ops.AddNetns | ops.SetSysctl)]


def test_the_end_with_a_master_makes_the_pair() -> None:
    """Whichever end comes first: one message can set the master of the end it is about."""
    state = desired(campus())
    turned = State(dict(sorted(state.netns.items())))
    assert {"host"} == {one.netns for one in diff(State(), turned) if isinstance(one, ops.AddVeth) and one.left.name.startswith("p-")}


def test_processes_that_stay_are_left_alone() -> None:
    """A running process that is declared is neither stopped nor started."""
    state = State({"a": Netns(processes=(Process("sleep 9"),))})
    assert () == diff(state, state)


def test_routes_of_several_next_hops_when_one_interface_goes() -> None:
    """IPv4's is gone with it and is not removed once more; of IPv6's the other hop is left."""
    lab = "name: x\nnodes: {a: {routes: [ROUTES]}, b: {}}\nlinks: [a 10.0.0.1/24 fd00:0::1/64 -- b, a 10.0.1.1/24 fd00:1::1/64 -- b]\n"
    old = lab.replace("ROUTES", "10.9.0.0/16 nexthop via 10.0.0.9 dev eth0 nexthop via 10.0.1.9 dev eth1, "
                                "'fd09::/64 nexthop via fd00:0::9 dev eth0 nexthop via fd00:1::9 dev eth1'")
    new = "name: x\nnodes: {a: {routes: ['10.9.0.0/16 via 10.0.0.9']}, b: {}}\nlinks: [a 10.0.0.1/24 fd00:0::1/64 -- b]\n"
    kernel = Fake()
    kernel.apply(diff(State(), desired(spec.loads(old))))
    changes = diff(State(dict(kernel.spaces)), desired(spec.loads(new)))
    found = [f"{one.action} {one.object}" for one in changes if one.object.startswith("route")]
    assert ["remove route fd09::/64 via fd00::9 dev eth0 in a", "add route 10.9.0.0/16 via 10.0.0.9 in a"] == found


def test_how_a_route_was_made_counts_where_it_is_known() -> None:
    """A declaration leaves it open; what goes back to a state that was read goes back to that too, weights included."""
    declared = Route(ip_network("10.9.0.0/16"), (NextHop(ip_address("10.0.0.1"), "eth0"),))
    by_hand, other = replace(declared, made=Made("boot")), replace(declared, made=Made("static", metrics=((2, 1400),)))
    assert (True, False, True) == (covers(declared, by_hand), covers(by_hand, other), covers(other, other))
    light, heavy = (replace(declared, next_hops=(replace(declared.next_hops[0], weight=weight),)) for weight in (1, 3))
    assert (True, False) == (covers(declared, heavy), covers(light, heavy))
