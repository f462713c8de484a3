"""Which pairs of nodes are neighbours, and who asks whom."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from tests.unit.probe.surveys import address, link, site, star

from vethlab.model.path import Path
from vethlab.probe.segments import Member, Pair, Segments
from vethlab.probe.survey import survey


def member(name: str, number: int, text: str) -> Member:
    """A member of a segment."""
    return Member(name, number, ip_address(text).packed)


A, B, C = member("a", 11, "10.0.0.1"), member("b", 12, "10.0.0.2"), member("c", 13, "10.0.0.3")


def ping(source: str, text: str, interface: str | None = None) -> Path:
    """A ping."""
    return Path("ping", source, ip_address(text), text, interface=interface)


def test_a_path_within_a_subnet_has_a_pair() -> None:
    """Source and destination on one subnet need an entry for each other; beyond the subnet no pair is known."""
    seen = star("a", "b")
    paths = {0: ping("a", "10.0.0.2"), 1: ping("a", "10.9.9.9"), 2: ping("b", "10.0.0.1"), 3: ping("nobody", "10.0.0.1")}
    assert {0: Pair(A, B), 2: Pair(B, A)} == Segments(seen).pairs(paths, seen)


def test_a_bound_path_uses_its_own_interface() -> None:
    """A path bound to another interface than the subnet's has no pair there."""
    seen = star("a", "b")
    assert {0} == set(Segments(seen).pairs({0: ping("a", "10.0.0.2", "eth0"), 1: ping("a", "10.0.0.2", "eth1")}, seen))


def test_a_path_to_oneself_needs_no_neighbour() -> None:
    """Both ends in one namespace: nothing is lent, the kernel's own ARP is the point."""
    seen = survey({"box": site([link(2, "v0"), link(3, "v1")], [address(2, "10.0.0.1/24"), address(3, "10.0.0.2/24")])})
    assert {} == Segments(seen).pairs({0: ping("box", "10.0.0.2", "v0")}, seen)


def test_a_contested_address_is_no_member() -> None:
    """An address that two namespaces own is left to real ARP."""
    seen = survey({name: site([link(11 + n)], [address(11 + n, text)]) for n, (name, text) in enumerate(
        [("a", "10.0.0.1/24"), ("b", "10.0.0.2/24"), ("c", "10.0.0.2/24")],
    )})
    assert {} == Segments(seen).pairs({0: ping("a", "10.0.0.2")}, seen)


def test_what_is_down_or_alone_is_no_member() -> None:
    """Links that are down, host prefixes and loopback addresses are on no segment."""
    seen = survey({
        "a": site([link(2)], [address(2, "10.0.0.1/24")]),
        "b": site([link(3, up=False)], [address(3, "10.0.0.2/24")]),
        "c": site([link(4)], [address(4, "10.0.0.3/32"), address(1, "10.0.0.4/24")]),
    })
    assert 0 == Segments(seen).upper_bound


def test_upper_bound() -> None:
    """A segment of three needs at most six entries."""
    assert 6 == Segments(star("a", "b", "c")).upper_bound


def test_ring() -> None:
    """Everybody is asked for once, by the member one, or two, places before."""
    segments = Segments(star("a", "b", "c"))
    pairs = [Pair(A, B), Pair(B, C)]
    assert [Pair(C, A), Pair(A, B), Pair(B, C)] == segments.ring(pairs)
    assert [Pair(B, A), Pair(C, B), Pair(A, C)] == segments.ring(pairs, step=2)
    assert [] == segments.ring([Pair(A, B)], step=2)


def test_gateways() -> None:
    """Each namespace asks for the gateways it names where they are neighbours."""
    segments = Segments(star("a", "b"))
    assert [Pair(A, B)] == segments.routed({"a": [B.address, ip_address("10.7.7.7").packed], "b": [B.address], "nobody": [A.address]})


def test_ipv6_has_its_own_segments() -> None:
    """Subnets of different families are never mixed up."""
    seen = star("a", "b", subnet="fd00::{}/64")
    pairs = Segments(seen).pairs({0: ping("a", "fd00::2")}, seen)
    assert {0: Pair(member("a", 11, "fd00::1"), member("b", 12, "fd00::2"))} == pairs


def test_a_link_renamed_meanwhile_is_compared_by_name() -> None:
    """The interface a path is bound to is compared by the name the survey saw."""
    seen = star("a", "b")
    renamed = replace(seen, sites={**seen.sites, "a": site([link(11, "wan")], [address(11, "10.0.0.1/24")])})
    assert {0} == set(Segments(renamed).pairs({0: ping("a", "10.0.0.2", "wan")}, renamed))
