"""Snapshots of real namespaces against the tools that people look with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest
from tests.kernel.observe import witness
from tests.kernel.observe.witness import do, tell

from vethlab import Lab
from vethlab.kernel.full_snapshot import ALL4, ALL6, BRIDGE_KEYS, KEYS, full_snapshot, full_snapshots
from vethlab.kernel.netlink.devconf import IPV4, IPV6
from vethlab.kernel.wiring import read_wiring
from vethlab.model.link import End
from vethlab.model.snapshot import FdbEntry, HeldAddress, Interface, Listener, Queue, Snapshot, Wire

pytestmark = pytest.mark.kernel

ROUTES = (
    "ip route add default via 10.0.0.2", "ip route add blackhole 10.9.0.0/24", "ip route add unreachable 10.9.1.0/24",
    "ip route add prohibit 10.9.2.0/24 metric 7", "ip route add throw 10.9.3.0/24 table 100",
    "ip route add 10.8.0.0/16 dev eth0 src 10.0.0.1",
    "ip route add 10.7.0.0/16 via 192.0.2.1 dev eth1 onlink table 4000000000 protocol bgp",
    "ip route add 10.6.0.0/16 nexthop via 10.0.0.2 dev eth0 nexthop via 10.1.0.2 dev eth1 weight 3",
    "ip route add 10.5.0.0/16 via inet6 2001:db8::2 dev eth0",
    "ip -6 route add default via 2001:db8::2 metric 50", "ip -6 route add blackhole 2001:db8:9::/48",
    "ip -6 route add unreachable 2001:db8:a::/48", "ip -6 route add prohibit 2001:db8:b::/48 table 100",
    "ip -6 route add 2001:db8:6::/48 nexthop via 2001:db8::2 dev eth0 nexthop via 2001:db8:1::2 dev eth1",
)
RULES = (
    "ip rule add priority 10 from 10.0.0.0/8 to 10.9.0.0/16 lookup 100", "ip rule add priority 20 iif eth0 oif eth1 lookup main",
    "ip rule add priority 30 fwmark 0x5 lookup 4000000000", "ip rule add priority 40 from 10.77.0.0/16 prohibit",
    "ip rule add priority 50 blackhole iif nowhere", "ip rule add priority 60 to 10.3.0.1 unreachable", "ip rule add priority 70 goto 90",
    "ip -6 rule add priority 10 from 2001:db8::/32 lookup 100",
)
PARTIAL = (  # rules that look at something which is not read
    "ip rule add priority 80 not from 10.5.0.0/16 lookup 100", "ip rule add priority 81 ipproto tcp dport 80 lookup 100",
    "ip rule add priority 82 tos 0x10 lookup 100", "ip rule add priority 83 uidrange 0-0 lookup 100",
    "ip rule add priority 84 lookup main suppress_prefixlength 0", "ip rule add priority 85 fwmark 0x1/0x3 lookup 100",
)


def declared() -> Lab:
    """Two nodes on a bridge and on a cable, in IPv4; everything else is done by hand."""
    lab = Lab("full-snapshot")
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
    lab.link("a 10.1.0.1/24", "b 10.1.0.2/24")
    lab.bridge("br0", subnet="10.2.0.0/24", nodes=["a", "b"])
    return lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """That lab with a bit of everything in node a and on the bridge."""
    with declared() as lab:
        do(
            lab, "a", "sysctl -qw net.ipv6.conf.eth0.accept_dad=0", "ip address add 2001:db8::1/64 dev eth0 nodad noprefixroute",
            "ip -6 route add 2001:db8::/64 dev eth0", "ip address add 2001:db8:1::1/64 dev eth1 nodad",
            "ip address add 10.0.0.9/24 dev eth0", "ip address add 10.0.0.10/24 dev eth0 preferred_lft 0",
            "ip address add 10.4.0.1 peer 10.4.0.2/32 dev eth1",
            *ROUTES, *RULES,
            "ip neigh add 10.0.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent",
            "ip neigh add 10.0.0.78 lladdr 02:00:00:00:00:78 dev eth0 nud stale",
            "ip neigh add 2001:db8::77 lladdr 02:00:00:00:00:79 dev eth0 nud noarp",
            "tc qdisc add dev eth0 root tbf rate 1mbit burst 1600 limit 3000", "tc qdisc add dev eth1 root handle 1: htb default 10",
            "tc class add dev eth1 parent 1: classid 1:10 htb rate 1mbit", "tc qdisc add dev eth1 parent 1:10 handle 10: pfifo limit 7",
        )
        yield lab


def held(lab: Lab, node: str) -> Snapshot:
    """The snapshot of a node."""
    return full_snapshot(lab.namespaces, node)


def told(one: Interface) -> tuple[object, ...]:
    """What witness.links says of it."""
    return one.index, one.kind, one.up, one.arp, one.mtu, one.mac, one.master, one.port, one.stp


@pytest.mark.parametrize("node", ["a", "b", "host"])
def test_interfaces_are_as_ip_link_says(lab: Lab, node: str) -> None:
    """Number, kind, flags, MTU, MAC, master, port flags and STP of every interface are what `ip -d link` prints."""
    assert witness.links(lab, node) == {name: told(one) for name, one in held(lab, node).interfaces.items()}


@pytest.mark.parametrize("node", ["a", "host"])
def test_settings_are_as_sysctl_says(lab: Lab, node: str) -> None:
    """Every setting of every interface, decoded from IFLA_AF_SPEC, equals its file under /proc/sys/net."""
    interfaces = held(lab, node).interfaces
    wanted = {
        (f"net.ipv{version}.conf.{name}.{leaf}", value): (node, f"net.ipv{version}.conf.{name}.{leaf}")
        for name, one in interfaces.items() for version, conf in ((4, one.ipv4), (6, one.ipv6)) for leaf, value in conf.items()
    }
    said = dict(zip(wanted, lab.namespaces.read_sysctls(list(wanted.values())), strict=True))
    assert [] == [(key, value, read) for (key, value), read in said.items() if read is None or int(read) != value]
    assert (len(IPV4), True) == (len(interfaces["lo"].ipv4), len(interfaces["lo"].ipv6) > len(IPV6) - 12)


def test_global_settings_are_as_sysctl_says() -> None:
    """`all` and the further keys are what sysctl(8) prints, those of bridges where there is a bridge."""
    with declared() as lab:
        do(lab, "b", "sysctl -qw net.ipv4.conf.all.arp_ignore=2 net.ipv4.icmp_echo_ignore_all=1 net.ipv6.conf.all.forwarding=1")
        b, host = held(lab, "b"), held(lab, "host")
        for snapshot, node in ((b, "b"), (host, "host")):
            said = {
                **{f"net.ipv4.conf.all.{leaf}": str(value) for leaf, value in snapshot.all4.items()},
                **{f"net.ipv6.conf.all.{leaf}": str(value) for leaf, value in snapshot.all6.items()}, **snapshot.sysctls,
            }
            printed = lab[node].exec(["sysctl", *said]).stdout.splitlines()
            assert printed == [f"{key} = {value}" for key, value in said.items()]
            assert ([*ALL4], [*ALL6]) == ([*snapshot.all4], [*snapshot.all6])
    assert ({*KEYS}, {*KEYS, *BRIDGE_KEYS}) == ({*b.sysctls}, {*host.sysctls})
    assert (2, "1", 1) == (b.all4["arp_ignore"], b.sysctls["net.ipv4.icmp_echo_ignore_all"], b.all6["forwarding"])


@pytest.mark.parametrize("node", ["a", "b", "host"])
def test_addresses_are_as_ip_address_says(lab: Lab, node: str) -> None:
    """Every address with its prefix and flags is what `ip address` prints, secondary and deprecated ones among them."""
    assert witness.addresses(lab, node) == set(held(lab, node).addresses)
    if node == "a":
        flags = {str(one.address): one.flags for one in held(lab, node).addresses}
        assert (("secondary",), ("secondary", "deprecated"), ("noprefixroute",)) == (
            flags["10.0.0.9/24"], flags["10.0.0.10/24"], flags["2001:db8::1/64"],
        )
        assert () == flags["10.4.0.1/32"]


@pytest.mark.parametrize("node", ["a", "b", "host"])
def test_routes_are_as_ip_route_says(lab: Lab, node: str) -> None:
    """Every route of every table and type is what `ip route show table all` prints, and none comes twice."""
    routes = held(lab, node).routes
    assert witness.routes(lab, node) == set(routes)
    assert len(routes) == len(set(routes))


def test_dead_hops_are_marked() -> None:
    """A route over a cable whose other end is down says linkdown."""
    with declared() as lab:
        do(lab, "b", "ip link set eth0 down")
        a = held(lab, "a")
        assert witness.routes(lab, "a") == set(a.routes)
        flags = [hop.flags for route in a.routes for hop in route.hops if str(route.destination) == "10.0.0.0/24"]
        assert [("linkdown",)] == flags
        assert (True, False) == (a.interfaces["eth0"].up, a.interfaces["eth0"].carrier)


def test_rules_are_as_ip_rule_says(lab: Lab) -> None:
    """Every rule with selectors and action is what `ip rule` prints."""
    assert witness.rules(lab, "a") == sorted(held(lab, "a").rules, key=lambda rule: (rule.version, rule.priority))
    assert [] == [rule for rule in held(lab, "a").rules if rule.other]


def test_rules_that_say_more_are_marked() -> None:
    """A rule that looks at ports, tos, users, a mask, or says `not`, is marked as looking at something else."""
    with declared() as lab:
        do(lab, "a", *PARTIAL)
        assert {*range(80, 86)} == {rule.priority for rule in held(lab, "a").rules if rule.other}


def test_neighbours_are_as_ip_neigh_says(lab: Lab) -> None:
    """Entries of every state are what `ip neigh show nud all` prints; one that nobody answers has no MAC."""
    assert lab["a"].exec("ping -q -c 1 10.0.0.2")
    lab["a"].exec("ping -c 1 -W 0.05 10.1.0.99")
    before, said, after = held(lab, "a").neighbours, witness.neighbours(lab, "a"), held(lab, "a").neighbours
    assert set() == said - {*before, *after}
    states = {str(one.address): (one.state, one.valid) for one in after}
    assert (("permanent", True), ("stale", True), ("noarp", True)) == (states["10.0.0.77"], states["10.0.0.78"], states["2001:db8::77"])
    assert states["10.1.0.99"] in {("incomplete", False), ("failed", False)}


def test_forwarding_entries_are_as_bridge_fdb_says() -> None:
    """Local, static, sticky and learned entries of a bridge are what `bridge fdb` prints; the cards' multicast filters are left out."""
    with declared() as lab:
        assert lab["a"].exec("ping -q -c 1 10.2.0.2")
        do(
            lab, "host", "bridge fdb add 02:00:00:00:00:01 dev p-a master static",
            "bridge fdb add 02:00:00:00:00:02 dev p-b master static sticky",
            "bridge fdb add 02:00:00:00:00:03 dev p-b master local",
        )
        found = held(lab, "host").fdb
        assert witness.forwarding_entries(lab, "host") == set(found)
        mac = held(lab, "a").interfaces["eth2"].mac
    assert {
        FdbEntry("br0", "p-a", "02:00:00:00:00:01", static=True), FdbEntry("br0", "p-b", "02:00:00:00:00:02", static=True, sticky=True),
        FdbEntry("br0", "p-b", "02:00:00:00:00:03", local=True), FdbEntry("br0", "p-a", mac),
    } <= set(found)


