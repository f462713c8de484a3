"""What a lab with `host: machine` wants among interfaces of others, and what is in its way."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from vethlab import change as ops
from vethlab import spec
from vethlab.model.link import Link
from vethlab.model.names import HOST, mark, owner_of
from vethlab.model.occupied import Occupied
from vethlab.model.snapshot import Listener
from vethlab.model.state import Address, Netns, State
from vethlab.plan.collisions import collisions, published
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff
from vethlab.plan.spaces import QUIET_PORTS, Surroundings
from vethlab.plan.watch import recorded_keys, watched

LAB = "name: m\nhost: machine\nnetworks: {br0: {subnet: 10.1.0.0/24, gateway: 1, nodes: [a, b]}}\n"
TOPOLOGY = spec.loads(LAB)
WANTED = desired(TOPOLOGY)


def test_marks_tell_their_owner() -> None:
    """A mark names owner and interface; what does not look like one has no owner."""
    assert "vethlab:m.1.77:br0" == mark("m.1.77", "br0")
    assert ["m.1.77", "m", "", "", ""] == [
        owner_of(one) for one in ("vethlab:m.1.77:br0", "vethlab:m:br0", "vethlab:m", "vethlab:m:", "other:m:br0")
    ]
    assert len(mark("x" * 63 + ".1000.4194304", "y" * 15)) < 128


def test_the_file_says_so_again() -> None:
    """`host: machine` survives the canonical form; private labs do not mention it."""
    assert (True, TOPOLOGY) == (TOPOLOGY.joins_machine, spec.loads(spec.to_yaml(TOPOLOGY)))
    assert "host:" not in spec.to_yaml(replace(TOPOLOGY, host="private"))


def test_only_marked_interfaces_are_wanted_of_the_machine() -> None:
    """No `lo`, no setting of the machine is wanted, and none of its sysctls is watched; every interface bears the mark."""
    host = WANTED.netns[HOST]
    assert {"br0": "vethlab:m:br0", "p-a": "vethlab:m:p-a", "p-b": "vethlab:m:p-b"} == {one.name: one.mark for one in host.links.values()}
    assert ({}, {}) == (dict(host.sysctls), watched(WANTED, dict.fromkeys(recorded_keys(), "0"))[HOST])
    assert {Address("br0", ip_interface("10.1.0.1/24"))} == {one for one in host.addresses if one.address.version == 4}
    private = desired(replace(TOPOLOGY, host="private")).netns[HOST]
    assert ("1", {None}) == (private.sysctls[QUIET_PORTS], {one.mark for one in private.links.values()})


def test_a_machine_without_ipv6_is_asked_for_no_ipv6() -> None:
    """Where new interfaces take no IPv6 address the bridge is to have none; the nodes have theirs all the same."""
    found = desired(TOPOLOGY, around=Surroundings(ipv6=False)).netns
    assert (set(), 1) == ({one for one in found[HOST].addresses if one.address.version == 6}, len([
        one for one in found["a"].addresses if one.address.version == 6]))


def test_indexes_are_taken_far_from_others_and_never_twice() -> None:
    """Indexes begin where the lab's name says and pass by those that others have; ours of before count too."""
    first = WANTED.netns[HOST].first_index
    there = State({HOST: Netns(foreign=frozenset({first, first + 2}))})
    taken = {
        link.index for one in diff(there, WANTED, new=True) if isinstance(one, ops.AddBridge | ops.AddVeth)
        for link in ([one.link] if isinstance(one, ops.AddBridge) else [one.left, one.right])
    }
    assert {first + 1, first + 3, first + 4, first + 5, first + 6} == taken
    assert 0x1000000 <= first < 0x7F000000
    assert first != desired(TOPOLOGY, owner="other").netns[HOST].first_index


def test_marked_interfaces_are_made_with_all_that_tells_whose_they_are() -> None:
    """Bridge and port get their mark and how they make IPv6 addresses at once, so that no later change has to say it."""
    found = diff(State({HOST: Netns()}), WANTED, new=True)
    (bridge,) = [one for one in found if isinstance(one, ops.AddBridge)]
    assert (
        "ip link property add dev br0 altname vethlab:m:br0", "ip link set dev br0 addrgenmode eui64",
    ) == bridge.commands()[1:]
    port = next(one for one in found if isinstance(one, ops.AddVeth) and one.left.name == "p-a")
    assert (
        "ip link property add dev p-a altname vethlab:m:p-a", "ip link set dev p-a addrgenmode none", "ip link set dev p-a master br0",
        "ip link set dev p-a up",
    ) == port.commands()[1:]
    assert {"br0"} == {one.after.name for one in found if isinstance(one, ops.SetLink) and one.netns == HOST}


def test_a_machine_with_room() -> None:
    """Other names, addresses and subnets are in nobody's way; link-local addresses are everybody's."""
    occupied = Occupied(
        {"lo": "", "docker0": "a bridge interface"}, {ip_address("172.17.0.1"): "docker0", ip_address("fe80::1"): "eth0"},
        ((ip_network("172.17.0.0/16"), "dev docker0"), (ip_network("fd00::/8"), "dev eth0")),
    )
    assert () == collisions(WANTED.netns[HOST], occupied)


