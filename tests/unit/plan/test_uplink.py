"""The way from a lab's host to the real world: its addresses, what the machine gets of it, and what the machine never hears of."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from vethlab import change as ops
from vethlab import spec
from vethlab.errors import LabError, SpecErrors
from vethlab.model.link import End
from vethlab.model.names import HOST, WORLD
from vethlab.model.nat import Table
from vethlab.model.route import NextHop
from vethlab.model.state import Netns, State
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff
from vethlab.plan.uplink import POOL4, POOL6, meets, transfer
from vethlab.plan.watch import recorded_keys, watched

NETWORK = 'networks: {br0: {subnet: [10.1.0.0/24, "fd01::/64"], gateway: 1, nat: masquerade, nodes: [a]}}\n'
TOPOLOGY = spec.loads(f"name: up\nuplink: machine\n{NETWORK}")
ON = transfer(TOPOLOGY, "up")
DROP = 'oifname "p-world" fib saddr type != local drop'


def test_the_file_says_so_again() -> None:
    """`uplink` survives the canonical form; labs without one do not mention it."""
    assert ("machine", TOPOLOGY) == (TOPOLOGY.uplink, spec.loads(spec.to_yaml(TOPOLOGY)))
    assert "uplink" not in spec.to_yaml(replace(TOPOLOGY, uplink="none"))


def test_the_subnet_is_the_same_each_time_and_nobodys() -> None:
    """By the owner's name, unless somebody has it: the machine, or the lab itself. Where nothing is free, that is said."""
    again, other = transfer(TOPOLOGY, "up"), transfer(TOPOLOGY, "other")
    assert (ON, True) == (again, other.far != ON.far)
    four, six = ON.far
    assert (True, True) == (four.ip in POOL4, six.ip in POOL6)
    assert [one.network for one in ON.near] == [one.network for one in ON.far]
    beside = transfer(TOPOLOGY, "up", [four.network])
    assert int(four.ip) + 4 == int(beside.far[0].ip)
    mine = spec.loads(f"name: up\nuplink: machine\nlinks: [a {ON.far[0]} -- b]\n")
    assert beside.far == transfer(mine, "up").far
    assert ((4,), (4, 6)) == tuple(
        tuple(one.version for one in transfer(TOPOLOGY, "up", versions=versions).near) for versions in ((4,), (4, 6))
    )
    with pytest.raises(LabError, match="no subnet is free"):
        transfer(TOPOLOGY, "up", [ip_network("198.18.0.0/15")])


def test_a_lab_may_come_to_need_its_own_way_out() -> None:
    """Its file gives a node the subnet that was free before."""
    mine = spec.loads(f"name: up\nuplink: machine\nlinks: [a {ON.far[1]} -- b]\n")
    assert (False, True) == (meets(TOPOLOGY, ON), meets(mine, ON))


def test_what_the_machine_gets() -> None:
    """One marked end of a cable and one marked table; no setting of it is wanted, none watched, and no subnet of the lab is named."""
    found = desired(TOPOLOGY, way=ON)
    machine, host = found.netns[WORLD], found.netns[HOST]
    assert ["vethlab:up:vl-up"] == [one.mark for one in machine.links.values()]
    assert (End(HOST, "p-world"), End(WORLD, "vl-up")) == (machine.links["vl-up"].peer, host.links["p-world"].peer)
    assert ({}, {}, frozenset()) == (
        dict(machine.sysctls), watched(found, dict.fromkeys(recorded_keys(), "0"))[WORLD], machine.routes,
    )
    assert machine.table is not None
    assert (True, False) == ('comment "vethlab:up:nat"' in machine.table.text, "10.1.0" in machine.table.text)
    assert {str(one.address) for one in machine.addresses if not one.address.is_link_local} == {str(one) for one in ON.far}


def test_what_the_host_gets() -> None:
    """Default routes to the machine, forwarding, and a rule that lets nothing out but in its own name, where no network hides either."""
    found = desired(TOPOLOGY, way=ON).netns[HOST]
    assert {(NextHop(one.ip),) for one in ON.far} == {one.next_hops for one in found.routes}
    assert "1" == found.sysctls["net.ipv4.ip_forward"] == found.sysctls["net.ipv6.conf.all.forwarding"]
    bare = desired(spec.loads("name: up\nuplink: machine\nlinks: [a -- b]\n")).netns[HOST]
    for table in (found.table, bare.table):
        assert isinstance(table, Table)
        assert DROP in table.text
    assert "masquerade" not in getattr(bare.table, "text", "")
    old = desired(TOPOLOGY, ipv6=False).netns
    assert {4} == {one.address.version for one in (*old[HOST].addresses, *old[WORLD].addresses) if one.interface != "br0"}


def test_nothing_is_played_where_the_world_is_real() -> None:
    """No namespace plays the world; the machine's counts as one of the lab's, and it is the end with the mark that is made first."""
    assert (False, True, (HOST, "a", WORLD)) == (TOPOLOGY.has_world, TOPOLOGY.goes_out, TOPOLOGY.namespaces)
    changes = diff(State({WORLD: Netns()}), desired(TOPOLOGY, way=ON), new=True)
    cable = next(one for one in changes if isinstance(one, ops.AddVeth) and "p-world" in one.object)
    assert ("link world:vl-up -- host:p-world", {"a", HOST}) == (
        cable.object, {one.netns for one in changes if isinstance(one, ops.AddNetns)},
    )


def test_a_host_that_is_the_machine_has_its_way_out() -> None:
    """With `host: machine` nothing is made for the uplink: no world, no cable, no route, no further rule."""
    joined = replace(TOPOLOGY, host="machine")
    found = desired(joined)
    assert (HOST, {HOST, "a"}, frozenset()) == (joined.machine, set(found.netns), found.netns[HOST].routes)
    assert DROP not in getattr(found.netns[HOST].table, "text", DROP)


@pytest.mark.parametrize(("text", "slug"), [
    (f"uplink: machine\n{NETWORK}checks: [ping a -> world]\n", "world-is-real"),
    (f"host: machine\nuplink: pasta\n{NETWORK}", "wrong-value"),
])
def test_what_cannot_be_meant(text: str, slug: str) -> None:
    """The real world is nobody in particular; the machine has no host of its own to lead out of."""
    with pytest.raises(SpecErrors) as caught:
        spec.loads(f"name: up\n{text}")
    assert slug in {one.slug for one in caught.value.errors}


def test_subnets_of_the_played_world_are_free() -> None:
    """With an uplink a lab may use the addresses that the played world has otherwise, and publish at none of them."""
    text = "name: up\nuplink: machine\nnetworks: {br0: {subnet: 198.51.100.0/24, gateway: 1, nat: masquerade, nodes: [a]}}\n"
    assert "198.51.100.0/24" == str(spec.loads(text).networks[0].subnets[0])
    with pytest.raises(SpecErrors, match=r"is the world.s"):
        spec.loads(text.replace("uplink: machine\n", ""))
    published = f"name: up\nuplink: machine\n{NETWORK}nodes: {{a: {{publish: ['198.51.100.2:80:80']}}}}\n"
    with pytest.raises(SpecErrors, match="has no address"):
        spec.loads(published)