def test_port_flags_are_as_set() -> None:
    """Every flag of a port that is set away from its default is seen, by us as by ip(8), and STP of the bridge."""
    off = "learning off flood off mcast_flood off bcast_flood off"
    with declared() as lab:
        assert lab["a"].exec("ping -q -c 1 10.2.0.2")  # a port that gets its carrier enables itself (br_port_carrier_check)
        do(
            lab, "host", f"ip link set p-a type bridge_slave isolated on {off} neigh_suppress on hairpin on",
            "bridge link set dev p-b state 0",
        )
        interfaces = held(lab, "host").interfaces
        assert witness.links(lab, "host") == {name: told(one) for name, one in interfaces.items()}
        do(lab, "host", "ip link set br0 type bridge stp_state 1")
        bridge = held(lab, "host").interfaces["br0"]
    port, other = interfaces["p-a"].port, interfaces["p-b"].port
    assert port is not None
    assert other is not None
    assert (True, False, False, False, False, True, True) == (
        port.isolated, port.learning, port.flood, port.multicast_flood, port.broadcast_flood, port.suppresses_neighbours, port.hairpin,
    )
    assert (0, False, True) == (other.state, interfaces["br0"].stp, bridge.stp)


def test_queues_are_as_tc_says(lab: Lab) -> None:
    """Kind, handle, parent and drops of every queue are what `tc -s qdisc` prints."""
    found = held(lab, "a").interfaces
    for name, said in witness.queues(lab, "a").items():
        assert said == {replace(queue, text="") for queue in found[name].queues}
    texts = {queue.kind: queue.text for one in found.values() for queue in one.queues}
    assert {"noqueue": "noqueue", "tbf": "tbf rate 1000000bit burst 1600b limit 3000b", "htb": "", "pfifo": "pfifo limit 7"} == texts


