"""What is worth waiting for before a probe, and what is not."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from tests.unit.probe.surveys import address, link, site, star

from vethlab.kernel.netlink.sock_diag import TCP, UDP, Listener
from vethlab.kernel.port import ProcessStatus
from vethlab.model.path import Path
from vethlab.model.state import Process
from vethlab.probe.blocked import on_link
from vethlab.probe.listening import _death as death
from vethlab.probe.listening import age, patience, served
from vethlab.probe.readiness import Readiness
from vethlab.probe.survey import Site, survey

FOUR = {0: Path("ping", "a", ip_address("10.0.0.2"), "b", "b")}
SIX = {0: Path("ping", "a", ip_address("fd00::2"), "b", "b")}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (link(2), False), (link(2, running=False), True), (link(2, running=False, carrier=False), False),
        (link(2, up=False, running=False, carrier=False), False),
    ],
)
def test_a_link_that_is_about_to_run_is_waited_for(one: object, expected: bool) -> None:
    """Up with carrier and not running yet: linkwatch will come. Without carrier the peer is down, which is final."""
    assert expected == Readiness(star("a", "b"), FOUR).unsettled("a", site([one], []))  # type: ignore[list-item]


def host(*addresses: str, carrier: bool = False, port_up: bool = True) -> Site:
    """A host namespace with a bridge that does not run yet and one port."""
    bridge = link(5, "br0", running=False, carrier=carrier)
    return site([bridge, link(6, "p-a", master=5, up=port_up, carrier=port_up, running=port_up)], [address(5, text) for text in addresses])


def test_a_bridge_without_address_is_not_waited_for() -> None:
    """Ports forward whether or not the bridge's own interface runs, and that often takes a second longer."""
    seen = survey({**star("a", "b").sites, "host": host()})
    assert not Readiness(seen, FOUR).unsettled("host", seen.sites["host"])


def test_a_gateway_is_waited_for_by_those_who_use_it() -> None:
    """A bridge with an address is waited for where a path is routed or ends there, and not by neighbours among themselves."""
    seen = survey({**star("a", "b").sites, "host": host("10.0.0.254/24")})
    routed = {0: Path("ping", "a", ip_address("10.7.0.1"), "x")}
    ends = {0: Path("ping", "a", ip_address("10.0.0.254"), "host", "host")}
    found = [Readiness(seen, paths).unsettled("host", seen.sites["host"]) for paths in (FOUR, routed, ends)]
    assert [False, True, True] == found


def test_a_bridge_gets_carrier_from_a_port_that_is_up() -> None:
    """A bridge none of whose ports is up stays without carrier, so nobody waits for it."""
    ends = {0: Path("ping", "host", ip_address("10.0.0.1"), "a", "a")}
    sites = [host("10.0.0.254/24", port_up=up) for up in (True, False)]
    assert [True, False] == [Readiness(survey({"host": one}), ends).unsettled("host", one) for one in sites]


def test_tentative_addresses_that_are_used_are_waited_for() -> None:
    """Duplicate address detection is waited for at destination and source of IPv6 paths, unless it has failed already."""
    tentative = site([link(2)], [address(2, "fd00::2/64", tentative=True)])
    failed = site([link(2)], [address(2, "fd00::2/64", tentative=True, dad_failed=True)])
    source = site([link(2)], [address(2, "fd00::1/64", tentative=True)])
    seen = survey({"a": source, "b": tentative})
    assert [True, True] == [Readiness(seen, SIX).unsettled(name, seen.sites[name]) for name in ("a", "b")]
    assert not Readiness(survey({"b": failed}), SIX).unsettled("b", failed)


def test_tentative_addresses_that_nobody_uses_are_not() -> None:
    """The link-local address of an IPv4 lab may stay tentative as long as it likes."""
    one = site([link(2)], [address(2, "fe80::1/64", tentative=True)])
    assert not Readiness(survey({"a": one}), FOUR).unsettled("a", one)


@pytest.mark.parametrize(
    ("listener", "expected"),
    [
        ("0.0.0.0", True), ("::", True), ("10.0.0.2", True), ("127.0.0.1", False), ("::1", False),  # noqa: S104 - what listeners are bound to
    ],
)
def test_who_serves(listener: str, expected: bool) -> None:
    """A listener serves its own address, or all; one on [::] serves IPv4 too."""
    path = Path("tcp", "a", ip_address("10.0.0.2"), "b", "b", port=80)
    assert expected == served(path, {"b": {TCP: [Listener(80, ip_address(listener))], UDP: []}})


def test_another_port_or_protocol_does_not_serve() -> None:
    """The port and the protocol have to be the path's; where the kernel cannot tell, nothing is held against the path."""
    path = Path("udp", "a", ip_address("10.0.0.2"), "b", "b", port=80)
    everywhere = ip_address("::")
    assert not served(path, {"b": {TCP: [Listener(80, everywhere)], UDP: [Listener(81, everywhere)]}})
    assert served(path, {"b": {TCP: [], UDP: None}})


@pytest.mark.parametrize(("others", "expected"), [([], 10.0), ([Listener(81, ip_address("10.0.0.2"))], 2.0)])
def test_patience(others: list[Listener], expected: float) -> None:
    """A server that listens nowhere yet may still be starting; one that listens elsewhere has started."""
    path = Path("tcp", "a", ip_address("10.0.0.2"), "b", "b", port=80)
    assert expected == patience([path], {"b": {TCP: others, UDP: []}})


@pytest.mark.parametrize(
    ("exited", "expected"),
    [
        ([None], ""), ([3, None], ""), ([], ""), ([3], "nobody listens on port 80 of b: its `run: x` ended with status 3"),
        ([137], "nobody listens on port 80 of b: its `run: x` was killed by signal 9"),
    ],
)
def test_a_dead_run(exited: list[int | None], expected: str) -> None:
    """A `run:` is dead once every process of the node has ended, and it is said how."""
    path = Path("tcp", "a", ip_address("10.0.0.2"), "b", "b", port=80)
    assert expected == death(path, [ProcessStatus("b", Process("x"), 1, status, "log") for status in exited])


def test_age() -> None:
    """A process that does not exist has no age, so it is given the whole time; this one is older than nothing."""
    import os

    assert 0.0 == age(2**22 + 1)
    assert 0.0 < age(os.getpid())


@pytest.mark.parametrize(("text", "expected"), [("10.0.0.7", True), ("10.0.1.7", False), ("fd00::1", False)])
def test_on_link(text: str, expected: bool) -> None:
    """An address is on link if a subnet of the namespace holds it."""
    assert expected == on_link(star("a").sites["a"], ip_address(text).packed)
