"""What iperf3 says, understood."""

from __future__ import annotations

import pytest

from vethlab.probe.iperf3 import _last, _received


@pytest.mark.parametrize(("told", "rate"), [
    ({"end": {"sum_sent": {"bits_per_second": 9e9}, "sum_received": {"bits_per_second": 8e9}}}, 8e9),
    ({"end": {"sum": {"bits_per_second": 4e9, "lost_percent": 25}}}, 3e9),
    ({}, 0.0),
])
def test_what_arrived_counts(told: dict[str, object], rate: float) -> None:
    """The receiver's figure where there is one; of old versions the sender's, without what was lost."""
    assert rate == _received(told)


def test_the_last_words_are_the_last_line() -> None:
    """Empty lines at the end are no words."""
    assert ("b", "") == (_last("a\n b \n\n"), _last("\n"))
