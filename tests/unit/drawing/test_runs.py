"""Ranges in a few words."""

from __future__ import annotations

import pytest

from vethlab.present.drawing.runs import between, names, runs


@pytest.mark.parametrize(("given", "text"), [
    (["host1"], "host1"),
    (["host1", "host2", "host3"], "host1..3"),
    (["rack01", "rack02", "rack04"], "rack01..02, 04"),
    (["h1", "h3", "h5", "h7", "h9"], "h1, 3, 5 and 2 more ranges"),
    (["web", "db"], "web and 1 more"),
    (["eth0", "wan0", "eth1"], "eth0 and 2 more"),
])
def test_names(given: list[str], text: str) -> None:
    """Names with one stem become ranges, others are counted."""
    assert text == names(given)


@pytest.mark.parametrize(("given", "text"), [
    (["10.0.0.1/24"], "10.0.0.1/24"),
    (["10.0.0.10/24", "10.0.0.9/24", "10.0.0.2/24"], "10.0.0.2 … 10.0.0.10/24"),
    (["10.0.0.2/24", "10.0.0.3/31"], "10.0.0.2/24 … 10.0.0.3/31"),
    (["fd00::2/64", "fd00::1/64"], "fd00::1 … fd00::2/64"),
])
def test_addresses(given: list[str], text: str) -> None:
    """The lowest and the highest by value; one prefix length is said once."""
    assert text == between(given)


def test_numbers() -> None:
    """Numbers come as unbroken runs."""
    assert [(1, 3), (5, 5)] == runs([3, 1, 2, 5, 2])