@pytest.mark.parametrize(("occupied", "interface", "message", "why", "remedy"), [
    (Occupied({"br0": "a bridge interface"}), "br0", "the machine has `br0` already", "a bridge interface, not this lab's", "another name"),
    (Occupied({"p-b": "a veth interface of lab `x`"}), "p-b", "the machine has `p-b` already", "of lab `x`", "another `port:`"),
    (Occupied(addresses={ip_address("10.1.0.1"): "eth0"}), "br0", "has the address 10.1.0.1 already", "it is on eth0", "subnet"),
    (Occupied(ways=((ip_network("10.0.0.0/8"), "dev tun0"),)), "br0", "the subnet 10.1.0.0/24 overlaps a route of the machine",
     "10.0.0.0/8 dev tun0", "another subnet"),
    (Occupied(ways=((ip_network("10.1.0.128/25"), ""),)), "br0", "overlaps a route", "10.1.0.128/25 is in its main table", "subnet"),
])
def test_what_is_in_the_way(occupied: Occupied, interface: str, message: str, why: str, remedy: str) -> None:
    """A name, an address, a wider or a narrower route of the machine: each is told with what it is and what helps."""
    (found,) = collisions(WANTED.netns[HOST], occupied)
    assert (interface, True, True, True) == (found.interface, message in found.message, why in found.why, remedy in found.help), found


def test_a_route_of_the_other_family_is_not_in_the_way() -> None:
    """IPv6 routes take nothing from IPv4 subnets."""
    assert () == collisions(Netns({"br0": Link("br0", "bridge")}, frozenset({Address("br0", ip_interface("10.1.0.1/24"))})),
                            Occupied(ways=((ip_network("::/1"), ""),)))


def test_nat_changes_nothing_of_the_machine_but_its_own_interfaces() -> None:
    """No default route, no forwarding switch: a world is reached by its own address only, route_localnet is set on our bridge alone."""
    nodes = "nodes: {a: {publish: ['8080:80']}, b: {}}\n"
    host = desired(spec.loads(LAB.replace("gateway: 1", "gateway: 1, nat: masquerade") + nodes)).netns[HOST]
    assert ({"net.ipv4.conf.br0.route_localnet": "1"}, {"203.0.113.1/32", "2001:db8:ffff::1/128"}) == (
        dict(host.sysctls), {str(one.destination) for one in host.routes})
    assert host.table is not None


def test_a_pair_that_is_the_machines_on_both_ends_is_marked_on_both() -> None:
    """The pair under a macvlan segment stays where it is made: neither end needs a later word about IPv6."""
    wanted = desired(spec.loads(LAB.replace("subnet", "type: macvlan, subnet")))
    found = diff(State({HOST: Netns()}), wanted, new=True)
    (pair,) = [one for one in found if isinstance(one, ops.AddVeth) and one.peer_netns == HOST]
    assert {"vethlab:m:br0", "vethlab:m:m-br0"} == {pair.left.mark, pair.right.mark}
    assert not [line for one in found if isinstance(one, ops.SetLink) and one.netns == HOST for line in one.commands() if "addrgen" in line]


PUBLISHED = "nodes: {a: {publish: ['8080:80', '127.0.0.1:53:53/udp']}, b: {}}\n"
NAT = spec.loads(LAB.replace("gateway: 1", "gateway: 1, nat: masquerade") + PUBLISHED)
ANY = str(ip_address(0))


def test_the_table_is_marked_and_named_by_its_owner() -> None:
    """On the machine the table of a lab has its owner's name and a comment that bears the mark; the rest is as in a private lab."""
    table, private = (desired(one).netns[HOST].table for one in (NAT, replace(NAT, host="private")))
    assert table is not None
    assert private is not None
    assert ("vethlab-nat-m", '\tcomment "vethlab:m:nat"') == (table.name, table.text.splitlines()[1])
    assert private.text.splitlines()[1:] == table.text.splitlines()[2:]
    inside = desired(NAT, owner="m.1.7").netns[HOST].table
    assert inside is not None
    assert ("vethlab-nat-m.1.7", True) == (inside.name, inside.text.startswith("table inet vethlab-nat-m.1.7 {\n"))
    (found,) = collisions(Netns(table=table), Occupied(tables=frozenset({("inet", "vethlab-nat-m")})))
    assert "the machine has a table inet vethlab-nat-m already" == found.message
    assert () == collisions(Netns(table=table), Occupied(tables=frozenset({("ip", "vethlab-nat-m")})))


@pytest.mark.parametrize(("protocol", "port", "address", "meets"), [
    ("tcp", 8080, ANY, True), ("tcp", 8080, "192.0.2.7", True), ("tcp", 8080, "::", True), ("udp", 8080, ANY, False),
    ("tcp", 8081, ANY, False), ("udp", 53, "127.0.0.1", True), ("udp", 53, ANY, True), ("udp", 53, "127.0.0.53", False),
    ("udp", 53, "::", False),
])
def test_a_port_that_a_program_listens_on_is_not_published(protocol: str, port: int, address: str, meets: bool) -> None:
    """A published port that would take packets from a program of the machine is in the way; others are not."""
    assert meets == bool(published(NAT, [Listener(protocol, port, ip_address(address))]))
