"""What a probe saw, before it is judged against what the check expects.

Rule of the file: values only; `retry` marks an outcome that the probe itself does not trust (the neighbour table was full).
"""

from __future__ import annotations

from typing import NamedTuple


class Outcome(NamedTuple):
    """One path, probed. `ok`: an answer came, or delivery was proven. `rtt_us`: microseconds. `refused`: something on the way said no (RST, ICMP)."""

    ok: bool
    rtt_us: float | None = None
    reason: str = ""
    finding: str | None = None
    refused: bool = False


def seconds(value: float) -> str:
    """A time span as people write it: `1 s`, `0.25 s`."""
    return f"{value:g} s"