def test_the_words_of_a_queue_make_it_again() -> None:
    """tc(8) takes a queue's text and makes an equal one."""
    with declared() as lab:
        for words in ("tbf rate 3mbit burst 5000 limit 9000", "bfifo limit 4321", "pfifo limit 1"):
            do(lab, "a", f"tc qdisc add dev eth0 root handle 7: {words}")
            first = held(lab, "a").interfaces["eth0"].queues[0]
            do(lab, "a", "tc qdisc del dev eth0 root", f"tc qdisc add dev eth0 root handle 7: {first.text}")
            assert (first, True) == (held(lab, "a").interfaces["eth0"].queues[0], first.text != "")
            do(lab, "a", "tc qdisc del dev eth0 root")


def test_drops_of_a_queue_are_counted() -> None:
    """What a full queue threw away is in its counter."""
    with declared() as lab:
        do(lab, "a", "tc qdisc add dev eth0 root handle 7: tbf rate 8kbit burst 1600 limit 1600")
        lab["a"].exec("ping -q -c 20 -i 0.002 -s 1000 -W 0.01 10.0.0.2")
        queue = held(lab, "a").interfaces["eth0"].queues[0]
        assert (True, tell(lab, "a", "tc -j -s qdisc show dev eth0")[0]["drops"]) == (queue.dropped > 0, queue.dropped)


