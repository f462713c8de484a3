"""Every change as the command line a person would type, in the long form that `ip` cannot misread."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network

import pytest

from vethlab import change as ops
from vethlab.change import Change
from vethlab.change.process import starts
from vethlab.model.fdb import UNKNOWN_MAC, Forward
from vethlab.model.link import Bridge, BridgePort, End, Link, Vxlan
from vethlab.model.nat import Table
from vethlab.model.neighbour import Neighbour
from vethlab.model.route import Made, NextHop, Route, RouteType
from vethlab.model.state import Address, Process
from vethlab.model.switch import SwitchBridge, SwitchPort

WEIGHED = tuple(NextHop(ip_address(f"10.0.0.{number}"), "eth0", weight=number) for number in (1, 3))
TWO = "nexthop via 10.0.0.1 dev eth0 nexthop via 10.0.0.3 dev eth0 weight 3"
ENTRY = Neighbour("eth0", ip_address("10.0.0.2"), "02:00:00:00:00:02")
PORT = Link("p-a", "veth", mtu=9000, mac="02:00:00:00:00:01", master="br0", alias="p-a-long", port=BridgePort(isolated=True))
DOWN = Link("left", "veth", up=False)
EIGHT = (NextHop(ip_address("10.0.0.1"), "eth0"), NextHop(ip_address("10.0.1.1"), "eth1", onlink=True))

CASES: list[tuple[Change, list[str]]] = [
    (
        ops.AddVeth("host", PORT, "a", Link("eth0", "veth", mtu=9000)),
        [
            "ip link add name p-a address 02:00:00:00:00:01 mtu 9000 type veth peer name eth0 mtu 9000 netns a",
            "ip link set dev p-a alias p-a-long", "ip link set dev p-a master br0", "bridge link set dev p-a isolated on",
            "ip link set dev p-a up",
        ],
    ),
    (ops.AddVeth("a", DOWN, "a", Link("right", "veth")), ["ip link add name left type veth peer name right"]),
    (
        ops.AddVeth("host", Link("p-a", "veth", port=BridgePort(hairpin=True)), "a", Link("eth0", "veth")),
        [
            "ip link add name p-a type veth peer name eth0 netns a", "bridge link set dev p-a hairpin on", "ip link set dev p-a up",
        ],
    ),
    (
        ops.LoadTable("host", Table("inet", "t", "table inet t {\n}\n")),
        ["printf '%s\\n' 'table inet t\ndelete table inet t\ntable inet t {\n}' | nft --file -"],
    ),
    (ops.RemoveTable("host", Table("inet", "t", "")), ["nft delete table inet t"]),
    (ops.AddBridge("host", Link("br0", "bridge")), ["ip link add name br0 type bridge"]),
    (
        ops.AddBridge("host", Link("br0", "bridge", bridge=Bridge(stp=True))),
        ["ip link add name br0 type bridge stp_state 1 mcast_snooping 0"],
    ),
    (ops.RemoveLink("a", Link("eth0", "veth")), ["ip link delete dev eth0"]),
    (
        ops.AddVxlan("h1", Link(
            "vx-pods", "vxlan", mtu=1430, vxlan=Vxlan(42, 8472, None, ip_address("ff05::2a"), version=6), lower=End("h1", "eth0"),
        )),
        ["ip link add name vx-pods mtu 1430 type vxlan id 42 dstport 8472 local :: group ff05::2a dev eth0 nolearning"],
    ),
    (
        ops.AddVxlan("h1", Link("vx-pods", "vxlan", mac="02:00:00:00:00:01", mtu=1450, master="pods", vxlan=Vxlan(1, learning=True))),
        [
            "ip link add name vx-pods address 02:00:00:00:00:01 mtu 1450 type vxlan id 1 dstport 4789 learning",
            "ip link set dev vx-pods master pods",
        ],
    ),
    (
        ops.AddVxlan("h1", Link("vx-pods", "vxlan", vxlan=Vxlan(1, remote_sum=True))),
        ["ip link add name vx-pods mtu 1500 type vxlan id 1 dstport 4789 nolearning remcsumtx remcsumrx"],
    ),
    (
        ops.AddVxlan("h1", Link("vx-pods", "vxlan", vxlan=Vxlan(1, ttl=None, df="set"))),
        ["ip link add name vx-pods mtu 1500 type vxlan id 1 dstport 4789 nolearning ttl inherit df set"],
    ),
    (
        ops.SetLink(
            "h1", Link("vx-pods", "vxlan", vxlan=Vxlan(1, ttl=3, local=ip_address("fd00::1"))),
            Link("vx-pods", "vxlan", vxlan=Vxlan(1, learning=True)), "why",
        ),
        ["ip link set dev vx-pods type vxlan local :: learning ttl auto"],
    ),
    (
        ops.SetLink(
            "h1", Link("vx-pods", "vxlan", vxlan=Vxlan(1, learning=True)),
            Link("vx-pods", "vxlan", vxlan=Vxlan(1, df="inherit", ttl=9, local=ip_address("10.0.0.1"))), "why",
        ),
        ["ip link set dev vx-pods type vxlan local 10.0.0.1 nolearning ttl 9 df inherit"],
    ),
    (
        ops.SetLink("h1", Link("vx-pods", "vxlan", vxlan=Vxlan(1)), Link("vx-pods", "vxlan", vxlan=Vxlan(1, df="set")), "why"),
        ["ip link set dev vx-pods type vxlan df set"],
    ),
    (
        ops.AddForward("h1", Forward("vx-pods", UNKNOWN_MAC, ip_address("10.0.0.2"))),
        ["bridge fdb append 00:00:00:00:00:00 dev vx-pods dst 10.0.0.2 self permanent"],
    ),
    (
        ops.RemoveForward("h1", Forward("vx-pods", "02:00:00:00:00:02", ip_address("fd00::2"), port=8472, vni=7)),
        ["bridge fdb delete 02:00:00:00:00:02 dev vx-pods dst fd00::2 port 8472 vni 7 self permanent"],
    ),
    (
        ops.SetLink(
            "host", Link("p-a", "veth", up=False, port=BridgePort(state=3)),
            Link("p-a", "veth", mtu=1400, mac="02:00:00:00:00:09", alias="x", port=BridgePort(isolated=True, state=4), link_local=False),
            "why",
        ),
        [
            "ip link set dev p-a address 02:00:00:00:00:09", "ip link set dev p-a mtu 1400", "ip link set dev p-a alias x",
            "bridge link set dev p-a isolated on", "bridge link set dev p-a state 4", "ip link set dev p-a addrgenmode none",
            "ip link set dev p-a up",
        ],
    ),
    (
        ops.SetLink("host", Link("p-a", "veth", master="br0", link_local=False), Link("p-a", "veth", up=False), "why"),
        ["ip link set dev p-a nomaster", "ip link set dev p-a addrgenmode eui64", "ip link set dev p-a down"],
    ),
    (
        ops.SetLink("host", Link("p-a", "veth"), Link("p-a", "veth", master="br0", port=BridgePort()), "why"),
        ["ip link set dev p-a master br0", "bridge link set dev p-a isolated off"],
    ),
    (
        ops.SetLink("host", Link("br0", "bridge", bridge=Bridge()), Link("br0", "bridge", bridge=Bridge(stp=True)), "why"),
        ["ip link set dev br0 type bridge stp_state 1 mcast_snooping 0"],
    ),
    (
        ops.SetLink("host", Link("p-a", "veth", port=BridgePort(state=0)), Link("p-a", "veth", port=BridgePort(state=3)), "why"),
        ["bridge link set dev p-a state 3"],
    ),
    (
        ops.SetLink("host", Link("sw", "ovs"), Link("sw", "ovs", mtu=900, mac="02:00:00:00:00:09", link_local=False), "why"),
        ['ovs-vsctl set Bridge sw other_config:hwaddr="02:00:00:00:00:09"', "ovs-vsctl set Interface sw mtu_request=900"],
    ),
    (
        ops.SetLink("a", Link("eth0", "veth", mac="02:00:00:00:00:09"), Link("eth0", "veth", link_local=False), "why", risen=True),
        ["ip link set dev eth0 addrgenmode none", "ip -6 address flush dev eth0 to fe80::ff:fe00:9"],
    ),
    (ops.AddAddress("a", Address("eth0", ip_interface("fe80::1/64"))), ["ip address replace fe80::1/64 dev eth0 nodad"]),
    (ops.AddAddress("a", Address("eth0", ip_interface("fd00::1/64"))), ["ip address add fd00::1/64 dev eth0 nodad"]),
    (ops.RemoveAddress("a", Address("eth0", ip_interface("10.0.0.1/24"))), ["ip address delete 10.0.0.1/24 dev eth0"]),
    (
        ops.AddRoute("a", Route(ip_network("10.9.0.0/16"), EIGHT, metric=5)),
        ["ip route add 10.9.0.0/16 metric 5 protocol static nexthop via 10.0.0.1 dev eth0 nexthop via 10.0.1.1 dev eth1 onlink"],
    ),
    (
        ops.AddRoute("a", Route(ip_network("fd01::/64"), (NextHop(None, "eth0"),), source=ip_address("fd00::1"))),
        ["ip -6 route add fd01::/64 dev eth0 src fd00::1 protocol static"],
    ),
    (ops.RemoveRoute("a", Route(ip_network("0.0.0.0/0"), (), RouteType.BLACKHOLE)), ["ip route delete blackhole default"]),
    (
        ops.AddRoute("a", Route(ip_network("10.9.0.0/16"), (NextHop(None, "eth0"),), made=Made("boot", 253))),
        ["ip route add 10.9.0.0/16 dev eth0 protocol boot"],
    ),
    (
        ops.AddRoute("a", Route(
            ip_network("10.9.0.0/16"), WEIGHED,
            made=Made("boot", 10, 16, ((1, 1 << 2 | 1 << 13), (2, 1400), (12, 1), (13, 200), (16, 0)), 2 << 16 | 5),
        )),
        ["ip route add 10.9.0.0/16 protocol boot scope 10 tos 0x10 realms 2/5 mtu lock 1400 features ecn rto_min 200 " + TWO],
    ),
    (
        ops.AddRoute("a", Route(ip_network("fd01::/64"), (NextHop(None, "eth0"),), made=Made("static", preference=3))),
        ["ip -6 route add fd01::/64 dev eth0 protocol static pref low"],
    ),
    (
        ops.RemoveRoute("a", Route(ip_network("10.9.0.0/16"), (NextHop(None, "eth0"),), made=Made("boot", 253, 16))),
        ["ip route delete 10.9.0.0/16 dev eth0 tos 0x10"],
    ),
    (ops.AddNeighbour("a", ENTRY), ["ip neighbour replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent"]),
    (ops.RemoveNeighbour("a", ENTRY), ["ip neighbour delete 10.0.0.2 dev eth0"]),
    (ops.StopSwitch("host"), ["ovs-appctl --target=ovs-vswitchd exit --cleanup", "ovs-appctl --target=ovsdb-server exit"]),
    (
        ops.AddSwitchBridge(
            "host", Link("sw0", "ovs", mtu=9000, mac="02:00:00:00:00:01"), SwitchBridge("userspace", flows=("priority=0,actions=normal",)),
        ),
        [
            (
                "ovs-vsctl add-br sw0 -- set Bridge sw0 datapath_type=netdev -- "
                'set Bridge sw0 other_config:hwaddr="02:00:00:00:00:01" -- set Bridge sw0 fail_mode=secure -- '
                "set Interface sw0 mtu_request=9000"
            ),
        ],
    ),
    (ops.AddSwitchBridge("host", Link("sw0", "ovs"), SwitchBridge()), ["ovs-vsctl add-br sw0"]),
    (ops.RemoveSwitchBridge("host", "sw0"), ["ovs-vsctl del-br sw0"]),
    (ops.AddSwitchPort("host", "sw0", "p-a", SwitchPort()), ["ovs-vsctl add-port sw0 p-a"]),
    (
        ops.AddSwitchPort("host", "sw0", "p-a", SwitchPort(10, isolated=True), 3),
        ["ovs-vsctl add-port sw0 p-a tag=10 protected=true -- set Interface p-a ofport_request=3"],
    ),
    (
        ops.SetSwitchPort("host", "sw0", "p-a", SwitchPort(10), SwitchPort(isolated=True), "why"),
        ["ovs-vsctl clear Port p-a tag -- set Port p-a protected=true"],
    ),
    (
        ops.SetSwitchPort("host", "sw0", "p-a", SwitchPort(10, isolated=True), SwitchPort(20), "why"),
        ["ovs-vsctl set Port p-a tag=20 -- set Port p-a protected=false"],
    ),
    (ops.SetSwitchPort("host", "sw0", "p-a", SwitchPort(10), SwitchPort(20), "why"), ["ovs-vsctl set Port p-a tag=20"]),
    (
        ops.SetSwitchPort("host", "sw0", "p-a", SwitchPort(), SwitchPort(isolated=True), "why"),
        ["ovs-vsctl set Port p-a protected=true"],
    ),
    (
        ops.SetSwitchPort("host", "sw0", "p-a", SwitchPort(5, trunks=frozenset({7, 6}), mode="trunk"), SwitchPort(5), "why"),
        ["ovs-vsctl clear Port p-a trunks -- clear Port p-a vlan_mode"],
    ),
    (
        ops.SetSwitchPort("host", "sw0", "p-a", SwitchPort(5), SwitchPort(5, trunks=frozenset({7, 6}), mode="trunk"), "why"),
        ["ovs-vsctl set Port p-a trunks=6,7 -- set Port p-a vlan_mode=trunk"],
    ),
    (ops.RemoveSwitchPort("host", "sw0", "p-a"), ["ovs-vsctl --if-exists del-port sw0 p-a"]),
    (
        ops.SetFlows("host", "sw0", ("priority=0,actions=drop",)),
        [
            "ovs-vsctl set-fail-mode sw0 secure",
            "printf '%s\\n' priority=0,actions=drop | ovs-ofctl --protocols=OpenFlow14 --bundle replace-flows sw0 -",
        ],
    ),
    (
        ops.SetFlows("host", "sw0", ("priority=0 actions=drop", "fail_mode=standalone")),
        [
            "ovs-vsctl del-fail-mode sw0",
            "printf '%s\\n' 'priority=0 actions=drop' | ovs-ofctl --protocols=OpenFlow14 --bundle replace-flows sw0 -",
        ],
    ),
    (ops.SetSysctl("a", "net.ipv4.ip_forward", "1"), ["sysctl --write net.ipv4.ip_forward=1"]),
    (ops.SetSysctl("a", "net.ipv4.tcp_rmem", "4096 131072 6291456"), ['sysctl --write net.ipv4.tcp_rmem="4096 131072 6291456"']),
    (ops.LoadRuleset("a", "table ip x {}\n"), ["printf '%s\\n' 'flush ruleset' 'table ip x {}' | nft --file -"]),
    (ops.StartProcess("a", Process("sleep 9")), ["sh -c 'sleep 9' &"]),
    (ops.StopProcess("a", Process("sleep 9")), ["pkill --full 'sleep 9'"]),
    (ops.AddNetns("a"), ["ip netns add a"]),
    (ops.RemoveNetns("a"), ["ip netns delete a"]),
]


@pytest.mark.parametrize(("one", "expected"), CASES, ids=[f"{type(one).__name__}-{number}" for number, (one, _) in enumerate(CASES)])
def test_a_change_is_told_as_commands(one: Change, expected: list[str]) -> None:
    """The commands are complete, unambiguous, and in the order in which they work."""
    assert expected == list(one.commands())


def test_objects_are_named_in_the_labs_words() -> None:
    """A plan speaks of nodes, links, bridges, addresses: `kind namespace:interface`."""
    assert ["fdb 00:00:00:00:00:00 to 10.0.0.2 on h1:vx-pods", "vxlan h1:vx-pods"] == [
        ops.RemoveForward("h1", Forward("vx-pods", UNKNOWN_MAC, ip_address("10.0.0.2"))).object,
        ops.RemoveLink("h1", Link("vx-pods", "vxlan")).object,
    ]
    assert ["bridge host:br0", "link a:eth0", "process of a", "process of a", "nft ruleset in a", "neighbour 10.0.0.2 on a:eth0"] == [
        one.object for one in (
            ops.RemoveLink("host", Link("br0", "bridge")), ops.RemoveLink("a", Link("eth0", "veth")), ops.StartProcess("a", Process("x")),
            ops.StopProcess("a", Process("x")), ops.LoadRuleset("a", ""), ops.AddNeighbour("a", ENTRY),
        )
    ]


def test_the_line_that_starts_a_process_is_known_again() -> None:
    """As it is given to a shell, and no other."""
    start = ("sh", "-c", *ops.StartProcess("a", Process("serve 'x'")).commands())
    others = ("sh", "-c", "sh -c serve"), ("sh", "-c", "sleep 1 &"), ("ip", "link", "show"), start[:2]
    assert [True, False, False, False, False] == [starts(one) for one in (start, *others)]
