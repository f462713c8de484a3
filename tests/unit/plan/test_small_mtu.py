"""MTUs below 1280 bytes: there is no IPv6 on such an interface, and nothing of it is compared, watched, sent or taken away."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from vethlab import change as ops
from vethlab import spec
from vethlab.kernel.fake import Fake
from vethlab.model.link import End, Link
from vethlab.model.neighbour import Neighbour
from vethlab.model.route import NextHop, Route
from vethlab.model.state import Address, Netns, State, without_ipv6
from vethlab.plan.delta import shifted
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff
from vethlab.plan.order import order
from vethlab.plan.watch import recorded_keys, watched

LAB = """\
name: x
MORE
nodes: {a: {sysctl: {SYSCTL}}, b: {}}
links: [{ends: a 10.0.0.1/24 -- b:eth.7 10.0.0.2/24, mtu: MTU}]
networks: {br0: {subnet: 10.1.0.0/24, gateway: 1, mtu: MTU, nodes: [a]}}
"""
SHOWN = "net.ipv6.conf.eth0.accept_ra"


def state(mtu: int, *, sysctl: str = "", more: str = "ipv6: link-local") -> State:
    """What a declaration asks for."""
    return desired(spec.loads(LAB.replace("MTU", str(mtu)).replace("SYSCTL", sysctl).replace("MORE", more)))


def running(mtu: int, **said: str) -> Fake:
    """A lab that is so."""
    kernel = Fake()
    kernel.apply(diff(State(), state(mtu, **said)))
    return kernel


def told(before: State, after: State) -> list[str]:
    """What would be done, and why."""
    return [f"{one.object}: {one.reason}" for one in diff(before, after)]


def narrow(kernel: Fake, node: str, interface: str, mtu: int) -> None:
    """By hand: and the kernel takes IPv6 off."""
    now = kernel.spaces[node].links[interface]
    kernel.apply([ops.SetLink(node, now, replace(now, mtu=mtu), "by hand")])


def test_a_lab_with_small_mtus_is_as_declared_once_made() -> None:
    """Nothing is said of link-local addresses, whatever new interfaces of its namespaces do."""
    kernel = running(1000)
    assert () == diff(State(kernel.spaces), state(1000))
    assert [] == [one for one in diff(State(), state(1000)) for line in one.commands() if "addrgenmode" in line or "fe80" in line]


def test_lowered_it_is_one_change_for_an_interface() -> None:
    """What the kernel takes away by itself is not taken away by hand."""
    kernel = running(1500)
    assert [
        "interface host:br0: mtu 1500 → 900", "interface host:p-a: mtu 1500 → 900", "interface a:eth0: mtu 1500 → 900",
        "interface a:eth1: mtu 1500 → 900", "interface b:eth.7: mtu 1500 → 900",
    ] == told(State(kernel.spaces), state(900))


def test_raised_it_comes_first_and_alone() -> None:
    """IPv6 starts as on a new interface: settings and addresses of it follow, and how addresses are made where that differs."""
    kernel = running(900)
    found = diff(State(kernel.spaces), state(1500, sysctl=f"{SHOWN}: 0"))
    shown = [f"{type(one).__name__} {one.object}: {one.reason}" for one in found if one.netns != "b"]
    assert [
        "SetLink interface host:br0: mtu 900 → 1500", "SetLink interface host:p-a: mtu 900 → 1500",
        "SetLink interface a:eth0: mtu 900 → 1500", "SetLink interface a:eth1: mtu 900 → 1500",
        f"SetSysctl sysctl {SHOWN} in a: declared in the lab file",
    ] == shown[:5]
    assert "SetLink interface host:br0: link-local address off → on" in shown[5:]
    kernel.apply(found)
    assert () == diff(State(kernel.spaces), state(1500, sysctl=f"{SHOWN}: 0"))


def test_lo_gets_back_what_only_its_coming_up_makes() -> None:
    """::1 is no state of a lab's, and yet nobody else would bring it back."""
    kernel = running(1500)
    narrow(kernel, "a", "lo", 1000)
    assert ["interface a:lo: mtu 1000 → 65536", "address ::1/128 on a:lo: gone with IPv6 on lo"] == told(State(kernel.spaces), state(1500))


def test_without_link_local_addresses_it_comes_back_so() -> None:
    """`ipv6: none`: what makes them is turned off again, and so is what it made meanwhile."""
    kernel = running(900, more="ipv6: none")
    found = told(State(kernel.spaces), state(1500, more="ipv6: none"))
    assert "interface a:eth0: mtu 900 → 1500" == found[2]
    assert "interface a:eth0: link-local address on → off" in found


@pytest.mark.parametrize("on", [True, False])
def test_where_others_have_interfaces_too_it_is_always_told(*, on: bool) -> None:
    """How addresses are made by default there is the machine's business: a marked interface is told, unless it has no IPv6."""
    now = Link("p", "veth", mtu=900, index=9, mark="vl:x:p", link_local=False)
    wide = replace(now, mtu=1500, link_local=on)
    rise, tell = diff(State({"host": Netns({"p": now})}), State({"host": Netns({"p": wide}, first_index=9)}))
    assert ["ip link set dev p mtu 1500"] == [*rise.commands()]
    assert [f"ip link set dev p addrgenmode {'eui64' if on else 'none'}"] == [*tell.commands()]
    marking = [ops.AddBridge("host", replace(link, kind="bridge")).commands()[1:] for link in (now, wide)]
    assert [1, 2] == [len(one) for one in marking]