def test_places_with_filters_are_named() -> None:
    """Filters of ingress and clsact hooks and of a classful root queue are found; a hook without filters is none."""
    match = "protocol ip u32 match ip dst 10.77.0.0/16 flowid 1:10"
    with declared() as lab:
        do(lab, "a", "tc qdisc add dev eth0 clsact", "tc qdisc add dev eth1 ingress", "tc qdisc add dev eth1 root handle 1: htb")
        assert [(), (), ()] == [held(lab, "a").interfaces[name].filters for name in ("eth0", "eth1", "lo")]
        do(
            lab, "a", f"tc filter add dev eth0 egress {match}", f"tc filter add dev eth1 ingress {match}",
            f"tc filter add dev eth1 parent 1: {match}",
        )
        found = held(lab, "a").interfaces
        assert (("egress",), {"ingress", "root"}) == (found["eth0"].filters, set(found["eth1"].filters))
        assert {Queue("clsact", "ffff:", "ingress", 0, "clsact")} == {queue for queue in found["eth0"].queues if queue.kind != "noqueue"}


LISTEN = """
import socket, sys
def bound(family, kind, address, alone):
    one = socket.socket(family, kind)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, alone)
    one.bind(address)
    if kind == socket.SOCK_STREAM:
        one.listen()
    return one
v4, v6, tcp, udp = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
held = [
    bound(v4, tcp, ("10.0.0.1", 81), 0), bound(v4, udp, ("", 82), 0), bound(v6, tcp, ("::", 83), 0), bound(v6, udp, ("::", 84), 1),
    bound(v6, tcp, ("::ffff:10.0.0.1", 85), 0), bound(v6, udp, ("::1", 86), 1), bound(v4, udp, ("10.0.0.1", 87), 0),
]
held[-1].connect(("10.0.0.2", 1))
print("ready", flush=True)
sys.stdin.read()
"""


