"""Sysctls that the kernel writes on into others, and what a way back has to write after them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Interface, IPv6Network

import pytest

from vethlab.change import SetSysctl
from vethlab.lab.undo import undoing
from vethlab.model.link import Link
from vethlab.model.route import NextHop, Route
from vethlab.model.state import Address, Netns, State
from vethlab.plan.diff import diff
from vethlab.plan.spreading import followed, following, lost

LINKS = {"lo": Link("lo", "loopback"), "e.1": Link("e.1", "veth")}
V6 = "net.ipv6.conf.{}.disable_ipv6"


def space(**sysctls: str) -> Netns:
    """A namespace with these settings, dots written `__`, and `e.1` as `E`."""
    return Netns(links=LINKS, sysctls={key.replace("__", ".").replace("E", "e/1"): value for key, value in sysctls.items()})


def test_which_keys_follow_one() -> None:
    """Forwarding goes to every interface and to `default`, and of IPv4 it decides about redirects; most keys stand alone."""
    on = {f"net.ipv4.conf.{name}.forwarding": "1" for name in ("default", "lo", "e/1")} | {"net.ipv4.conf.all.accept_redirects": "0"}
    assert on == following("net.ipv4.ip_forward", "1", LINKS) == following("net.ipv4.conf.all.forwarding", "1", LINKS)
    assert "1" == following("net.ipv4.ip_forward", "0", LINKS)["net.ipv4.conf.all.accept_redirects"]
    assert {"default", "lo", "e/1"} == {key.split(".")[3] for key in following("net.ipv6.conf.all.disable_ipv6", "1", LINKS)}
    assert {} == following("net.ipv4.conf.all.rp_filter", "1", LINKS)
    state, keys = State({"a": Netns(links=LINKS)}), [("a", "net.ipv6.conf.all.forwarding"), ("b", "net.ipv6.conf.all.forwarding")]
    assert {("a", f"net.ipv6.conf.{name}.forwarding") for name in ("default", "lo", "e/1")} == set(followed(state, keys))


def test_what_an_interface_had_is_written_after_what_overwrites_it() -> None:
    """What the kernel writes by itself is not written again, what is otherwise is, though it was no different before."""
    was = space(net__ipv4__ip_forward="0", net__ipv4__conf__E__forwarding="1", net__ipv4__conf__lo__forwarding="0",
                net__ipv4__conf__all__accept_redirects="0")
    now = space(net__ipv4__ip_forward="1", net__ipv4__conf__E__forwarding="1", net__ipv4__conf__lo__forwarding="1",
                net__ipv4__conf__all__accept_redirects="0")
    written = [(one.key, one.value, one.before) for one in diff(State({"a": now}), State({"a": was})) if isinstance(one, SetSysctl)]
    assert [
        ("net.ipv4.ip_forward", "0", "1"), ("net.ipv4.conf.all.accept_redirects", "0", "1"), ("net.ipv4.conf.e/1.forwarding", "1", "0"),
    ] == written


@pytest.mark.parametrize(
    ("now", "was", "names"),
    [
        ({"all": "0", "e/1": "0"}, {"all": "1", "e/1": "0"}, ["lo", "e.1"]), ({"e/1": "0"}, {"e/1": "1"}, ["e.1"]),
        ({"all": "1", "e/1": "0"}, {"all": "1", "e/1": "0"}, []), ({"all": "0", "e/1": "1", "lo": "1"}, {"all": "1"}, []),
    ],
)
def test_who_is_without_ipv6_on_the_way(now: dict[str, str], was: dict[str, str], names: list[str]) -> None:
    """`all` sweeps over every interface that has it, whatever it was set to itself."""
    held = Netns(links=LINKS, sysctls={V6.format(key): value for key, value in now.items()})
    assert names == list(lost(held, {V6.format(key): value for key, value in was.items()}))


def test_addresses_that_are_swept_away_are_given_again() -> None:
    """An address and a route that were there before and after are gone once `all.disable_ipv6` is 1 again."""
    held = Address("e.1", IPv6Interface("fd01::1/64"))
    route = Route(IPv6Network("fd09::/64"), (NextHop(interface="e.1"),))
    was = replace(
        space(net__ipv6__conf__all__disable_ipv6="1", net__ipv6__conf__E__disable_ipv6="0"),
        addresses=frozenset({held}), routes=frozenset({route}),
    )
    now = replace(was, sysctls=dict.fromkeys(was.sysctls, "0"))
    commands = [" ".join(one.argv) for one in undoing(State({"a": was}), State({"a": now}), [])]
    assert [
        "sysctl --write net.ipv6.conf.all.disable_ipv6=1", "sysctl --write net.ipv6.conf.e/1.disable_ipv6=0",
        "ip address add fd01::1/64 dev e.1 nodad", "ip -6 route add fd09::/64 dev e.1 protocol static",
    ] == commands
    assert () == undoing(State({"a": now}), State({"a": now}), [])