def test_its_settings_are_not_watched() -> None:
    """There are none to be read; those of IPv4 are."""
    recorded = dict.fromkeys(recorded_keys(), "0")
    small, large = (watched(state(mtu), recorded)["b"].keys() for mtu in (1279, 1280))
    assert {"net.ipv6.conf.eth/7.disable_ipv6"} == large - small
    assert "net.ipv4.conf.eth/7.rp_filter" in small


def test_a_live_change_takes_along_what_hung_on_it() -> None:
    """Drift of IPv6 on an interface that loses it goes, of IPv4 it stays, and elsewhere all of it."""
    kernel = running(1500)
    hand = {Address(name, ip_interface(one)) for name in ("eth0", "lo") for one in ("fd00::1/64", "192.0.2.1/24")}
    kernel.put("a", addresses=kernel.spaces["a"].addresses | hand, sysctls={SHOWN: "0", "net.ipv6.conf.lo.accept_ra": "0"})
    before = kernel.read(kernel.names(), [("a", SHOWN), ("a", "net.ipv6.conf.lo.accept_ra")])
    goal = shifted(before, state(1500), state(900))
    assert {"lo fd00::1/64", "lo 192.0.2.1/24", "eth0 192.0.2.1/24", "eth0 10.0.0.1/24", "eth1 10.1.0.2/24"} == {
        f"{one.interface} {one.address}" for one in goal.netns["a"].addresses
    }
    assert ["net.ipv6.conf.lo.accept_ra"] == [*goal.netns["a"].sysctls]
    kernel.apply(diff(before, goal))
    assert () == diff(kernel.read(kernel.names(), [("a", "net.ipv6.conf.lo.accept_ra")]), goal)
    kernel.apply(diff(kernel.read(kernel.names(), [("a", SHOWN)]), before))  # and back again
    assert before.netns["a"] == kernel.read(["a"], [("a", SHOWN), ("a", "net.ipv6.conf.lo.accept_ra")]).netns["a"]


@pytest.mark.parametrize(("hand", "mtus"), [(900, (1500, 1400)), (1500, (900, 1000)), (900, (1500, 1000)), (1500, (1400, 900))])
def test_a_live_change_of_what_was_changed_by_hand(hand: int, mtus: tuple[int, int]) -> None:
    """Whatever the MTU was made meanwhile: it becomes the wanted one, and how addresses are made is as declared."""
    kernel = running(mtus[0])
    narrow(kernel, "a", "eth0", hand)
    before = State(dict(kernel.spaces))
    goal = shifted(before, state(mtus[0]), state(mtus[1]))
    kernel.apply(diff(before, goal))
    assert () == diff(State(kernel.spaces), goal)
    assert (mtus[1], mtus[1] >= 1280) == (kernel.spaces["a"].links["eth0"].mtu, kernel.spaces["a"].links["eth0"].link_local)


def test_what_goes_with_ipv6() -> None:
    """Addresses, neighbours, settings and next hops of version 6 on these interfaces, and nothing else."""
    def hops(*names: str) -> tuple[NextHop, ...]:
        return tuple(NextHop(ip_address("fd00::9"), name) for name in names)

    four, six = (Neighbour("eth0", ip_address(one), "02:00:00:00:00:01") for one in ("10.0.0.2", "fd00::2"))
    routes = [Route(ip_network("fd01::/64"), hops("eth0", "eth1")), Route(ip_network("fd02::/64"), hops("eth0")),
              Route(ip_network("10.9.0.0/16"), (NextHop(None, "eth0"),)), Route(ip_network("fd03::/64"), hops("eth1"))]
    keys = ["net.ipv6.conf.eth0.mtu", "net.ipv6.neigh.eth0.app_solicit", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.eth0.rp_filter"]
    found = without_ipv6(Netns(neighbours=frozenset({four, six}), routes=frozenset(routes), sysctls=dict.fromkeys(keys, "1")), ["eth0"])
    assert ({four}, keys[2:]) == ({*found.neighbours}, [*found.sysctls])
    assert {Route(ip_network("fd01::/64"), hops("eth1")), *routes[2:]} == {*found.routes}


def test_what_others_stand_on_grows_first() -> None:
    """A macvlan's MTU is at most that of what it stands on, in whichever namespace that is; when both shrink, the order is no matter."""
    small = Link("m-lan", "veth", mtu=1400), Link("eth0", "macvlan", mtu=1400, lower=End("host", "m-lan"))
    under, above = (ops.SetLink(node, one, replace(one, mtu=1500), "") for node, one in zip(("host", "a"), small, strict=True))
    assert (under, above) == order([above, under], ["a", "host"])
    back = [ops.SetLink(one.netns, one.after, one.before, "") for one in (above, under)]
    assert tuple(back) == order(back, ["a", "host"])


def test_a_fall_keeps_its_place() -> None:
    """Only what brings IPv6 back comes early."""
    fall = ops.SetLink("a", Link("eth0", "veth"), Link("eth0", "veth", mtu=1000), "")
    rise = ops.SetLink("a", Link("eth1", "veth", mtu=1000), Link("eth1", "veth"), "")
    setting = ops.SetSysctl("a", "net.ipv4.conf.eth1.rp_filter", "1")
    assert (rise, setting, fall) == order([fall, setting, rise], ["a"])
