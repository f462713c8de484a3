"""Outcomes become results: what passes, what fails, and with which words."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.unit.probe.surveys import address, link, site, star

from vethlab.model.path import Path, Result
from vethlab.plan.paths import NO_ADDRESS
from vethlab.probe.judge import foregone, judge
from vethlab.probe.outcome import Outcome, seconds
from vethlab.probe.survey import survey

PATH = Path("ping", "a", ip_address("10.0.0.2"), "b", "b")
BLOCKED = replace(PATH, expect="blocked")
PROMPT = replace(PATH, within=0.005)


@pytest.mark.parametrize(
    ("path", "outcome", "expected"),
    [
        (PATH, Outcome(ok=True, rtt_us=40.0), Result(PATH, ok=True, passed=True, rtt_us=40.0)),
        (PATH, Outcome(ok=False, reason="no reply", finding="x"), Result(PATH, ok=False, passed=False, reason="no reply", finding="x")),
        (PATH, Outcome(ok=True, rtt_us=40.0, reason="not by r"), Result(PATH, ok=True, passed=False, rtt_us=40.0, reason="not by r")),
        (PROMPT, Outcome(ok=True, rtt_us=4999.0), Result(PROMPT, ok=True, passed=True, rtt_us=4999.0)),
        (PROMPT, Outcome(ok=True, rtt_us=5001.0), Result(PROMPT, ok=True, passed=False, rtt_us=5001.0, reason="took 5 ms, more than 5 ms")),
        (BLOCKED, Outcome(ok=False, reason="silent", blocked=True), Result(BLOCKED, ok=False, passed=True, reason="silent")),
        (BLOCKED, Outcome(ok=False, reason="not sent"), Result(BLOCKED, ok=False, passed=False, reason="not sent")),
        (
            BLOCKED, Outcome(ok=True, rtt_us=9.0),
            Result(BLOCKED, ok=True, passed=False, rtt_us=9.0, reason="expected to be blocked, but b answered"),
        ),
    ],
)
def test_judge(path: Path, outcome: Outcome, expected: Result) -> None:
    """A blocked path passes only where the block is proven; a late or strange answer is an answer that does not pass."""
    assert expected == judge(path, outcome)


def test_no_address() -> None:
    """A path to the unspecified address fails as no-address, without a packet."""
    bare = replace(PATH, dst=NO_ADDRESS)
    assert {4: Outcome(ok=False, reason="b has no address", finding="no-address")} == foregone({4: bare}, star("a", "b"))


def test_no_address_to_send_from() -> None:
    """A source without an address of the family fails as no-address; loopback destinations need none."""
    seen = survey({"a": site([link(2)], [address(2, "fe80::1/64")])})
    outcomes = foregone({0: PATH, 1: replace(PATH, dst=ip_address("127.0.0.1")), 2: replace(PATH, dst=ip_address("fd00::1"))}, seen)
    assert {0: "a has no IPv4 address to send from", 2: "a has no IPv6 address to send from"} == {
        position: outcome.reason for position, outcome in outcomes.items()
    }


def test_an_address_of_ones_own_proves_nothing() -> None:
    """Where the source owns the destination's address too, the ping would never leave it: a duplicate address, not a success."""
    seen = survey({name: site([link(2)], [address(2, "10.0.0.2/24")]) for name in ("a", "b")})
    assert ["duplicate-address"] == [outcome.finding for outcome in foregone({0: PATH}, seen).values()]
    assert {} == foregone({0: replace(PATH, dst_node="a")}, seen)


def test_all_is_well() -> None:
    """Nothing is foregone where both ends have their addresses."""
    assert {} == foregone({0: PATH}, star("a", "b"))


@pytest.mark.parametrize(("value", "text"), [(1.0, "1 s"), (0.25, "0.25 s")])
def test_seconds(value: float, text: str) -> None:
    """Times are written as people write them."""
    assert text == seconds(value)