def test_listeners_are_as_ss_says() -> None:
    """Bound sockets are what `ss` prints: `::` with IPv4 is told twice, an IPv4-mapped address as IPv4, a connected socket not at all."""
    with declared() as lab, lab["a"].popen(["python3", "-c", LISTEN], stdin=-1, stdout=-1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        found, said = held(lab, "a").listeners, witness.listeners(lab, "a")
        process.stdin.close()
    expected = {
        ("tcp", 81, "10.0.0.1"), ("udp", 82, "0.0.0.0"), ("tcp", 83, "::"), ("tcp", 83, "0.0.0.0"), ("udp", 84, "::"),  # noqa: S104
        ("tcp", 85, "10.0.0.1"), ("udp", 86, "::1"),
    }
    assert {Listener(protocol, port, ip_address(address)) for protocol, port, address in expected} == set(found)
    assert set() == {(one.protocol, one.port) for one in said} ^ {(one.protocol, one.port) for one in found}


def test_counters_are_as_ip_says() -> None:
    """Packets, bytes, errors and drops lie between two readings of `ip -s link` around ours."""
    def said(lab: Lab) -> list[int]:
        stats = tell(lab, "a", "ip -j -s link show dev eth0")[0]["stats64"]
        return [stats[way][name] for name in ("packets", "bytes", "errors", "dropped") for way in ("rx", "tx")]

    with declared() as lab:
        assert lab["a"].exec("ping -q -c 3 -i 0.01 10.0.0.2")
        before, counters, after = said(lab), held(lab, "a").interfaces["eth0"].counters, said(lab)
    ours = [counters[f"{way}_{name}"] for name in ("packets", "bytes", "errors", "dropped") for way in ("rx", "tx")]
    assert [True] * 8 == [low <= one <= high for low, one, high in zip(before, ours, after, strict=True)]
    assert ours[1] >= 3


def test_duplicate_addresses_are_seen() -> None:
    """An IPv6 address is tentative while its interface has no carrier, and has failed where a neighbour holds it already."""
    with declared() as lab:
        do(lab, "b", "ip link set eth1 down", "ip address add 2001:db8::1/64 dev eth0 nodad")
        do(lab, "a", "ip address add 2001:db8:1::1/64 dev eth1", "ip address add 2001:db8::1/64 dev eth0")
        assert HeldAddress("eth1", ip_interface("2001:db8:1::1/64"), ("tentative",)) in held(lab, "a").addresses
        deadline = time.monotonic() + 10
        while (found := _flags(lab, "2001:db8::1/64")) == ("tentative",) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert ("dadfailed", "tentative") == found


def _flags(lab: Lab, address: str) -> tuple[str, ...]:
    return next(one.flags for one in held(lab, "a").addresses if str(one.address) == address)


def test_rulesets_are_known_by_their_tables() -> None:
    """The nftables tables of a namespace are named, without its rules being read."""
    with declared() as lab:
        assert () == held(lab, "a").tables
        do(lab, "a", "nft add table inet first", "nft add table bridge second")
        assert {("inet", "first"), ("bridge", "second")} == set(held(lab, "a").tables)


def test_other_kinds_of_interfaces_do_no_harm() -> None:
    """A vxlan and a macvlan, in a bridge and with forwarding entries of their own, a tun, and IPv6 switched off: all are read."""
    with declared() as lab:
        do(
            lab, "a", "ip link add name vx type vxlan id 5 dstport 4789 remote 10.0.0.2 dev eth0",
            "ip link add name mv link eth1 type macvlan mode bridge",
            "ip link add name sw type bridge", "ip link set mv master sw", "ip link set vx master sw up", "ip link set sw up",
            "bridge fdb append 00:00:00:00:00:00 dev vx dst 10.0.0.9", "ip link set eth1 arp off",
            "sysctl -qw net.ipv6.conf.all.disable_ipv6=1",
        )
        a = held(lab, "a")
        assert witness.links(lab, "a") == {name: told(one) for name, one in a.interfaces.items()}
        assert witness.forwarding_entries(lab, "a") == set(a.fdb)
        assert ("sw", False, 1) == (a.interfaces["vx"].master, a.interfaces["eth1"].arp, a.interfaces["eth1"].ipv6["disable_ipv6"])


def test_several_at_once_are_as_one_by_one(lab: Lab) -> None:
    """Reading several namespaces gives the same as reading each, and leaves no file open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    names = ["a", "host"]
    together = {name: _settled(one) for name, one in full_snapshots(lab.namespaces, names).items()}
    assert {name: _settled(held(lab, name)) for name in names} == together
    assert before == len(list(Path("/proc/self/fd").iterdir()))


def _settled(snapshot: Snapshot) -> Snapshot:
    """Without what changes by itself."""
    quiet = {name: replace(one, counters={}, queues=()) for name, one in snapshot.interfaces.items()}
    return replace(snapshot, interfaces=quiet, neighbours=(), addresses=tuple(replace(one, flags=()) for one in snapshot.addresses))


def test_wiring_of_a_lab() -> None:
    """Every interface of every namespace with its peer, master and addresses; a peer outside the namespaces read is none."""
    with declared() as lab:
        wires = read_wiring(lab.namespaces, sorted(lab.namespaces.names()))
        alone = read_wiring(lab.namespaces, ["a"])
        for node in ("a", "b", "host"):
            said = witness.links(lab, node)
            assert {name: one[1:4:2] for name, one in said.items()} == {
                end.interface: (wire.kind, True) for end, wire in wires.items() if end.netns == node
            }
    pairs = {str(end): str(wire.peer) for end, wire in wires.items() if wire.peer is not None}
    assert {
        "a:eth0": "b:eth0", "b:eth0": "a:eth0", "a:eth1": "b:eth1", "b:eth1": "a:eth1", "a:eth2": "host:p-a", "host:p-a": "a:eth2",
        "b:eth2": "host:p-b", "host:p-b": "b:eth2",
    } == pairs
    wire = wires[End("a", "eth0")]
    assert ("veth", True, True, ip_interface("10.0.0.1/24")) == (wire.kind, wire.up, wire.carrier, wire.addresses[0])
    assert ("br0", None) == (wires[End("host", "p-a")].master, alone[End("a", "eth2")].peer)
    assert Wire(End("a", "lo"), "loopback", addresses=(ip_interface("127.0.0.1/8"), ip_interface("::1/128"))) == wires[End("a", "lo")]
